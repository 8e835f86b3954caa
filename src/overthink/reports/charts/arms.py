"""Charts of arms over total compute: value of every rung of every arm against its total compute.

Static charts of the page: filled templates with caption and screen-reader text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overthink.cost.units import amount
from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.reports import wording
from overthink.reports.charts.axes import compute_axis
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.frontier import frontier_charts
from overthink.reports.charts.templates import curve_chart
from overthink.reports.report_curves import SHOWN_ARMS
from overthink.reports.wording import ID_LIMIT, visible

ArmKey = tuple[str, str, str, str, str]
"""Axis, task, scorer, estimand and arm."""


def arm_charts(findings: Sequence[Finding]) -> list[Chart]:
    """One chart per axis, task, scorer and estimand in which arms were compared; the reference is the first arm."""
    cost: dict[ArmKey, dict[int, Finding]] = {}
    for finding in findings:
        if finding.kind == Kind.LEDGER and finding.metric == Metric.COMPARED_TOTAL and finding.at.rung is not None:
            cost.setdefault(_curve(finding), {})[finding.at.rung] = finding
    values = _at_rungs(findings, Kind.VALUE, set(cost))
    bands = _at_rungs(findings, Kind.BAND, set(cost))
    groups: dict[tuple[str, ...], list[ArmKey]] = {}
    for curve in cost:
        groups.setdefault(curve[:4], []).append(curve)
    charts = []
    for group in sorted(groups, key=lambda key: wording.axis_position(key[0])):
        chart = _chart(groups[group][:SHOWN_ARMS], cost, values, bands)
        charts += [chart] if chart is not None else []
    return charts


def _curve(finding: Finding) -> ArmKey:
    return (finding.axis, finding.task, finding.scorer or "", finding.estimand, finding.arm)


def _at_rungs(findings: Sequence[Finding], kind: Kind, curves: set[ArmKey]) -> dict[tuple[ArmKey, int], Finding]:
    return {
        (_curve(finding), finding.at.rung): finding
        for finding in findings
        if finding.kind == kind
        and finding.metric == Metric.MEAN
        and finding.at.rung is not None
        and _curve(finding) in curves
    }


def _chart(
    curves: Sequence[ArmKey],
    cost: dict[ArmKey, dict[int, Finding]],
    values: dict[tuple[ArmKey, int], Finding],
    bands: dict[tuple[ArmKey, int], Finding],
) -> Chart | None:
    points, keys = [], {}
    for number, curve in enumerate(curves):
        colour, name = f"var(--s{number})", visible(curve[4])
        for rung, where in cost[curve].items():
            value, band = values.get((curve, rung)), bands.get((curve, rung))
            if value is None or value.estimate is None or not where.estimate or where.estimate <= 0:
                continue
            keys[name] = colour
            lines = [
                f"{name}: {wording.axis_value(curve[0])} {wording.percent(value.estimate)}",
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
                    "estimand": visible(curve[3]),
                    "failed": bool(value.gates_failed),
                    "colour": colour,
                    "name": name,
                    "series": str(number),
                    "tip": "\n".join(lines),
                }
            )
    if not points:
        return None
    unit = next((where.at.unit for where in cost[curves[0]].values()), None)
    axis = compute_axis([float(point["x"]) for point in points], unit)  # type: ignore[arg-type]
    title = f"{wording.axis_name(curves[0][0])}: {visible(curves[0][1])}"
    notes = (axis.title, "line at a point: pointwise interval; area: band that holds at all rungs of its arm at once")
    span = {"xlow": axis.low, "xhigh": axis.high, "xticks": axis.ticks, "xlabels": axis.labels}
    data = {"points": points, "corrected": [], "marks": [], "thresholds": []}
    name_parts = (curves[0][0], curves[0][1], "arms", curves[0][3])
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


def static_charts(findings: Sequence[Finding]) -> tuple[list[StaticChart], list[StaticChart]]:
    """Return the charts of arms over total compute, and of frontiers."""
    arms = [StaticChart(number, "log", chart) for number, chart in enumerate(arm_charts(findings))]
    best = [StaticChart(number, "frontier", chart) for number, chart in enumerate(frontier_charts(findings), len(arms))]
    return arms, best
