"""Attempts of one call: how often, how long, with which pauses on every path, and the provider's words at the end."""

import email.utils
import math
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import anyio

from overthink.data.secrets import without_secrets
from overthink.data.visible import visible
from overthink.errors import OverthinkError


@dataclass(frozen=True, slots=True)
class Patience:
    """Bounds on waiting for providers.

    Attributes:
        tries: Attempts per call before it counts as failed; Inspect's own default is no limit.
        seconds: Time limit of one attempt in seconds, without decoding; for the whole attempt, not between bytes.
        seconds_per_token: Additional seconds per token of the decoding limit: slower than any usable server.
        seconds_unlimited: Time limit of one attempt in seconds where nothing limits the decoded tokens.
        pause: Seconds before the second attempt; each further pause is twice as long.
        longest_pause: Maximum seconds of one pause, also where the server asks for more (Retry-After).
        failures: Failures in a row after which a run stops: of traces, or of calls of one model in different traces.
        has_substitute: Another server takes over when this one fails: an attempt that ran out of time is not repeated,
            and a call that fails is not counted.

    Example:
        >>> Patience().attempt(256), Patience().attempt(None), Patience().call(256)
        (376, 900, 1925)
    """

    tries: int = 5
    seconds: float = 120.0
    seconds_per_token: float = 1.0
    seconds_unlimited: float = 900.0
    pause: float = 3.0
    longest_pause: float = 60.0
    failures: int = 8
    has_substitute: bool = False

    def attempt(self, max_tokens: int | None) -> int:
        """Return the time limit of one attempt in whole seconds, at least 1.

        Args:
            max_tokens: Maximum number of tokens to decode; None without a limit.
        """
        if max_tokens is None:
            return math.ceil(self.seconds_unlimited)
        return math.ceil(self.seconds + self.seconds_per_token * max_tokens)

    def call(self, max_tokens: int | None) -> int:
        """Return the maximum number of seconds that a call waits for its server: all attempts and the pauses."""
        pauses = sum(self.pause_after(number, math.inf) for number in range(1, self.tries))
        return math.ceil(self.tries * self.attempt(max_tokens) + pauses)

    def pause_after(self, attempt: int, retry_after: float | None) -> float:
        """Return the seconds to wait after a failed attempt.

        Args:
            attempt: Its number, from 1.
            retry_after: Seconds that the server asks for; None if it does not. Capped, as is a wait that is no number.
        """
        own = self.pause * 2.0 ** (attempt - 1)
        asked = retry_after if retry_after is not None and retry_after > 0 else 0.0  # NaN and negative: no request
        return min(max(own, asked), self.longest_pause)


_current: ContextVar[Patience] = ContextVar("patience", default=Patience())  # noqa: B039 - it is frozen


def patience() -> Patience:
    """Return the patience of the current run."""
    return _current.get()


@contextmanager
def with_patience(bounds: Patience) -> Iterator[None]:
    """Set the patience of everything inside the block."""
    token = _current.set(bounds)
    try:
        yield
    finally:
        _current.reset(token)


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
