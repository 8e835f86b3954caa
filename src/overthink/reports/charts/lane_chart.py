"""Threshold bars as layers of a Vega-Lite template; :mod:`overthink.reports.charts.lanes` computes positions."""

from typing import TYPE_CHECKING, Any

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
