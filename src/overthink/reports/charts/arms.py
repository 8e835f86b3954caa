"""Charts of arms over total compute: value of every rung of every arm against its total compute.

Static charts of the page: filled templates with caption and screen-reader text.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overthink.cost.units import amount
from overthink.data.ids import CurveKey
from overthink.data.results.arms import ComparedTotals
from overthink.data.results.curve import CurveResult
from overthink.data.results.study import Results
from overthink.data.visible import ID_LIMIT, visible
from overthink.reports import wording
from overthink.reports.charts.axes import compute_axis
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.frontier import frontier_charts
from overthink.reports.charts.oversight import hidden_charts, judge_charts, oversight_charts
from overthink.reports.charts.reasoning import faithfulness_charts, probe_charts
from overthink.reports.charts.templates import curve_chart
from overthink.reports.charts.within import within_charts
from overthink.reports.report_curves import SHOWN_ARMS


def arm_charts(results: Results) -> list[Chart]:
    """One chart per axis, task, scorer and estimand in which arms were compared; the reference is the first arm."""
    curves = {curve.key: curve for curve in results.curves}
    groups: dict[CurveKey, list[ComparedTotals]] = {}
    for total in results.arms.totals:
        groups.setdefault(total.key._replace(arm=""), []).append(total)
    charts = (
        _chart(groups[group][:SHOWN_ARMS], curves)
        for group in sorted(groups, key=lambda key: wording.axis_position(key.axis))
    )
    return [chart for chart in charts if chart is not None]


def _chart(totals: Sequence[ComparedTotals], curves: Mapping[CurveKey, CurveResult]) -> Chart | None:
    points, keys = [], {}
    task = totals[0].key
    for number, total in enumerate(totals):
        colour, name = f"var(--s{number})", visible(total.key.arm)
        curve = curves.get(total.key)
        rungs = {} if curve is None else {rung.at.rung: rung for rung in curve.rungs}
        for where in total.rungs:
            rung = rungs.get(where.at.rung)
            value, band = (None, None) if rung is None else (rung.mean, rung.band)
            if value is None or value.estimate is None or not where.estimate or where.estimate <= 0:
                continue
            keys[name] = colour
            lines = [
                f"{name}: {wording.axis_value(task.axis)} {wording.percent(value.estimate)}",
                wording.interval(value) or "no interval",
                f"asked for: {value.at.requested_tokens if value.at.requested_tokens is not None else value.at.effort}",
                f"total compute of an attempt: {visible(amount(where.estimate, where.at.unit))}",
                f"finding {visible(value.id, ID_LIMIT)}",
            ]
            points.append(
                {
                    "x": where.estimate,
                    "estimate": value.estimate,
                    "low": value.low,
                    "high": value.high,
                    "band_low": None if band is None else band.low,
                    "band_high": None if band is None else band.high,
                    "estimand": visible(task.estimand),
                    "failed": bool(value.gates_failed),
                    "colour": colour,
                    "name": name,
                    "series": str(number),
                    "tip": "\n".join(lines),
                }
            )
    if not points:
        return None
    unit = next((where.at.unit for where in totals[0].rungs), None)
    axis = compute_axis([float(point["x"]) for point in points], unit)  # type: ignore[arg-type]
    title = f"{wording.axis_name(task.axis)}: {visible(task.task)}"
    notes = (axis.title, "line at a point: pointwise interval; area: band that holds at all rungs of its arm at once")
    span = {"xlow": axis.low, "xhigh": axis.high, "xticks": axis.ticks, "xlabels": axis.labels}
    data = {"points": points, "corrected": [], "marks": [], "thresholds": []}
    name_parts = (task.axis, task.task, "arms", task.estimand)
    return Chart(name_parts, title, notes, curve_chart("log"), span, data, keys)


@dataclass(frozen=True, slots=True)
class StaticChart:
    """A chart of the page.

    Attributes:
        number: Position among all charts.
        template: Name of its template.
        chart: Template with data.
    """

    number: int
    template: str
    chart: Chart

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Name and colour class of each series."""
        return [(name, colour.strip("var(-)")) for name, colour in self.chart.keys.items()]

    def data(self) -> dict[str, Any]:
        """Return the data of the page's script."""
        return {
            "chart": self.template,
            "parameters": self.chart.parameters,
            "datasets": self.chart.datasets,
            "spoken": self.chart.spoken,
        }


def static_charts(results: Results) -> dict[str, list[StaticChart]]:
    """Return the charts that the page gets filled, by their template: those of arms, frontiers, caps and monitors."""
    charts = {
        "log": arm_charts(results),
        "frontier": frontier_charts(results.frontiers),
        "within": within_charts(results.curves),
        "oversight": oversight_charts(results),
        "judges": judge_charts(results),
        "hidden": hidden_charts(results),
        "faithfulness": faithfulness_charts(results),
        "probes": probe_charts(results),
    }
    numbers = itertools.count()
    return {name: [StaticChart(next(numbers), name, chart) for chart in group] for name, group in charts.items()}
