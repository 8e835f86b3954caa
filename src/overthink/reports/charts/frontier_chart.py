"""Frontier (best value at each budget) as a Vega-Lite template: one line per selection rule.

:mod:`overthink.reports.charts.frontier` fills it, for the page and for files.
"""

from functools import cache
from typing import Any

from overthink.reports.charts.templates import axes

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
    specification: dict[str, Any] = chart.to_dict()
    return specification
