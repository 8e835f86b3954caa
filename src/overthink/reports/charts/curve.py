"""Charts of a report with their data, for rendering without a browser. Numbers are looked up, not computed.

The page's script fills the same templates for the selected arms and axis.

The heat map of budget × tries as a Vega-Lite template: one selector of one curve, a cell per rung and k.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from overthink.data.finding import Finding
from overthink.data.results.beside import PlantedCurve
from overthink.data.selectors import SelectorName
from overthink.data.visible import visible
from overthink.reports import wording
from overthink.reports.charts.axes import ChartAxis, k_ticks, level_axis, thinking_axis, tokens_axis, tries_axis
from overthink.reports.charts.templates import curve_chart, gap_chart
from overthink.reports.charts.thresholds import Mark, bar_notes, share_floor, threshold_bars
from overthink.reports.report_curves import LEGEND, ReportCurve, ReportRung, level_unit, planted_lines

if TYPE_CHECKING:
    import altair as alt


_CELL = 26
"""Height of a row in pixels."""

_INK = (0.04, 0.6)
"""Opacity of a cell at 0 % and at 100 %, low enough for a readable number."""

_PARAMETERS: dict[str, Any] = {"rows": [], "rowlabels": [], "room": 0}


@cache
def heat_chart() -> dict[str, Any]:
    """A Vega-Lite specification without data.

    Data set to fill: ``cells`` (row, k, estimate, shown, failed, tip): ``row`` is the rung, highest on top, ``shown``
    the text in the cell; a cell without an estimate is dashed and empty. Parameters: ``rows`` with ``rowlabels``,
    and ``room``, the pixels left for these.
    """
    import altair as alt

    cells = alt.Chart(alt.NamedData("cells")).encode(x=_tries_axis(), y=_rungs_axis())
    marks = cells.encode(tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    valid, invalid = (marks.transform_filter(f"{sign}isValid(datum.estimate)") for sign in ("", "!"))
    strength = alt.FillOpacity("estimate:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=list(_INK)))
    edge: dict[str, Any] = {"strokeWidth": 2, "stroke": "var(--paper)"}
    dashes: dict[str, Any] = {"stroke": "var(--line)", "strokeDash": [3, 3], "strokeWidth": 1}
    text: dict[str, Any] = {"fontSize": 12, "color": "var(--ink)", "aria": False}
    spoilt = cells.transform_filter("datum.failed")
    chart = (
        alt.layer(
            valid.mark_rect(fill="var(--s0)", **edge).encode(fillOpacity=strength),
            invalid.mark_rect(fill="transparent", **dashes),
            spoilt.mark_rect(fill=None, stroke="var(--spoilt)", strokeWidth=2.5, strokeDash=[5, 2], aria=False),
            cells.mark_text(**text).encode(text="shown:N"),
        )
        .add_params(*(alt.param(name=name, value=value) for name, value in _PARAMETERS.items()))
        .properties(width="container", height=alt.Step(_CELL))
        .configure(background="transparent", font="inherit", axis=_axes(), view=alt.ViewConfig(stroke=None))
    )
    specification: dict[str, Any] = chart.to_dict(validate=False)
    return specification


def _tries_axis() -> "alt.X":
    import altair as alt

    axis = alt.Axis(title=None, orient="bottom", labelAngle=0, labelOverlap="greedy", ticks=False, domain=False)
    return alt.X("k:O", axis=axis, scale=alt.Scale(padding=0))


def _rungs_axis() -> "alt.Y":
    import altair as alt

    label = "rowlabels[indexof(rows, datum.value)]"
    room = alt.ExprRef("room")
    axis = alt.Axis(title=None, labelExpr=label, labelLimit=110, minExtent=room, ticks=False, domain=False)
    return alt.Y("row:O", sort="descending", axis=axis, scale=alt.Scale(padding=0))


def _axes() -> "alt.AxisConfig":
    import altair as alt

    return alt.AxisConfig(labelColor="currentColor", labelFontSize=12)


CHART_WIDTH = 640
"""Width in pixels of a chart rendered as a file, without labels."""

_BAND = "area: band that holds at all rungs at once"
_WHISKER = "line at a point: pointwise interval"
LEVELS_NOTE = "at a point: the level asked for"
_FAILED = "hollow grey: a gate failed at this rung"


@dataclass(frozen=True, slots=True)
class Chart:
    """A template with its data.

    Attributes:
        name: Parts of a file name; untrusted.
        title: Title of the chart.
        notes: Lines below the title: axis, bands, gates.
        template: Vega-Lite template, as in the page.
        parameters: Parameters by name.
        datasets: Data sets by name.
        keys: Colour by series; drawn as a legend if there are several.
        estimands: Estimands of the curves; drawn as a legend if there are several.
    """

    name: tuple[str, ...]
    title: str
    notes: tuple[str, ...]
    template: dict[str, Any]
    parameters: Mapping[str, Any]
    datasets: Mapping[str, list[dict[str, Any]]]
    keys: Mapping[str, str] = field(default_factory=dict)
    estimands: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """Screen-reader text of the chart."""
        return f"{self.title}. {'. '.join(self.notes)}"


def all_charts(
    curves: Sequence[ReportCurve],
    arms: Sequence[str],
    marks: Sequence[Mark] = (),
    planted: Sequence[PlantedCurve] = (),
) -> Iterator[Chart]:
    """Yield every chart of the page for these curves: values over compute, gaps, values over tries, heat maps.

    Args:
        curves: Curves to draw.
        arms: Their arms, in the order of colours.
        marks: Thresholds to draw below the values over compute.
        planted: Planted truth of a simulated model.
    """
    colours = _colours(curves, arms)
    for group in _groups(curves):
        yield _with_planted(_values(group, colours, marks), group, planted)
    for curve in curves:
        yield from _gaps(curve, colours)
    for curve in curves:
        if any(rung.result.tries for rung in curve.rungs):
            yield _tries(curve)
            deep = (selector for rung in curve.rungs for selector, by_k in rung.result.tries.items() if len(by_k) > 1)
            for selector in dict.fromkeys(deep):
                yield _heat(curve, selector)


def _with_planted(chart: Chart, group: Sequence[ReportCurve], planted: Sequence[PlantedCurve]) -> Chart:
    """Return the chart of values with the planted truth of its curves."""
    lines = planted_lines(planted, group)
    if not any(lines):
        return chart
    numbers = {(str(n), rung.level): lines[n].get(rung.number) for n, curve in enumerate(group) for rung in curve.rungs}
    points = [p | {"planted": numbers[p["series"], p["level"]]} for p in chart.datasets["points"]]
    notes = (*chart.notes, f"dashed: {LEGEND} of the simulated model, expected, not measured")
    return replace(chart, datasets={**chart.datasets, "points": points}, notes=notes)


def _groups(curves: Sequence[ReportCurve]) -> list[list[ReportCurve]]:
    """Return the curves of each axis and task, where any has a value."""
    groups: dict[tuple[str, str], list[ReportCurve]] = {}
    for curve in curves:
        groups.setdefault((curve.axis, curve.name), []).append(curve)
    return [group for group in groups.values() if any(rung.mean for curve in group for rung in curve.rungs)]


def axis_panels(
    curves: Sequence[ReportCurve], arms: Sequence[str], axis: ChartAxis, planted: Sequence[PlantedCurve] = ()
) -> list[tuple[ReportCurve, Chart]]:
    """Return the chart of values of every axis and task on one axis of levels, each with one of its curves.

    Args:
        curves: Curves to draw.
        arms: Their arms, in the order of colours.
        axis: The axis that all share.
        planted: Planted truth of a simulated model.
    """
    colours = _colours(curves, arms)
    charts = ((group, _values(group, colours, (), axis)) for group in _groups(curves))
    return [(group[0], _with_planted(chart, group, planted)) for group, chart in charts]


def _colours(curves: Sequence[ReportCurve], arms: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return colours by axis and arm: one per arm if there are several, else one per axis, as in the page."""
    axes = list(wording.AXIS_TEXTS)
    several = len(arms) > 1
    return {
        (c.axis, c.arm): f"var(--s{arms.index(c.arm) if several else axes.index(c.axis) if c.axis in axes else 0})"
        for c in curves
    }


