"""Report of a forecast: one page that works offline, with the safeguards of a study's report.

Everything except the charts is static HTML and readable without scripts.

Forecast of a curve one octave beyond its ladder as text: pooled forecast, and each family with its use.

Back-test as a text table: counts with shares, and their origin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from overthink.data.finding import Finding
from overthink.data.results.forecast import FamilyResult, NextBudgetResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.forecasts.backtest import Backtest, FamilyRecord
from overthink.reports import forecast_text as words
from overthink.reports import wording
from overthink.reports.about import About
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.fan import LAYERS, fan, fan_chart
from overthink.reports.charts.files import chart_files
from overthink.reports.forecast_text import ForecastPanel
from overthink.reports.page import provenance_rows, web_page
from overthink.reports.wording import percent

NEXT_DOUBLING_HEAD = ("Family", "Value there", "Interval", "Error on held-out rungs", "Used")


@dataclass(frozen=True, slots=True)
class NextDoubling:
    """Text of one curve's forecast.

    Attributes:
        name: Axis, task, arm and estimand.
        text: The forecast, or the reason for none.
        finding: Id of its finding.
        rows: A row of cells per family, in the order of ``HEAD``, and the id of its finding.
        limits: Limits of the forecast.
    """

    name: str
    text: str
    finding: str
    rows: list[tuple[str, tuple[str, ...]]]
    limits: list[str]


def next_doubling(result: NextBudgetResult) -> NextDoubling:
    """Return the forecast of one curve as text."""
    key, pool = result.key, result.pool
    parts = [wording.axis_name(key.axis), visible(key.task), visible(key.arm), visible(key.estimand)]
    return NextDoubling(
        name=" · ".join([*parts, *([f"judged by {visible(key.scorer)}"] if key.scorer else [])]),
        text=_forecast_text(pool),
        finding=visible(pool.id, PROSE_LIMIT),
        rows=[(visible(family.value.id, PROSE_LIMIT), _next_budget_row(family)) for family in result.families],
        limits=[visible(limit, PROSE_LIMIT) for limit in pool.limits],
    )


def _forecast_text(pool: Finding) -> str:
    if pool.estimate is None:
        return f"{visible(pool.label or 'no forecast')}: {visible(pool.reason or 'unknown', PROSE_LIMIT)}"
    where = "" if pool.at.requested_tokens is None else f" at {pool.at.requested_tokens:,} tokens"
    return f"{wording.axis_value(pool.axis)}{where}: {wording.percent(pool.estimate)} ({wording.interval(pool)})"


def _next_budget_row(family: FamilyResult) -> tuple[str, ...]:
    finding, error = family.value, family.error
    value = "–" if finding.estimate is None else wording.percent(finding.estimate)
    span = "–"
    if finding.low is not None and finding.high is not None:
        span = f"{wording.percent(finding.low)} to {wording.percent(finding.high)}"
    error_text = (
        "–" if error is None or error.estimate is None else f"{wording.points(error.estimate).lstrip('+')} points"
    )
    why = f": {visible(family.obstacle, PROSE_LIMIT)}" if family.obstacle else ""
    return visible(family.name.replace("_", " ")), value, span, error_text, f"{visible(finding.label or '')}{why}"


_HEAD = (
    "Family",
    "Truth in the model band",
    "in the assumption-free band",
    "Error of the estimate",
    "K* (tries) within a factor of 3",
    "K* (tries) in its interval",
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


_CARDS = 12


@dataclass(frozen=True, slots=True)
class _Answer:
    threshold: str
    claim: str
    reason: str
    crossing: str


def forecast_html(
    panels: Sequence[ForecastPanel],
    about: About,
    backtest: Backtest | None,
    *,
    next_budgets: Sequence[NextBudgetResult] = (),
) -> str:
    """Return the report as one self-contained page.

    Args:
        panels: The banks; names may be hostile.
        about: Metadata of the report.
        backtest: Back-test of the method; None omits it.
        next_budgets: The forecast of each curve with a ladder at twice its highest budget.

    Returns:
        HTML text (write it as UTF-8).
    """
    charts = [fan(panel) for panel in panels if panel.fan]
    every = _banks(panels)
    content = {
        "title": visible(about.title, PROSE_LIMIT),
        "lead": _lead(panels, about),
        "notes": [visible(note, PROSE_LIMIT) for note in about.notes],
        "banks": every[:_CARDS],
        "more": len(every[_CARDS:]),
        "every": every,
        "octave_head": NEXT_DOUBLING_HEAD,
        "octaves": [next_doubling(result) for result in next_budgets],
        "record": None if backtest is None or not panels else backtest_table(backtest),
        "made": provenance_rows(about),
        "limits": words.limits(panels),
    }
    return web_page(
        "forecast.html",
        styles=("page.css", "forecast.css"),
        scripts=("embed.js", "forecast.js"),
        data={"fans": [_drawing(chart) for chart in charts], "chart": fan_chart()},
        content=content,
    )


def forecast_figures(panels: Sequence[ForecastPanel], formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the fan charts as files.

    Args:
        panels: The banks; names may be hostile.
        formats: Any of "svg" and "png".

    Yields:
        File name and content. Names hold only a-z, 0-9, ``.`` and ``-``, and are all different.
    """
    yield from chart_files((fan(panel) for panel in panels if panel.fan), formats)


