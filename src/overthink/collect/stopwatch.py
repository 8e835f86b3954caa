"""How long a trace has worked by the clock on the wall, with its breaks left out: whoever judges it works in them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inspect_ai.model import Model

Clock = Callable[[], float]
"""Gives seconds that never go back, from any beginning."""


class Stopwatch:
    """Adds up the time of pieces of work.

    Args:
        clock: What it reads; None where nobody takes the time, so that it stays unknown.

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
        """Seconds of all pieces of work that are over; None where nobody takes the time."""
        return None if self._clock is None else self._seconds

    @property
    def no_time(self) -> float | None:
        """What takes no time at all: 0; None where nobody takes the time."""
        return None if self._clock is None else 0.0

    def since(self, earlier: float | None) -> float | None:
        """Seconds of the pieces of work since it stood at ``earlier``."""
        return None if self._clock is None or earlier is None else self._seconds - earlier

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take the time of a piece of work; one that fails has taken its time, too."""
        if self._clock is None:
            yield
            return
        begun = self._clock()
        try:
            yield
        finally:
            self._seconds += self._clock() - begun


def clock_of(model: Model, clock: Clock = time.monotonic) -> Clock | None:
    """The clock for the work of a model; None for the simulated one, which takes no time of its own.

    What it takes would be the time of our own code, and two runs of one study would differ in nothing else.

    Args:
        model: The model under test.
        clock: The clock for every other model.
    """
    return clock if getattr(model.api, "takes_time", True) else None