def _axis(group: Sequence[ReportCurve], *, has_lanes: bool) -> ChartAxis:
    return (thinking_axis(group) if has_lanes else None) or tokens_axis(group) or level_axis(group)


def _values(
    group: Sequence[ReportCurve],
    colours: Mapping[tuple[str, str], str],
    marks: Sequence[Mark],
    shared_axis: ChartAxis | None = None,
) -> Chart:
    has_lanes = bool(marks) and len({curve.reference for curve in group}) == 1 and group[0].reference is not None
    axis = _axis(group, has_lanes=has_lanes) if shared_axis is None else shared_axis
    points, corrected_points, keys = [], [], {}
    for number, curve in enumerate(group):
        colour, name = colours[curve.axis, curve.arm], visible(curve.arm)
        for rung in curve.rungs:
            x = axis.position(rung)
            if x is None or rung.mean is None or rung.mean.estimate is None:
                continue
            keys[name] = colour
            common = {"x": x, "colour": colour, "name": name, "series": str(number), "level": rung.level}
            points.append(common | _point(curve, rung, rung.mean, rung.result.band))
            corrected = rung.result.corrected_mean
            if corrected is not None and corrected.estimate is not None:
                corrected_points.append(common | _point(curve, rung, corrected, None))
    first = group[0]
    notes = [axis.title, f"{_BAND}; {_WHISKER}" if any(p["band_low"] is not None for p in points) else _WHISKER]
    notes += ["diamond: corrected by human labels"] if corrected_points else []
    notes += [LEVELS_NOTE] if shared_axis is None and points else []
    rows = threshold_bars(marks, group, axis, width=CHART_WIDTH) if has_lanes else []
    notes += bar_notes(marks, rows, group[0].reference)
    title = f"{wording.axis_name(first.axis)}: {first.name}, {_meaning(first.axis)}"
    data = {"points": points, "corrected": corrected_points, "marks": [], "thresholds": rows}
    span = _x(axis) | (
        k_ticks(axis, first.reference) | {"floor": share_floor(rows)} if rows and first.reference else {}
    )
    name_parts, estimands = (first.axis, first.name, "curves"), tuple(dict.fromkeys(visible(c.estimand) for c in group))
    return Chart(
        name_parts, title, _with_gate_note(notes, points), curve_chart(axis.scale), span, data, keys, estimands
    )


