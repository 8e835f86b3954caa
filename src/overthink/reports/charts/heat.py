"""The heat map of budget × tries as a Vega-Lite template: one selector of one curve, a cell per rung and k."""

from functools import cache
from typing import TYPE_CHECKING, Any

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

    cells = alt.Chart(alt.NamedData("cells")).encode(x=_tries(), y=_rungs())
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


def _tries() -> "alt.X":
    import altair as alt

    axis = alt.Axis(title=None, orient="bottom", labelAngle=0, labelOverlap="greedy", ticks=False, domain=False)
    return alt.X("k:O", axis=axis, scale=alt.Scale(padding=0))


def _rungs() -> "alt.Y":
    import altair as alt

    label = "rowlabels[indexof(rows, datum.value)]"
    room = alt.ExprRef("room")
    axis = alt.Axis(title=None, labelExpr=label, labelLimit=110, minExtent=room, ticks=False, domain=False)
    return alt.Y("row:O", sort="descending", axis=axis, scale=alt.Scale(padding=0))


def _axes() -> "alt.AxisConfig":
    import altair as alt

    return alt.AxisConfig(labelColor="currentColor", labelFontSize=12)
