"""Fan chart of a forecast as a Vega-Lite template: exact values, model band, assumption-free band.

:mod:`overthink.reports.charts.fan` fills it, for the page and for files. Colours are CSS variables, as in
:mod:`overthink.reports.charts.templates`.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from overthink.reports.charts.templates import axes

if TYPE_CHECKING:
    import altair as alt


class Layer(NamedTuple):
    """A layer of the chart: its legend name, its colour, and the name of its band alone."""

    name: str
    colour: str
    band: str


LAYERS = {
    "exact": Layer("exact, no model", "var(--ink)", "exact"),
    "model": Layer("model band and its median", "var(--s0)", "model band"),
    "free": Layer("assumption-free band", "var(--spoilt)", "assumption-free band"),
}
"""By name in the data sets."""

_PARAMETERS: dict[str, Any] = {"xlow": 1, "xhigh": 10, "xticks": [], "xlabels": []}
_HEIGHT = 320


@cache
def fan_chart() -> dict[str, Any]:
    """A Vega-Lite specification without data.

    Data sets to fill: ``free`` and ``model`` (k, low, high, name, colour: the bands), ``lines`` (k, estimate, exact,
    name, colour), ``dots`` (the same with tip: the requested k), ``attempts`` (k, shown, side: last
    exact k), ``levels`` (tau, shown, side: the thresholds), ``stars`` (k, tau, low, high, bound_low, bound_high, open,
    shown, side, tip: the crossings; k is null where there is no estimate). ``side`` is where a label has room, left or
    right.
    Parameters: ``xlow``, ``xhigh``, ``xticks`` with ``xlabels``.
    """
    import altair as alt

    chart = (
        alt.layer(*_bands(), *_levels(), *_attempts(), *_lines(), *_stars())
        .add_params(*(alt.param(name=name, value=value) for name, value in _PARAMETERS.items()))
        .properties(width="container", height=_HEIGHT)
        .configure(background="transparent", font="inherit", axis=axes(), view=alt.ViewConfig(stroke=None))
    )
    specification: dict[str, Any] = chart.to_dict(validate=False)
    return specification


def _x(field: str = "k") -> "alt.X":
    import altair as alt

    low, high = alt.ExprRef("xlow"), alt.ExprRef("xhigh")
    label = "xlabels[indexof(xticks, datum.value)]"
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(type="log", domainMin=low, domainMax=high, nice=False),
        axis=alt.Axis(title=None, values=alt.ExprRef("xticks"), labelExpr=label, labelOverlap="greedy"),
    )


def _y(field: str) -> "alt.Y":
    import altair as alt

    axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", minExtent=40, maxExtent=40)
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=axis)


def _bands() -> "list[alt.Chart]":
    import altair as alt

    layers = []
    for layer, strength in (("free", 0.22), ("model", 0.3)):
        band = alt.Chart(alt.NamedData(layer)).mark_area(opacity=strength, aria=False)
        layers.append(band.encode(x=_x(), y=_y("low"), y2="high:Q", color=alt.Color("colour:N", scale=None)))
    return layers


def _levels() -> "list[alt.Chart]":
    """Return the threshold lines, labelled at the end away from the crossing."""
    import altair as alt

    levels = alt.Chart(alt.NamedData("levels")).encode(y=_y("tau"))
    rule = levels.mark_rule(color="var(--bad)", strokeWidth=1.25, strokeDash=[5, 3], aria=False)
    layers = [rule]
    for side, x, align, dx in (("left", 4, "left", 0), ("right", "width", "right", -16)):
        here = levels.transform_filter(f"datum.side == '{side}'").encode(x=alt.value(x))
        layers += _label(here, "var(--bad)", align=align, dx=dx, dy=-8)
    return layers


def _attempts() -> "list[alt.Chart]":
    """Return the line at the last k with an exact estimate, labelled above the chart."""
    import altair as alt

    attempts = alt.Chart(alt.NamedData("attempts")).encode(x=_x())
    rule: dict[str, Any] = {"color": "var(--mark)", "strokeWidth": 1, "strokeDash": [2, 3], "aria": False}
    layers = [attempts.mark_rule(**rule)]
    for side, align, dx in (("right", "left", -3), ("left", "right", 3)):
        here = attempts.transform_filter(f"datum.side == '{side}'").encode(y=alt.value(0))
        layers += _label(here, "var(--faint)", align=align, dx=dx, dy=-9)
    return layers


def _lines() -> "list[alt.Chart]":
    import altair as alt

    colour = alt.Color("colour:N", scale=None)
    lines = alt.Chart(alt.NamedData("lines")).encode(x=_x(), y=_y("estimate"), color=colour)
    exact, model_line = (lines.transform_filter(f"{sign}datum.exact") for sign in ("", "!"))
    dots = alt.Chart(alt.NamedData("dots")).transform_filter("isValid(datum.estimate)")
    dots = dots.encode(x=_x(), y=_y("estimate"), color=colour)
    tips = dots.encode(tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    return [
        model_line.mark_line(strokeWidth=2, strokeDash=[6, 3], aria=False),
        exact.mark_line(strokeWidth=2.5, aria=False),
        tips.mark_point(filled=True, size=60, opacity=1),
    ]


def _stars() -> "list[alt.Chart]":
    """Return crossings: a diamond on the threshold; interval of the model band thick, assumption-free one thin."""
    import altair as alt

    stars = alt.Chart(alt.NamedData("stars")).encode(y=_y("tau"))
    bad: dict[str, Any] = {"color": "var(--bad)", "clip": True, "aria": False}
    thin = stars.transform_filter("isValid(datum.bound_low)").encode(x=_x("bound_low"), x2="bound_high:Q")
    thick = stars.transform_filter("isValid(datum.low)").encode(x=_x("low"), x2="high:Q")
    with_estimate = stars.transform_filter("isValid(datum.k)").encode(x=_x())
    tips = with_estimate.encode(tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    outline: dict[str, Any] = {"shape": "diamond", "fill": "var(--paper)", "stroke": "var(--bad)", "strokeWidth": 2}
    arrow = stars.transform_filter("datum.open").encode(x=alt.value("width"))
    layers = [
        thin.mark_rule(strokeWidth=2, **bad),
        thick.mark_rule(strokeWidth=6, opacity=0.75, **bad),
        arrow.mark_point(shape="triangle-right", filled=True, size=110, opacity=1, color="var(--bad)", aria=False),
        tips.mark_point(size=130, opacity=1, clip=True, **outline),
    ]
    # A rising curve leaves room below on the right, and above on the left.
    for side, align, dx, dy in (("right", "left", 2, 18), ("left", "right", -2, -16)):
        here = with_estimate.transform_filter(f"datum.side == '{side}'")
        layers += _label(here, "var(--bad)", align=align, dx=dx, dy=dy)
    return layers


def _label(chart: "alt.Chart", colour: str, **offsets: Any) -> "list[alt.Chart]":
    """Return a text with a rim in the background colour, readable on bands and lines."""
    text: dict[str, Any] = {"fontSize": 12, "aria": False, **offsets}
    labels = chart.encode(text="shown:N")
    rim = labels.mark_text(stroke="var(--paper)", strokeWidth=3, color="var(--paper)", **text)
    return [rim, labels.mark_text(color=colour, **text)]
