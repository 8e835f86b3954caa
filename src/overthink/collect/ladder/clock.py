"""Wall-clock time of a trace, without pauses: judging happens in the pauses."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inspect_ai.model import Model

Clock = Callable[[], float]
"""Monotonic clock: returns seconds from any origin."""


class Stopwatch:
    """Sum of the durations of work intervals.

    Args:
        clock: The clock; None without timing, so that the time is unknown.

    Example:
        >>> ticks = iter([10.0, 12.5, 60.0, 61.0])
        >>> watch = Stopwatch(lambda: next(ticks))
        >>> with watch.running():
        ...     pass  # think
        >>> before = watch.seconds
        >>> with watch.running():
        ...     pass  # answer
        >>> watch.seconds, watch.since(before), Stopwatch(None).seconds
        (3.5, 1.0, None)
    """

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock
        self._seconds = 0.0

    @property
    def seconds(self) -> float | None:
        """Total seconds of all completed intervals; None without timing."""
        return None if self._clock is None else self._seconds

    @property
    def no_time(self) -> float | None:
        """Zero duration: 0; None without timing."""
        return None if self._clock is None else 0.0

    def since(self, earlier: float | None) -> float | None:
        """Return the seconds since the total was ``earlier``."""
        return None if self._clock is None or earlier is None else self._seconds - earlier

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure the duration of a work interval, failed or not."""
        if self._clock is None:
            yield
            return
        start = self._clock()
        try:
            yield
        finally:
            self._seconds += self._clock() - start


def clock_of(model: Model, clock: Clock = time.monotonic) -> Clock | None:
    """Return the clock for a model's work; None for the simulated model, which takes no time of its own.

    Its time would be that of Overthink's own code, and two equal runs would differ in nothing else.

    Args:
        model: The model under test.
        clock: The clock for every other model.
    """
    return clock if getattr(model.api, "takes_time", True) else None
