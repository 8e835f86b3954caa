"""Attempts of one call: how often, how long, with which pauses, and the provider's own words if all of them failed."""

import email.utils
import math
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import anyio

from overthink.collect.providers.patience import patience
from overthink.data.secrets import without_secrets
from overthink.data.visible import visible
from overthink.errors import OverthinkError

ResultT = TypeVar("ResultT")

MAX_ERROR_CHARS = 300
"""Maximum number of characters of an error's text."""

_READ_CHARS = 20 * MAX_ERROR_CHARS
"""Characters of an error that are read: a page or a body may be in it."""

REFUSALS = {401: "the key", 403: "the key, or what it may do", 404: "the name of the model, and the address"}
"""Status codes that no later attempt changes, each with what to look at."""


class CallError(RuntimeError):
    """A call of a provider failed in all its attempts.

    Attributes:
        status: Status code of the last reply; None without one.
        is_passing: Whether a later attempt, or one at another server, may succeed.
    """

    def __init__(self, message: str, status: int | None, *, is_passing: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.is_passing = is_passing


_failed: ContextVar[list[CallError] | None] = ContextVar("failed", default=None)


@contextmanager
def failed_calls() -> Iterator[list[CallError]]:
    """Context manager that yields the calls that failed inside the block, even if its code caught their errors."""
    failures: list[CallError] = []
    token = _failed.set(failures)
    try:
        yield failures
    finally:
        _failed.reset(token)


async def repeated(
    attempt: Callable[[], Awaitable[ResultT]],
    *,
    server: str,
    max_tokens: int | None,
    is_passing: Callable[[Exception], bool],
) -> ResultT:
    """Return the result of the first attempt that succeeds.

    Args:
        attempt: The request, with its own time limit.
        server: Name of the model or address, for messages.
        max_tokens: Maximum number of tokens to decode; None without a limit.
        is_passing: Whether another attempt may succeed after this error.

    Raises:
        CallError: No attempt succeeded, or the error is not passing.
    """
    bounds = patience()
    for number in range(1, bounds.tries + 1):
        try:
            return await attempt()
        except (CallError, OverthinkError):
            raise  # all attempts of a part of it, or no failure of the provider
        except Exception as error:  # any error of a client library
            status, passes = status_of(error), is_passing(error)
            is_slow = bounds.has_substitute and any(isinstance(cause, TimeoutError) for cause in chain(error))
            if number == bounds.tries or status in REFUSALS or is_slow or not passes:
                tries = f"after {number} of {bounds.tries} tries; a call waits at most {bounds.call(max_tokens):,} s"
                failure = CallError(f"{server}: {words(error)} ({tries})", status, is_passing=passes)
                if (failures := _failed.get()) is not None and not bounds.has_substitute:
                    failures.append(failure)
                raise failure from error
            await anyio.sleep(bounds.pause_after(number, retry_after(error)))
    raise AssertionError("unreachable: the last attempt returns or raises")


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came from, the outermost first."""
    known: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in known:
        known.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def status_of(error: BaseException) -> int | None:
    """Return the status code of the server's reply; None if there was none."""
    for cause in chain(error):
        status = getattr(cause, "status_code", None)
        if isinstance(status, int) and status >= 400:
            return status
    return None


def words(error: BaseException) -> str:
    r"""Return what went wrong in the provider's own words: in one line, bounded, without keys.

    Example:
        >>> words(ValueError("first line\nand \x1b[31mred"))
        'ValueError: first line and \\u001b[31mred'
    """
    if isinstance(error, CallError):
        return str(error)
    causes = list(chain(error))
    replies = [cause for cause in causes if isinstance(getattr(cause, "status_code", None), int)]
    own = [cause for cause in causes if type(cause).__name__ != "RetryError"]  # Inspect's, which quotes an address
    first = (replies[-1:] or own or causes)[0]
    text = "; ".join([f"{type(first).__name__}: {str(first)[:_READ_CHARS]}", *getattr(first, "__notes__", ())])
    shown = visible(" ".join(without_secrets(text, os.environ).split()), limit=None)
    return shown if len(shown) <= MAX_ERROR_CHARS else f"{shown[: MAX_ERROR_CHARS - 2]} …"


def retry_after(error: BaseException) -> float | None:
    """Return the seconds that the server's reply asks to wait; None if it does not."""
    for cause in chain(error):
        headers = getattr(getattr(cause, "response", None), "headers", None)
        if isinstance(headers, Mapping):
            return seconds_of(headers.get("retry-after"))
    return None


def seconds_of(header: str | None, *, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None for anything else.

    Example:
        >>> seconds_of("1.5"), seconds_of("soon"), seconds_of("nan"), seconds_of("-5")
        (1.5, None, None, None)
        >>> seconds_of("Thu, 01 Jan 1970 00:01:00 GMT", now=lambda: 30.0)
        30.0
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - now()
        except (ValueError, TypeError, OverflowError, OSError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
