"""Training compute of a run, counted under the rules of each instrument.

Where a text is silent about a stage, the count is an interval: without the silent stages, and with them. The error of
the estimate widens it. Compute of inference after deployment counts under no instrument.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from overthink.errors import InputError
from overthink.governance.thresholds import registry
from overthink.governance.inputs import Range, not_negative
from overthink.governance.statement.interval import Interval
from overthink.governance.naming import look_up
from overthink.governance.thresholds.registry import STAGES, Instrument, Status
from overthink.governance.thresholds.training_compute import ERROR_MARGIN, with_margin

Position = Literal["reached", "not_reached", "undecided"]
StageFlop = Mapping[str, float] | Mapping[str, Range]
"""FLOP, or a range of it, by stage of a run."""


@dataclass(frozen=True, slots=True)
class InstrumentCount:
    """Compute of a run under one instrument.

    Attributes:
        instrument: Row of the registry.
        status: Status of the instrument on the day.
        flop: Counted compute; from the stages that count, less the error, to those that may count, plus the error.
        counted_stages: Stages of the run that count.
        silent_stages: Stages of the run about which the text is silent.
        excluded_stages: Stages of the run that do not count.
        position: Whether the threshold is reached: over the whole interval, nowhere in it, or undecided.
    """

    instrument: Instrument
    status: Status
    flop: Interval
    counted_stages: tuple[str, ...]
    silent_stages: tuple[str, ...]
    excluded_stages: tuple[str, ...]
    position: Position


def count(run: StageFlop, row: Instrument, *, status: Status, margin: float = ERROR_MARGIN) -> InstrumentCount:
    """Count a run under one instrument.

    Args:
        run: FLOP, or a range of it, by stage (a name of ``registry.STAGES``); omitted stages have none.
        row: An instrument with a threshold on training compute.
        status: Status of the instrument, for display.
        margin: Error of the estimates, as a share.

    Raises:
        InputError: A stage is unknown or negative, or the run has no compute.
    """
    flop = check_run(run)
    groups = {
        answer: tuple(stage for stage in flop if row.counts[stage] == answer) for answer in ("yes", "silent", "no")
    }
    surely = sum(flop[stage].low for stage in groups["yes"])
    at_most = sum(flop[stage].high for stage in (*groups["yes"], *groups["silent"]))
    low = with_margin(surely, margin=margin).low if surely else 0.0
    high = with_margin(at_most, margin=margin).high if at_most else 0.0
    interval = Interval(low, high)
    return InstrumentCount(
        row, status, interval, groups["yes"], groups["silent"], groups["no"], position_of(row, interval)
    )


def side_by_side(run: StageFlop, *, day: date, margin: float = ERROR_MARGIN) -> list[InstrumentCount]:
    """Count a run under every threshold on training compute that was proposed, agreed or in force on a day.

    Raises:
        InputError: A stage is unknown or negative, or the run has no compute.
    """
    rows = registry.training_thresholds(day)
    return [count(run, row, status=event.status, margin=margin) for row, event in rows]


def position_of(row: Instrument, flop: Interval) -> Position:
    """Return whether an interval of compute reaches a threshold, by the instrument's operator."""
    if row.is_reached(flop.low):
        return "reached"
    return "undecided" if row.is_reached(flop.high) else "not_reached"


def check_run(run: StageFlop) -> dict[str, Range]:
    """Return the stages of a run that have compute.

    Raises:
        InputError: A stage is unknown or negative, or no stage has compute.
    """
    flop = {}
    for name, value in run.items():
        stage = look_up(name, {stage: stage for stage in STAGES}, what="stage of a run")
        ends = value if isinstance(value, Range) else Range(value, value)
        not_negative(ends.low, f"FLOP of {stage}")
        if ends.high > 0:
            flop[stage] = ends
    if not flop:
        raise InputError("the run has no compute; needed: FLOP of at least one stage, such as pre_training")
    return flop
