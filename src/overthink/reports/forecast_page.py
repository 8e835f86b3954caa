"""Report of a forecast: one page that works offline, with the safeguards of a study's report.

Everything except the charts is static HTML and readable without scripts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from overthink.data.finding import Finding
from overthink.forecasts.backtest import Backtest
from overthink.reports import forecast_text as words
from overthink.reports.about import About
from overthink.reports.charts.fan_template import LAYERS, fan_chart
from overthink.reports.charts.fan import fan
from overthink.reports.charts.files import chart_files
from overthink.reports.charts.curve import Chart
from overthink.reports.forecast_curve import ForecastPanel
from overthink.reports.names import PROSE_LIMIT, visible
from overthink.reports.octave import NEXT_DOUBLING_HEAD, next_doubling
from overthink.reports.record import backtest_table
from overthink.reports.page import provenance_rows
from overthink.reports.web_page import web_page

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
    octaves: Sequence[Sequence[Finding]] = (),
) -> str:
    """Return the report as one self-contained page.

    Args:
        panels: The banks; names may be hostile.
        about: Metadata of the report.
        backtest: Back-test of the method; None omits it.
        octaves: Findings on the next octave of each curve with a ladder.

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
        "octaves": [next_doubling(findings) for findings in octaves],
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
    last = max(finding.at.k or 1 for panel in panels for finding in panel.findings)
    most = max(panel.attempts[1] for panel in panels)
    return (
        f"{visible(about.source, PROSE_LIMIT)}: from at most {most:,} attempts per question to {last:,}. "
        "Exact where it was tried, then a model band, and beside it what no assumption narrows."
    )


def _banks(panels: Sequence[ForecastPanel]) -> list[dict[str, Any]]:
    """Return the page content of each bank, with the index of its chart if it has one."""
    charts = count()
    return [_bank(panel, next(charts) if panel.fan else None) for panel in panels]


def _bank(panel: ForecastPanel, number: int | None) -> dict[str, Any]:
    answers = [_Answer(words.threshold(at.tau), *words.claim(at), words.crossing(at)) for at in panel.crossings()]
    confidence = panel.by_k()[0][0].level
    return {
        "name": panel.name,
        "size": words.attempts(panel),
        "success": words.success(panel.axis).capitalize(),
        "level": "" if confidence is None else f"{100 * confidence:g}%",
        "answers": answers,
        "fan": number,
        "legend": _legend(panel) if panel.fan else [],
        "rows": words.rows(panel),
        "tries": [f"{estimate.at.k or 0:,}" for estimate, _ in panel.by_k()],
        "risks": words.risks(panel),
        "frequency": words.frequency(panel),
    }


def _legend(panel: ForecastPanel) -> list[tuple[str, str]]:
    """Return the legend of a fan chart, only for layers with data."""
    data = fan(panel).datasets
    items = []
    if any(point["exact"] for point in data["lines"]):
        items.append(("exact", LAYERS["exact"][0]))
    if any(not point["exact"] for point in data["lines"]):
        items.append(("median", "median of the model band"))
    items += [(layer, LAYERS[layer][0].removesuffix(" and its median")) for layer in ("model", "free") if data[layer]]
    items.append(("threshold", "threshold"))
    if any(star["low"] is not None for star in data["stars"]):
        items.append(("star", "K*; its interval thick by the model band, thin by the assumption-free one; arrow: open"))
    return items
