"""Runs that stop in the middle, as when the power goes."""

from collections.abc import Callable, Sequence

from overthink.data.record import RungRecord
from overthink.errors import StoppedError


def stopping_after(traces: int) -> Callable[[Sequence[RungRecord]], None]:
    """Ends a run behind so many traces."""
    told: list[object] = []

    def stop(trace: Sequence[RungRecord]) -> None:
        told.append(trace)
        if len(told) >= traces:
            raise StoppedError("the power went")

    return stop
