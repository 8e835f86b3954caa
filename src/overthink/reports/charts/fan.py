"""Fan chart of a forecast: its data for the page and for files, and its template for Vega-Lite.

Colours are CSS variables, as in :mod:`overthink.reports.charts.templates`.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from overthink.data.finding import Finding
from overthink.data.results.forecast import ThresholdResult, TriesPoint
from overthink.data.verdict_labels import CrossingLabel
from overthink.reports import forecast_text as words
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.templates import axes
from overthink.reports.forecast_text import ForecastPanel

if TYPE_CHECKING:
    import altair as alt


_ROOM = 1.12
"""Factor by which the axis extends beyond the data at both ends."""


def fan(panel: ForecastPanel) -> Chart:
    """Return the fan chart of one bank.

    Args:
        panel: A bank with a fan.
    """
    result, last = panel.result, panel.fan[-1].k
    data = {
        "free": [_band(point.k, point.bound, "free") for point in panel.fan],
        "model": [_band(point.k, point.value, "model") for point in panel.fan] if result.has_model else [],
        "lines": _lines(panel.fan),
        "dots": [_point(point, exact=point.is_exact) | {"tip": words.tip(panel, point)} for point in result.points],
        "attempts": _attempts(panel.fan, last),
        "levels": [_level(at, last) for at in result.thresholds],
        "stars": [_star(panel, at, last) for at in result.thresholds],
    }
    where = () if result.at.rung is None else (f"rung {result.at.rung}",)
    layers = [
        layer
        for name, layer in LAYERS.items()
        if data.get(name) or any(row["name"] == layer.name for row in data["lines"])
    ]
    return Chart(
        name=(result.key.axis, result.key.task, "forecast", result.key.arm, *where),
        title=f"{panel.name}: {words.success(panel.axis)}",
        notes=words.notes(panel),
        template=fan_chart(),
        parameters=_x(last),
        datasets=data,
        keys={layer.name: layer.colour for layer in layers},
    )


def _layer_style(layer: str) -> dict[str, Any]:
    return {"name": LAYERS[layer].name, "colour": LAYERS[layer].colour}


def _band(k: int, finding: Finding, layer: str) -> dict[str, Any]:
    return {"k": k, "low": finding.low, "high": finding.high, **_layer_style(layer)}


def _point(point: TriesPoint, *, exact: bool) -> dict[str, Any]:
    layer = _layer_style("exact" if exact else "model")
    return {"k": point.k, "estimate": point.value.estimate, "exact": exact, **layer}


def _lines(fan: Sequence[TriesPoint]) -> list[dict[str, Any]]:
    """Return the points of the estimate lines; the model's line begins at the end of the exact line."""
    numbers = [point for point in fan if point.value.estimate is not None]
    exact, model = ([point for point in numbers if point.is_exact == sure] for sure in (True, False))
    lines = [_point(point, exact=True) for point in exact]
    return lines + [_point(point, exact=False) for point in [*exact[-1:], *model] if model]


def _attempts(fan: Sequence[TriesPoint], last: int) -> list[dict[str, Any]]:
    exact = [point.k for point in fan if point.is_exact]
    if not exact or exact[-1] == last:
        return []
    return [{"k": exact[-1], "shown": f"exact up to {exact[-1]:,} tries", "side": _side(exact[-1], last, until=0.5)}]


def _side(k: float, last: int, *, until: float) -> str:
    """Return the label side: right of k, unless k is beyond this share of the log axis."""
    return "right" if k <= last**until else "left"


def _level(at: ThresholdResult, last: int) -> dict[str, Any]:
    """Return a threshold row, labelled away from its crossing."""
    star = at.crossing.estimate
    early = star is not None and star <= last**0.4
    shown = f"threshold {words.threshold(at.threshold)}"
    return {"tau": at.threshold, "shown": shown, "side": "right" if early else "left"}