def _gaps(curve: ReportCurve, colours: Mapping[tuple[str, str], str]) -> Iterator[Chart]:
    axis = level_axis([curve])
    rungs = {rung.number: rung for rung in curve.rungs}
    for gap in curve.gaps:
        steps = [step for step in gap.steps if step.estimate is not None and step.at.rung in rungs]
        points = []
        for step in steps:
            whisker = (step.low, step.high) if len(steps) == 1 else (None, None)
            ends = {"band_low": step.low, "band_high": step.high, "low": whisker[0], "high": whisker[1]}
            where = {"x": axis.position(rungs[step.at.rung or 0]), "colour": colours[curve.axis, curve.arm]}
            of = {"estimate": step.estimate, "failed": bool(step.gates_failed), "estimand": visible(curve.estimand)}
            points.append(where | of | ends | {"series": "gap", "name": "gap", "tip": ""})
        against = visible(gap.capability.task, 120)
        title = f"Capability of {against} minus safety of {curve.name}, {visible(curve.arm)}"
        notes = _with_gate_note(["change since the lowest rung, in points, by level asked for", _BAND], points)
        name = (curve.axis, curve.name, f"divergence against {gap.capability.task}", curve.arm)
        yield Chart(name, title, notes, gap_chart(), _x(axis), {"points": points})


def _tries(curve: ReportCurve) -> Chart:
    """Return the chart of values over k, at the highest rung with such values."""
    rung = [rung for rung in curve.rungs if rung.result.tries][-1]
    points, keys = [], {}
    for selector, by_k in rung.result.tries.items():
        colour, name = wording.selector_colours()[selector], wording.selector_texts()[selector]
        keys[name] = colour
        for k, finding in by_k.items():
            if finding.estimate is not None:
                where = {"x": k, "colour": colour, "name": name, "series": selector}
                points.append(where | _point(curve, rung, finding, None))
    axis = tries_axis(sorted({k for by_k in rung.result.tries.values() for k in by_k}))
    title = f"{wording.axis_name(curve.axis)} by tries: {curve.name}, {visible(curve.arm)}"
    notes = _with_gate_note(
        [f"k tries per question, log scale, at {rung.level}{level_unit(rung.at)}", _WHISKER], points
    )
    data = {"points": points, "corrected": [], "marks": [], "thresholds": []}
    return Chart((curve.axis, curve.name, "tries", curve.arm), title, notes, curve_chart("log"), _x(axis), data, keys)


def _heat(curve: ReportCurve, selector: SelectorName) -> Chart:
    rungs = [rung for rung in curve.rungs if selector in rung.result.tries]
    cells = [
        {
            "row": rung.number,
            "k": k,
            "estimate": finding.estimate,
            "shown": "–" if finding.estimate is None else f"{100 * finding.estimate:.1f}".replace("100.0", "100"),
            "failed": bool(rung.result.failed_gates),
            "tip": "",
        }
        for rung in rungs
        for k, finding in sorted(rung.result.tries[selector].items())
    ]
    title = f"{wording.axis_name(curve.axis)}: {curve.name}, {visible(curve.arm)}"
    meaning = wording.selector_texts()[selector]
    notes = [f"{meaning}; percent, by rung (upward) and k (to the right)"]
    notes += ["dashed grey edge: a gate failed at this rung"] if any(cell["failed"] for cell in cells) else []
    levels = [rung.level for rung in rungs]
    labels = {"rows": [rung.number for rung in rungs], "rowlabels": levels, "room": min(120, 7 * max(map(len, levels)))}
    name = (curve.axis, curve.name, f"heat {selector}", curve.arm)
    return Chart(name, title, tuple(notes), heat_chart(), labels, {"cells": cells})


def _point(curve: ReportCurve, rung: ReportRung, finding: Finding, band: Finding | None) -> dict[str, Any]:
    return {
        "estimate": finding.estimate,
        "low": finding.low,
        "high": finding.high,
        "band_low": band.low if band else None,
        "band_high": band.high if band else None,
        "estimand": visible(curve.estimand),
        "failed": bool(rung.result.failed_gates),
        "tip": "",
    }


def _with_gate_note(notes: Sequence[str], points: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return (*notes, *([_FAILED] if any(point["failed"] for point in points) else []))


def _meaning(axis: str) -> str:
    return wording.AXIS_TEXTS[axis][2] if axis in wording.AXIS_TEXTS else "value in [0, 1]"


def _x(axis: ChartAxis) -> dict[str, Any]:
    return {"xlow": axis.low, "xhigh": axis.high, "xticks": axis.ticks, "xlabels": axis.labels}
