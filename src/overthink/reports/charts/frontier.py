"""Frontiers as charts: best value at each budget, naive best value, and by difficulty.

The Vega-Lite template has one line per arm and kind of value; the page fills it, and so do files.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from overthink.data.finding import Finding
from overthink.data.record import Axis
from overthink.data.results.budgets import FrontierResult
from overthink.data.visible import ID_LIMIT, PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.charts.axes import compute_axis
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.templates import axes
from overthink.reports.report_curves import SHOWN_ARMS
from overthink.reports.tables.frontier import frontiers_by_task

LINE_KINDS = {
    "best": "valued on questions that did not choose it",
    "difficulty": "each bin of difficulty chooses for itself, and pays for being known",
    "naive": "naive best cell: optimistic",
}
"""Meaning by kind of line."""

_DASHES = ([1, 0], [2, 3], [7, 4])
_SHAPES = ("circle", "diamond", "stroke")
_PARAMETERS: dict[str, Any] = {"xlow": 1, "xhigh": 10, "xticks": [], "xlabels": []}


@cache
def frontier_chart() -> dict[str, Any]:
    """A Vega-Lite specification without data: values from 0 to 100 % over a log axis of total compute.

    Data set to fill: ``points`` (x, estimate, low, high, series, colour, name, kind, failed, tip). Parameters:
    ``xlow``, ``xhigh``, ``xticks`` with ``xlabels``.
    """
    import altair as alt

    x_scale = alt.Scale(
        type="log", domainMin=alt.ExprRef("xlow"), domainMax=alt.ExprRef("xhigh"), nice=False, zero=False
    )
    below = alt.Axis(
        title=None,
        values=alt.ExprRef("xticks"),
        labelExpr="xlabels[indexof(xticks, datum.value)]",
        labelOverlap="greedy",
        labelSeparation=8,
    )
    y_axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", minExtent=40, maxExtent=40)
    share = alt.Scale(domainMin=0, domainMax=1, nice=False, zero=False)
    x, y = alt.X("x:Q", scale=x_scale, axis=below), alt.Y("estimate:Q", scale=share, axis=y_axis)
    names = list(LINE_KINDS)
    dash = alt.StrokeDash("kind:N", legend=None, scale=alt.Scale(domain=names, range=list(_DASHES)))
    shape = alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=names, range=list(_SHAPES)))
    colour = alt.Color("colour:N", scale=None)
    points = alt.Chart(alt.NamedData("points")).encode(x=x, color=colour)
    whiskers = points.transform_filter("isValid(datum.low) && isValid(datum.high) && datum.kind === 'best'")
    low = alt.Y("low:Q", scale=share, axis=y_axis)
    lines = points.encode(y=y, detail="series:N", strokeDash=dash)
    dots = points.encode(y=y, shape=shape, tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    layers: list[alt.Chart] = [
        whiskers.encode(y=low, y2="high:Q").mark_rule(opacity=0.7, strokeWidth=1.5, aria=False),
        lines.mark_line(strokeWidth=2.25, aria=False),
        dots.mark_point(filled=True, size=60, opacity=1),
    ]
    chart = (
        alt.layer(*layers)
        .add_params(*(alt.param(name=name, value=value) for name, value in _PARAMETERS.items()))
        .properties(width="container", height=220)
        .configure(background="transparent", font="inherit", axis=axes(), view=alt.ViewConfig(stroke=None))
    )
    specification: dict[str, Any] = chart.to_dict(validate=False)
    return specification


_ALL_ARMS_COLOUR = "var(--ink)"
_LOOKS = {"best": "solid", "difficulty": "dotted", "naive": "dashed"}


def frontier_charts(frontiers: Sequence[FrontierResult]) -> list[Chart]:
    """Return one chart per axis, task, scorer and estimand with a frontier."""
    return [chart for lines in frontiers_by_task(frontiers) if (chart := _chart(lines)) is not None]


def _chart(lines: Sequence[FrontierResult]) -> Chart | None:
    """Return the chart of a task: each arm in its colour, all arms together in ink with the naive line."""
    together = [line for line in lines if line.is_over_arms]
    selection = [*together, *[line for line in lines if not line.is_over_arms][:SHOWN_ARMS]]
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for number, line in enumerate(selection):
        colour = _ALL_ARMS_COLOUR if line.is_over_arms else f"var(--s{number - len(together)})"
        name = visible(line.key.arm)
        for kind, findings in _series(line, whole=line.is_over_arms or len(selection) == 1).items():
            points += [_point(f, kind, colour=colour, name=name) for f in findings if f.estimate is not None]
        keys[name] = colour
    if not points:
        return None
    key = lines[0].key
    axis = compute_axis([point["x"] for point in points], selection[0].unit)
    kinds = {point["kind"] for point in points}
    notes = [axis.title, *(f"{_LOOKS[kind]}: {LINE_KINDS[kind]}" for kind in LINE_KINDS if kind in kinds)]
    best = "the attacker’s worst" if key.axis == Axis.SAFETY else "best"
    title = f"{wording.axis_name(key.axis)}: {best} value, {visible(key.task)}"
    name_parts = (key.axis, key.task, "frontier", key.estimand)
    data = {"points": points}
    span = {"xlow": axis.low, "xhigh": axis.high, "xticks": axis.ticks, "xlabels": axis.labels}
    return Chart(name_parts, title, tuple(notes), frontier_chart(), span, data, keys)


def _series(line: FrontierResult, *, whole: bool) -> dict[str, list[Finding]]:
    """Return the values by kind of line; where arms are compared with one another, their best values alone."""
    best = {"best": [point.value for point in line.points]}
    if not whole:
        return best
    by_difficulty = [point.value for point in line.by_difficulty if point.value is not None]
    return best | {"difficulty": by_difficulty, "naive": [point.naive for point in line.points]}


def _point(finding: Finding, kind: str, *, colour: str, name: str) -> dict[str, Any]:
    tip = [
        f"{name}: {wording.percent(finding.estimate or 0.0)}, {wording.interval(finding) or 'no interval'}",
        visible(finding.label or "", PROSE_LIMIT),
        LINE_KINDS[kind],
        f"finding {visible(finding.id, ID_LIMIT)}",
    ]
    return {
        "x": finding.at.total,
        "estimate": finding.estimate,
        "low": finding.low,
        "high": finding.high,
        "series": f"{name} {kind}",
        "colour": colour,
        "name": name,
        "kind": kind,
        "failed": bool(finding.gates_failed),
        "tip": "\n".join(tip),
    }