def _drawing(chart: Chart) -> dict[str, Any]:
    """Return a chart's data for the page's script, with its screen-reader text."""
    return {"parameters": chart.parameters, "datasets": chart.datasets, "spoken": chart.spoken}


def _lead(panels: Sequence[ForecastPanel], about: About) -> str:
    if not panels:
        return f"{visible(about.source, PROSE_LIMIT)}: graded values have no success, so nothing is said of more tries."
    results = [panel.result for panel in panels]
    points = [point.k for result in results for point in result.points]
    last = max(*points, *(at.claim.many for result in results for at in result.thresholds))
    most = max(result.attempts[1] for result in results)
    return (
        f"{visible(about.source, PROSE_LIMIT)}: from at most {most:,} attempts per question to {last:,}. "
        "Exact where it was tried, then a model band, and beside it what no assumption narrows."
    )


def _banks(panels: Sequence[ForecastPanel]) -> list[dict[str, Any]]:
    """Return the page content of each bank, with the index of its chart if it has one."""
    charts = count()
    return [_bank(panel, next(charts) if panel.fan else None) for panel in panels]


def _bank(panel: ForecastPanel, number: int | None) -> dict[str, Any]:
    result = panel.result
    answers = [
        _Answer(words.threshold(at.threshold), *words.claim(at), words.crossing(panel, at)) for at in result.thresholds
    ]
    return {
        "name": panel.name,
        "size": words.attempts(panel),
        "success": words.success(panel.axis).capitalize(),
        "level": f"{100 * result.level:g}%",
        "answers": answers,
        "fan": number,
        "legend": _legend(panel) if panel.fan else [],
        "rows": words.rows(panel),
        "tries": [f"{point.k:,}" for point in result.points],
        "risks": words.risks(panel),
        "frequency": words.frequency(panel),
    }


def _legend(panel: ForecastPanel) -> list[tuple[str, str]]:
    """Return the legend of a fan chart, only for layers with data."""
    data = fan(panel).datasets
    items = []
    if any(point["exact"] for point in data["lines"]):
        items.append(("exact", LAYERS["exact"].name))
    if any(not point["exact"] for point in data["lines"]):
        items.append(("median", "median of the model band"))
    items += [(layer, LAYERS[layer].band) for layer in ("model", "free") if data[layer]]
    items.append(("threshold", "threshold"))
    if any(star["low"] is not None for star in data["stars"]):
        items.append(
            ("star", "K* (tries); its interval thick by the model band, thin by the assumption-free one; arrow: open")
        )
    return items
