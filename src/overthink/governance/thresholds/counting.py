"""Training compute of a run: its estimate with a margin, and its count under the rules of each instrument.

Where a text is silent about a stage, the count is an interval: without the silent stages, and with them. The error of
the estimate widens it. Compute of inference after deployment counts under no instrument.

Estimates are from parameters and tokens, or from hardware. C = 6·P·D for a dense transformer, with the active
parameters of a mixture of experts (EU guidelines, Annex A.2.2; Kaplan et al. 2020, arXiv:2001.08361), and C = N·L·H·U
from hardware (Annex A.2.1). The guidelines ask for 30 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from overthink.errors import InputError
from overthink.governance.inputs import Interval, Range, look_up, not_negative, positive, share
from overthink.governance.thresholds import registry
from overthink.governance.thresholds.registry import STAGES, Instrument, Status

SECONDS_PER_HOUR = 3600.0
ERROR_MARGIN = 0.3
"""Share of the estimate that the EU guidelines (Annex A.2, point 123 of the draft) accept as its error."""


def training_flop_by_parameters(active_parameters: float, training_tokens: float) -> float:
    """Return the FLOP of training by 6·P·D.

    Args:
        active_parameters: Parameters that a token passes through; all of them in a dense model.
        training_tokens: Tokens over all epochs.

    Raises:
        InputError: An argument is not positive.

    Example:
        >>> f"{training_flop_by_parameters(3.8e9, 3.3e12):.2g}"
        '7.5e+22'
    """
    return 6 * positive(active_parameters, "active parameters") * positive(training_tokens, "training tokens")


def training_flop_by_hardware(chip_hours: float, *, peak_flop_per_second: float, utilisation: float) -> float:
    """Return the FLOP of training by N·L·H·U.

    Args:
        chip_hours: Chips times hours.
        peak_flop_per_second: Dense peak of one chip, in the number format used.
        utilisation: Share of the peak that was achieved.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> f"{training_flop_by_hardware(370_000, peak_flop_per_second=989e12, utilisation=0.5):.2e}"
        '6.59e+23'
    """
    seconds = positive(chip_hours, "chip hours") * SECONDS_PER_HOUR
    return seconds * positive(peak_flop_per_second, "peak FLOP per second") * share(utilisation, "utilisation")


def utilisation_of(training_flop: float, *, chip_hours: float, peak_flop_per_second: float) -> float:
    """Return the share of the hardware's peak that a run of known FLOP used (MFU).

    Raises:
        InputError: An argument is not positive.
    """
    possible = training_flop_by_hardware(chip_hours, peak_flop_per_second=peak_flop_per_second, utilisation=1)
    return positive(training_flop, "training FLOP") / possible


def with_margin(training_flop: float, *, margin: float = ERROR_MARGIN) -> Interval:
    """Return an estimate with its margin on both sides.

    Raises:
        InputError: The estimate is not positive, or the margin not from 0 to below 1.
    """
    positive(training_flop, "training FLOP")
    if margin:
        share(margin, "margin")
    return Interval(training_flop * (1 - margin), training_flop * (1 + margin))


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
        stages = ", ".join(run) or "none is stated"
        raise InputError(
            f"the run has no compute ({stages}); needed: FLOP above 0 of at least one stage, such as pre_training"
        )
    return flop
