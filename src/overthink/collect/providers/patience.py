"""Patience with providers: tries, seconds and pauses of every request on every path, so that no fault hangs a study."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


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
