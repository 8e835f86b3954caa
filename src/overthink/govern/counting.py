"""One run, counted under the rules of each instrument, side by side.

Where a text is silent about a stage, the count is an interval: without the silent stages, and with them. The error of
the estimate widens it. Compute spent on answering users after deployment counts nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from overthink.errors import InputError
from overthink.govern import registry
from overthink.govern.inputs import Range, not_negative
from overthink.govern.interval import Interval
from overthink.govern.naming import one_of
from overthink.govern.registry import STAGES, Instrument, Status
from overthink.govern.training_compute import ERROR_MARGIN, with_margin

Position = Literal["reached", "not_reached", "undecided"]
Run = Mapping[str, float] | Mapping[str, Range]
"""FLOP, or a range of it, by stage of a run."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a run counts under one instrument.

    Attributes:
        instrument: The row of the registry.
        status: Its status on the day.
        flop: Counted compute; from what surely counts, less the error, to what may count, plus the error.
        counted: Stages of the run that count.
        silent: Stages of the run about which the text is silent.
        not_counted: Stages of the run that do not count.
        position: Whether the threshold is reached: over the whole interval, nowhere in it, or undecided.
    """

    instrument: Instrument
    status: Status
    flop: Interval
    counted: tuple[str, ...]
    silent: tuple[str, ...]
    not_counted: tuple[str, ...]
    position: Position


def count(run: Run, row: Instrument, *, status: Status, margin: float = ERROR_MARGIN) -> Count:
    """A run under one instrument.

    Args:
        run: FLOP, or a range of it, by stage (a name of ``registry.STAGES``); stages left out were not there.
        row: An instrument with a threshold on training compute.
        status: Its status, to be shown.
        margin: Error of the estimates, as a share.

    Raises:
        InputError: A stage is unknown or negative, or the run has no compute.
    """
    flop = checked(run)
    groups = {
        answer: tuple(stage for stage in flop if row.counts[stage] == answer) for answer in ("yes", "silent", "no")
    }
    surely = sum(flop[stage].low for stage in groups["yes"])
    at_most = sum(flop[stage].high for stage in (*groups["yes"], *groups["silent"]))
    low = with_margin(surely, margin=margin).low if surely else 0.0
    high = with_margin(at_most, margin=margin).high if at_most else 0.0
    interval = Interval(low, high)
    return Count(row, status, interval, groups["yes"], groups["silent"], groups["no"], position_of(row, interval))


def side_by_side(run: Run, *, day: date, margin: float = ERROR_MARGIN) -> list[Count]:
    """A run under every threshold on training compute that was proposed, agreed or in force on a day.

    Raises:
        InputError: A stage is unknown or negative, or the run has no compute.
    """
    rows = registry.training_thresholds(day)
    return [count(run, row, status=event.status, margin=margin) for row, event in rows]


def position_of(row: Instrument, flop: Interval) -> Position:
    """Whether an interval of compute reaches a threshold, by the instrument's own operator."""
    if row.reached(flop.low):
        return "reached"
    return "undecided" if row.reached(flop.high) else "not_reached"


def checked(run: Run) -> dict[str, Range]:
    """The stages of a run that have compute.

    Raises:
        InputError: A stage is unknown or negative, or there is none.
    """
    flop = {}
    for name, value in run.items():
        stage = one_of(name, {stage: stage for stage in STAGES}, what="stage of a run")
        ends = value if isinstance(value, Range) else Range(value, value)
        not_negative(ends.low, f"FLOP of {stage}")
        if ends.high > 0:
            flop[stage] = ends
    if not flop:
        raise InputError("the run has no compute; needed: FLOP of at least one stage, such as pre_training")
    return flop
