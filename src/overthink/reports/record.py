"""Back-test as a text table: counts with shares, and their origin."""

from dataclasses import dataclass

from overthink.forecasts.backtest import Backtest, FamilyRecord
from overthink.reports.names import PROSE_LIMIT, visible
from overthink.reports.wording import percent

_HEAD = (
    "Family",
    "Truth in the model band",
    "in the assumption-free band",
    "Error of the estimate",
    "K* within a factor of 3",
    "K* in its interval",
)


@dataclass(frozen=True, slots=True)
class BacktestTable:
    """Text of the back-test.

    Attributes:
        head: Names of the columns.
        rows: Name, description and cells (number, text below it) of each family.
        notes: Origin of the numbers, and their limitations.
    """

    head: tuple[str, ...]
    rows: list[tuple[str, str, list[tuple[str, str]]]]
    notes: list[str]


def backtest_table(backtest: Backtest) -> BacktestTable:
    """Return the back-test as text."""
    tuning_families = [family.family for family in backtest.families if family.chosen_on]
    lines = (
        f"The bands were made to hold {100 * backtest.level:g}% of the time.",
        f"The method was chosen with {', '.join(tuning_families)} in view: expect it to do somewhat worse elsewhere.",
        f"{backtest.silent} banks were shown without a success; from these nothing is extrapolated: they count as 0.",
        f"Measured on {backtest.made} with Overthink {backtest.overthink} by `{backtest.command}`.",
        f"Data: {backtest.source}.",
    )
    return BacktestTable(
        _HEAD, [_backtest_row(family) for family in backtest.families], [visible(line, PROSE_LIMIT) for line in lines]
    )


def _backtest_row(family: FamilyRecord) -> tuple[str, str, list[tuple[str, str]]]:
    shown_range = f"{min(family.shown):,} to {max(family.shown):,}"
    asked_range = f"{min(family.asked):,} to {max(family.asked):,}"
    tuning_note = "" if family.chosen_on else "; the method was not chosen on it"
    size = f"{family.banks:,} banks of {family.models} models"
    small = f"{size}, from {shown_range} attempts to k = {asked_range}{tuning_note}"
    band, free = (f"mean width {100 * width:.0f} points" for width in (family.width, family.bound_width))
    cells = [
        _of(family.coverage, family.inside, family.forecasts, band),
        _of(family.bound_coverage, family.bound_inside, family.forecasts, free),
        (f"{100 * family.mean_error:.1f} points", "mean, absolute"),
        _of(family.near, family.crossings_near, family.crossings),
        _of(family.crossing_coverage, family.crossings_inside, family.crossings),
    ]
    return visible(family.family), visible(small, PROSE_LIMIT), cells


def _of(share: float | None, part: int, whole: int, more: str = "") -> tuple[str, str]:
    if share is None:
        return "–", "no case"
    return percent(share), "; ".join(filter(None, (f"{part:,} of {whole:,}", more)))
