"""The charts of the report as Vega-Lite templates: curves over compute or tries, gaps between them, lines by kind.

:mod:`overthink.reports.charts.files` or the page's script fills the named data sets and the parameters. One cached
template per kind of scale serves every panel; callers fill a copy. Colours are CSS variables, set by the page's style
for light, dark and print. :mod:`overthink.reports.charts.thresholds` computes the positions of threshold bars.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from overthink.reports.wording import ESTIMAND_TEXTS

if TYPE_CHECKING:
    import altair as alt


def bar_layers(x_scale: "alt.Scale", y_scale: "alt.Scale", y_axis: "alt.Axis") -> "list[alt.Chart]":
    """Return the layers of the data set ``thresholds``: zones, bars, and labels with a halo."""
    import altair as alt

    x, lane = alt.X("x:Q", scale=x_scale, axis=None), alt.Y("lane:Q", scale=y_scale, axis=y_axis)
    rows = alt.Chart(alt.NamedData("thresholds"))
    zone = rows.transform_filter("datum.zone").mark_rect(fill="var(--law)", opacity=0.09, clip=True, aria=False)
    top, bottom = alt.YDatum(1, scale=y_scale, axis=y_axis), alt.Y2Datum(0)
    bars = rows.transform_filter("datum.bar").encode(x=x, x2="x2:Q", y=lane, tooltip=alt.Tooltip("tip:N"))
    bars = bars.encode(description=alt.Description("tip:N"))
    inside, beyond = (bars.transform_filter(test) for test in ("!datum.beyond", "datum.beyond"))
    line: dict[str, Any] = {"color": "var(--law)", "strokeWidth": 6, "clip": True}
    layers = [
        zone.encode(x=x, x2="x2:Q", y=top, y2=bottom),
        inside.mark_rule(**line),
        beyond.mark_rule(strokeDash=[3, 3], **line),
    ]
    halo: dict[str, Any] = {"stroke": "var(--paper)", "strokeWidth": 4, "strokeJoin": "round", "fill": "var(--paper)"}
    for side, align, dx, dy in (("right", "left", 7, 0), ("left", "right", -7, 0), ("middle", "center", 0, -11)):
        text: dict[str, Any] = {"align": align, "dx": dx, "dy": dy, "fontSize": 11.5, "baseline": "middle"}
        words = rows.transform_filter(f"datum.side === '{side}'").encode(x=x, y=lane, text="text:N")
        layers += [words.mark_text(**text, **halo, aria=False), words.mark_text(**text, fill="var(--ink)", aria=False)]
    return layers


AxisScale = Literal["log", "symlog", "linear"]
AXIS_SCALES: tuple[AxisScale, ...] = ("log", "symlog", "linear")

_DASHES = ([1, 0], [2, 3], [6, 3], [1, 0], [1, 0], [8, 2, 2, 2])
_SHAPES = ("circle", "triangle-up", "square", "diamond", "circle", "cross")
_PARAMETERS: dict[str, Any] = {
    "xlow": 1,
    "xhigh": 10,
    "xticks": [],
    "xlabels": [],
    "kticks": [],
    "klabels": [],
    "floor": 0,
}
_CORRECTED_OFFSET = 7
"""Offset in pixels between a value and the corrected value of the same rung."""


@cache
def curve_chart(scale: AxisScale) -> dict[str, Any]:
    """A Vega-Lite specification without data: values from 0 to 100 %.

    Data sets to fill: ``points`` (x, estimate, low, high, band_low, band_high, series, colour, estimand, failed,
    tip), ``corrected`` (x, estimate, low, high, colour, tip: the value by human labels, drawn beside), ``marks``
    (x, colour: positions of K) and ``thresholds`` (:mod:`overthink.reports.charts.thresholds`). Parameters: ``xlow``,
    ``xhigh``, ``xticks`` with ``xlabels``, ``kticks`` with ``klabels`` (the second labelling, on top), and ``floor``,
    how far y goes below 0 for the lanes of thresholds.

    Args:
        scale: How x is spaced; "linear" also carries levels, one unit apart.
    """
    specification: dict[str, Any] = _rescaled(_log_chart(), scale)
    return specification


@cache
def _log_chart() -> dict[str, Any]:
    """Return the template on a logarithmic scale; to build it takes most of the time of a small report."""
    import altair as alt

    share = alt.Scale(domainMin=alt.ExprRef("floor"), domainMax=1, nice=False, zero=False)
    y_axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", minExtent=40, maxExtent=40)
    zones, *lanes = bar_layers(_span("log"), share, y_axis)
    layers = [
        zones,
        *_curves("log", share, y_axis),
        _planted("log", share, y_axis),
        *_corrected_points("log", share, y_axis),
        _marks("log"),
        *lanes,
    ]
    return _specification(alt.layer(*layers).resolve_axis(x="independent"))


def _rescaled(part: Any, scale: AxisScale) -> Any:
    """Return a part of a specification with x on another scale than the logarithmic one."""
    if isinstance(part, dict):
        return {
            name: scale if (name, inner) == ("type", "log") else _rescaled(inner, scale) for name, inner in part.items()
        }
    return [_rescaled(inner, scale) for inner in part] if isinstance(part, list) else part


@cache
def gap_chart() -> dict[str, Any]:
    """A Vega-Lite specification without data: differences in points around a zero line, on a scale of their own.

    Data set to fill: ``points``, as for :func:`curve_chart`. Parameters: the same. x is linear, for levels.
    """
    import altair as alt

    free = alt.Scale(zero=True, nice=True)
    label = "datum.value == 0 ? '0' : format(100 * datum.value, '+.0f')"
    y_axis = alt.Axis(title=None, labelExpr=label, tickCount=5, minExtent=40, maxExtent=40)
    zero = alt.Chart(alt.sequence(1)).mark_rule(strokeWidth=1.5, color="var(--mark)", aria=False)
    layers = [zero.encode(y=alt.YDatum(0, scale=free, axis=y_axis)), *_curves("linear", free, y_axis)]
    return _specification(alt.layer(*layers).resolve_axis(x="independent"))


@dataclass(frozen=True, slots=True)
class KindLook:
    """How the line of a kind looks.

    Attributes:
        dash: Lengths of stroke and gap.
        shape: Sign at a value.
    """

    dash: tuple[int, int]
    shape: str


def kind_lines_chart(
    looks: Mapping[str, KindLook],
    *,
    point_size: int,
    whisker: Mapping[str, Any],
    whisker_kind: str | None = None,
    label_separation: int | None = None,
) -> dict[str, Any]:
    """A Vega-Lite specification without data: shares from 0 to 100 % over a log axis of compute.

    Data set to fill: ``points`` (x, estimate, low, high, series, colour, name, kind, tip). Parameters: ``xlow``,
    ``xhigh``, ``xticks`` with ``xlabels``.

    Args:
        looks: Look by kind of line.
        point_size: Area of a value's sign, in square pixels.
        whisker: Style of the line of an interval.
        whisker_kind: The only kind whose intervals are drawn; None draws them of every kind.
        label_separation: Least pixels between two labels of x; None leaves it to Vega.
    """
    import altair as alt

    y_axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", minExtent=40, maxExtent=40)
    share = alt.Scale(domainMin=0, domainMax=1, nice=False, zero=False)
    x, y = _budget_x(label_separation), alt.Y("estimate:Q", scale=share, axis=y_axis)
    dash, shape = _kind_channels(looks)
    points = alt.Chart(alt.NamedData("points")).encode(x=x, color=alt.Color("colour:N", scale=None))
    of_kind = "" if whisker_kind is None else f" && datum.kind === '{whisker_kind}'"
    whiskers = points.transform_filter(f"isValid(datum.low) && isValid(datum.high){of_kind}")
    dots = points.encode(y=y, shape=shape, tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    low = alt.Y("low:Q", scale=share, axis=y_axis)
    layers: list[alt.Chart] = [
        whiskers.encode(y=low, y2="high:Q").mark_rule(**whisker, aria=False),
        points.encode(y=y, detail="series:N", strokeDash=dash).mark_line(strokeWidth=2.25, aria=False),
        dots.mark_point(filled=True, size=point_size, opacity=1),
    ]
    parameters = {name: _PARAMETERS[name] for name in ("xlow", "xhigh", "xticks", "xlabels")}
    return _specification(alt.layer(*layers), parameters=parameters, height=220)


def _budget_x(label_separation: int | None) -> "alt.X":
    """Return x on its log axis, with ticks and labels from parameters."""
    import altair as alt

    below = alt.Axis(
        title=None,
        values=alt.ExprRef("xticks"),
        labelExpr="xlabels[indexof(xticks, datum.value)]",
        labelOverlap="greedy",
        labelSeparation=alt.Undefined if label_separation is None else label_separation,
    )
    return alt.X("x:Q", scale=_span("log"), axis=below)


def _kind_channels(looks: Mapping[str, KindLook]) -> "tuple[alt.StrokeDash, alt.Shape]":
    """Return stroke and sign by kind of line."""
    import altair as alt

    kinds = list(looks)
    dashes, shapes = [list(look.dash) for look in looks.values()], [look.shape for look in looks.values()]
    return (
        alt.StrokeDash("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=dashes)),
        alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=shapes)),
    )


def amounts_chart(looks: Mapping[str, KindLook], *, share_kind: str, title: str) -> dict[str, Any]:
    """A Vega-Lite specification without data: amounts on the left, from 0 and wide, and shares on the right.

    Data set to fill: ``points`` (x, estimate, series, colour, name, kind, tip). Parameters: those of
    :func:`kind_lines_chart`.

    Args:
        looks: Look by kind of line.
        share_kind: The kind whose values are shares, with the axis on the right.
        title: What the amounts are.
    """
    import altair as alt

    amount, share = alt.Scale(type="symlog", domainMin=0, nice=True), alt.Scale(domain=[0, 1], nice=False)
    sides = (
        (f"datum.kind !== '{share_kind}'", amount, alt.Axis(title=title, format=",.3~g", tickCount=5)),
        (f"datum.kind === '{share_kind}'", share, alt.Axis(title=None, format=".0%", orient="right", grid=False)),
    )
    dash, shape = _kind_channels(looks)
    layers: list[alt.LayerChart | alt.FacetChart] = []
    for test, scale, axis in sides:
        points = alt.Chart(alt.NamedData("points")).transform_filter(test)
        points = points.encode(x=_budget_x(6), y=alt.Y("estimate:Q", scale=scale, axis=axis))
        points = points.encode(color=alt.Color("colour:N", scale=None))
        lines = points.encode(detail="series:N", strokeDash=dash).mark_line(strokeWidth=2.25, aria=False)
        signs = points.encode(shape=shape, tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
        layers.append(alt.layer(lines, signs.mark_point(filled=True, size=70, opacity=1)))
    parameters = {name: _PARAMETERS[name] for name in ("xlow", "xhigh", "xticks", "xlabels")}
    return _specification(alt.layer(*layers).resolve_scale(y="independent"), parameters=parameters, height=220)


def _specification(
    chart: "alt.LayerChart | alt.FacetChart", *, parameters: Mapping[str, Any] | None = None, height: int = 190
) -> dict[str, Any]:
    import altair as alt

    values = _PARAMETERS if parameters is None else parameters
    configuration = (
        chart.add_params(*(alt.param(name=name, value=value) for name, value in values.items()))
        .properties(width="container", height=height)
        .configure(background="transparent", font="inherit", axis=axes(), view=alt.ViewConfig(stroke=None))
    )
    specification: dict[str, Any] = configuration.to_dict(validate=False)  # a test holds it to the schema
    return specification


def _curves(scale: AxisScale, y_scale: "alt.Scale", y_axis: "alt.Axis") -> "list[alt.Chart]":
    """Bands, whiskers, lines and points; the points of a rung whose gate failed are hollow."""
    import altair as alt

    x = alt.X("x:Q", scale=_span(scale), axis=None)
    y, low, band = (alt.Y(f"{name}:Q", scale=y_scale, axis=y_axis) for name in ("estimate", "low", "band_low"))
    colour = alt.Color("colour:N", scale=None)
    domain = list(ESTIMAND_TEXTS)
    dash = alt.StrokeDash("estimand:N", legend=None, scale=alt.Scale(domain=domain, range=list(_DASHES)))
    shape = alt.Shape("estimand:N", legend=None, scale=alt.Scale(domain=domain, range=list(_SHAPES)))

    points = alt.Chart(alt.NamedData("points"))
    bands = points.transform_filter("isValid(datum.band_low) && isValid(datum.band_high)")
    bands = bands.encode(x=x, y=band, y2="band_high:Q", detail="series:N", color=colour)
    whiskers = points.transform_filter("isValid(datum.low) && isValid(datum.high)")
    whiskers = whiskers.encode(x=x, y=low, y2="high:Q", color=colour)
    lines = points.transform_filter("isValid(datum.estimate)").encode(x=x, y=y, detail="series:N")
    dots = lines.encode(shape=shape, tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    sound, spoilt = (dots.transform_filter(test) for test in ("!datum.failed", "datum.failed"))
    hollow: dict[str, Any] = {"fill": "var(--paper)", "stroke": "var(--spoilt)", "strokeWidth": 2.5}
    below = alt.X("x:Q", scale=_span(scale), axis=_ticks("bottom"))
    return [
        bands.mark_area(opacity=0.15, aria=False),
        whiskers.mark_rule(opacity=0.7, strokeWidth=1.5, aria=False),
        lines.mark_line(strokeWidth=2.25, aria=False).encode(x=below, color=colour, strokeDash=dash),
        sound.mark_point(filled=True, size=64, opacity=1).encode(color=colour),
        spoilt.mark_point(filled=True, size=90, opacity=1, **hollow),
    ]


def _planted(scale: AxisScale, y_scale: "alt.Scale", y_axis: "alt.Axis") -> "alt.Chart":
    """Return the layer of the planted truth of a simulated model: a dashed line in the colour of the text."""
    import altair as alt

    x, y = alt.X("x:Q", scale=_span(scale), axis=None), alt.Y("planted:Q", scale=y_scale, axis=y_axis)
    points = alt.Chart(alt.NamedData("points")).transform_filter("isValid(datum.planted)")
    line = points.mark_line(strokeDash=[7, 5], strokeWidth=1.75, color="var(--ink)", aria=False)
    drawn: alt.Chart = line.encode(x=x, y=y, detail="series:N")
    return drawn


def _corrected_points(scale: AxisScale, y_scale: "alt.Scale", y_axis: "alt.Axis") -> "list[alt.Chart]":
    """Return the layer of values corrected by human labels, beside the judge's values; no line between them."""
    import altair as alt

    x = alt.X("x:Q", scale=_span(scale), axis=None)
    y, low = (alt.Y(f"{name}:Q", scale=y_scale, axis=y_axis) for name in ("estimate", "low"))
    points = alt.Chart(alt.NamedData("corrected")).encode(x=x, color=alt.Color("colour:N", scale=None))
    dots = points.encode(y=y, tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    outline: dict[str, Any] = {"shape": "diamond", "fill": "var(--paper)", "strokeWidth": 2}
    return [
        points.encode(y=low, y2="high:Q").mark_rule(
            xOffset=_CORRECTED_OFFSET, strokeDash=[3, 2], strokeWidth=1.5, aria=False
        ),
        dots.mark_point(xOffset=_CORRECTED_OFFSET, size=80, opacity=1, **outline),
    ]


def _marks(scale: AxisScale) -> "alt.Chart":
    """Return the layer of K positions, with the second axis labels on top."""
    import altair as alt

    x = alt.X("x:Q", scale=_span(scale), axis=_ticks("top"))
    rule = alt.Chart(alt.NamedData("marks")).mark_rule(strokeDash=[4, 3], strokeWidth=1.5, clip=True, aria=False)
    marks: alt.Chart = rule.encode(x=x, color=alt.Color("colour:N", scale=None))
    return marks


def _span(scale: AxisScale) -> "alt.Scale":
    import altair as alt

    low, high = alt.ExprRef("xlow"), alt.ExprRef("xhigh")
    return alt.Scale(type=scale, domainMin=low, domainMax=high, nice=False, zero=False)


def _ticks(orient: Literal["bottom", "top"]) -> "alt.Axis":
    """Return an axis with ticks and labels from parameters: of x below, of K above."""
    import altair as alt

    of = "x" if orient == "bottom" else "k"
    return alt.Axis(
        title=None,
        orient=orient,
        values=alt.ExprRef(f"{of}ticks"),
        labelExpr=f"{of}labels[indexof({of}ticks, datum.value)]",
        labelOverlap="greedy",
        labelOpacity=1 if orient == "bottom" else 0.75,
        grid=orient == "bottom",
        domain=orient == "bottom",
    )


def axes() -> "alt.AxisConfig":
    """Return the axis style of every chart, in the page's text colour."""
    import altair as alt

    ink: dict[str, Any] = dict.fromkeys(("labelColor", "tickColor", "domainColor", "gridColor"), "currentColor")
    return alt.AxisConfig(**ink, gridOpacity=0.12, domainOpacity=0.35, tickOpacity=0.35, labelFontSize=12)