def _star(panel: ForecastPanel, at: ThresholdResult, last: int) -> dict[str, Any]:
    star, ends = at.crossing.estimate, {}
    for name, finding in (("", at.crossing), ("bound_", at.bound)):
        # An open end extends to the edge of the chart, marked by an arrow.
        is_open = finding.low is None or (finding is at.crossing and not panel.result.has_model)
        ends[f"{name}low"] = None if is_open else finding.low
        ends[f"{name}high"] = None if is_open else finding.high if finding.high is not None else last * _ROOM
    open_ended = any(f.low is not None and f.high is None for f in (at.crossing, at.bound))
    # The diamond is the model's: where the band that decides leaves K* open, its label does not settle it.
    is_settled = at.band == "model" or at.verdict == CrossingLabel.RESOLVED
    named = f"K* = {star or 0:,.0f}" if is_settled else f"K* {at.verdict}; model {star or 0:,.0f}"
    label = "" if star is None else named
    tip = f"{panel.name}\n{words.crossing(panel, at)}"
    beside = {"shown": label, "side": _side(star or 1, last, until=0.85), "tip": tip}
    return {"k": star, "tau": at.threshold, "open": open_ended, **ends, **beside}


def _x(last: int) -> dict[str, Any]:
    ticks = [10**power for power in range(len(str(last)))]
    if len(ticks) <= 2:
        ticks = [step * tick for tick in ticks for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if tick <= last]
    labels = [words.tries(tick) for tick in ticks]
    return {"xlow": 1 / _ROOM, "xhigh": last * _ROOM, "xticks": ticks, "xlabels": labels}


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
        alt.layer(*_bands(), *_levels(), *_attempt_layers(), *_line_layers(), *_stars())
        .add_params(*(alt.param(name=name, value=value) for name, value in _PARAMETERS.items()))
        .properties(width="container", height=_HEIGHT)
        .configure(background="transparent", font="inherit", axis=axes(), view=alt.ViewConfig(stroke=None))
    )
    specification: dict[str, Any] = chart.to_dict(validate=False)
    return specification


def _x_axis(field: str = "k") -> "alt.X":
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
        layers.append(band.encode(x=_x_axis(), y=_y("low"), y2="high:Q", color=alt.Color("colour:N", scale=None)))
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


def _attempt_layers() -> "list[alt.Chart]":
    """Return the line at the last k with an exact estimate, labelled above the chart."""
    import altair as alt

    attempts = alt.Chart(alt.NamedData("attempts")).encode(x=_x_axis())
    rule: dict[str, Any] = {"color": "var(--mark)", "strokeWidth": 1, "strokeDash": [2, 3], "aria": False}
    layers = [attempts.mark_rule(**rule)]
    for side, align, dx in (("right", "left", -3), ("left", "right", 3)):
        here = attempts.transform_filter(f"datum.side == '{side}'").encode(y=alt.value(0))
        layers += _label(here, "var(--faint)", align=align, dx=dx, dy=-9)
    return layers


def _line_layers() -> "list[alt.Chart]":
    import altair as alt

    colour = alt.Color("colour:N", scale=None)
    lines = alt.Chart(alt.NamedData("lines")).encode(x=_x_axis(), y=_y("estimate"), color=colour)
    exact, model_line = (lines.transform_filter(f"{sign}datum.exact") for sign in ("", "!"))
    dots = alt.Chart(alt.NamedData("dots")).transform_filter("isValid(datum.estimate)")
    dots = dots.encode(x=_x_axis(), y=_y("estimate"), color=colour)
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
    thin = stars.transform_filter("isValid(datum.bound_low)").encode(x=_x_axis("bound_low"), x2="bound_high:Q")
    thick = stars.transform_filter("isValid(datum.low)").encode(x=_x_axis("low"), x2="high:Q")
    with_estimate = stars.transform_filter("isValid(datum.k)").encode(x=_x_axis())
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
