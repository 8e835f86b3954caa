"""Charts of success within a limit, beside a forced ladder of the same task where there is one.

The Vega-Lite template has a line per run that is cut afterwards and one per ladder; the page fills it, and so do files.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from overthink.data.curve_key import CurveKey
from overthink.data.finding import Finding
from overthink.data.kinds import Metric
from overthink.data.record import Axis, Estimand
from overthink.data.results.curve import CurveResult
from overthink.data.visible import ID_LIMIT, visible
from overthink.reports import wording
from overthink.reports.charts.axes import compute_axis
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.templates import axes
from overthink.reports.report_curves import SHOWN_ARMS, level
from overthink.reports.tables.within import WITHIN_WORDS

LINES = {
    "cut": "finished runs cut at a limit: what a cap would have kept, not what a budget does",
    "forced": "forced ladder: an answer at every budget",
}
"""Meaning by kind of line."""

_DASHES = ([2, 3], [1, 0])
_SHAPES = ("diamond", "circle")
_PARAMETERS: dict[str, Any] = {"xlow": 1, "xhigh": 10, "xticks": [], "xlabels": []}
_LOOKS = {"cut": "dotted", "forced": "solid"}


@cache
def within_chart() -> dict[str, Any]:
    """A Vega-Lite specification without data: shares from 0 to 100 % over a log axis of tokens.

    Data set to fill: ``points`` (x, estimate, low, high, series, colour, name, kind, tip). Parameters: ``xlow``,
    ``xhigh``, ``xticks`` with ``xlabels``.
    """
    import altair as alt

    low, high = alt.ExprRef("xlow"), alt.ExprRef("xhigh")
    x_scale = alt.Scale(type="log", domainMin=low, domainMax=high, nice=False, zero=False)
    label = "xlabels[indexof(xticks, datum.value)]"
    below = alt.Axis(title=None, values=alt.ExprRef("xticks"), labelExpr=label, labelOverlap="greedy")
    y_axis = alt.Axis(title=None, values=[0, 0.25, 0.5, 0.75, 1], format=".0%", minExtent=40, maxExtent=40)
    share = alt.Scale(domainMin=0, domainMax=1, nice=False, zero=False)
    x, y = alt.X("x:Q", scale=x_scale, axis=below), alt.Y("estimate:Q", scale=share, axis=y_axis)
    kinds = list(LINES)
    dash = alt.StrokeDash("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=list(_DASHES)))
    shape = alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=list(_SHAPES)))
    points = alt.Chart(alt.NamedData("points")).encode(x=x, color=alt.Color("colour:N", scale=None))
    whiskers = points.transform_filter("isValid(datum.low) && isValid(datum.high)")
    dots = points.encode(y=y, shape=shape, tooltip=alt.Tooltip("tip:N"), description=alt.Description("tip:N"))
    layers: list[alt.Chart] = [
        whiskers.encode(y=alt.Y("low:Q", scale=share, axis=y_axis), y2="high:Q").mark_rule(opacity=0.5, aria=False),
        points.encode(y=y, detail="series:N", strokeDash=dash).mark_line(strokeWidth=2.25, aria=False),
        dots.mark_point(filled=True, size=56, opacity=1),
    ]
    chart = (
        alt.layer(*layers)
        .add_params(*(alt.param(name=name, value=value) for name, value in _PARAMETERS.items()))
        .properties(width="container", height=220)
        .configure(background="transparent", font="inherit", axis=axes(), view=alt.ViewConfig(stroke=None))
    )
    specification: dict[str, Any] = chart.to_dict(validate=False)
    return specification


def within_charts(curves: Sequence[CurveResult]) -> list[Chart]:
    """Return one chart per axis, task and scorer with traces that can be cut at a number of tokens."""
    groups: dict[CurveKey, list[CurveResult]] = {}
    for curve in sorted(curves, key=lambda curve: wording.axis_position(curve.key.axis)):
        groups.setdefault(curve.key._replace(arm="", estimand=""), []).append(curve)
    return [chart for group in groups.values() if (chart := _chart(group)) is not None]


def _chart(group: Sequence[CurveResult]) -> Chart | None:
    """Return the chart of a task; each arm has a colour, which its levels and its ladder share."""
    cut = [curve for curve in group if any(run.at.rung is not None for run in curve.within)]
    arms = list(dict.fromkeys(curve.key.arm for curve in cut))[:SHOWN_ARMS]
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for curve in group:
        if curve.key.arm in arms:
            colour, name = f"var(--s{arms.index(curve.key.arm)})", visible(curve.key.arm)
            keys[name] = colour
            points += [point | {"colour": colour, "name": name} for point in (*_cut(curve), *_forced(curve))]
    if not points:
        return None
    key = group[0].key
    axis = compute_axis([point["x"] for point in points], "tokens")
    kinds = {point["kind"] for point in points}
    notes = [
        "tokens one attempt decodes, thinking and answer; log scale",
        *(f"{_LOOKS[kind]}: {meaning}" for kind, meaning in LINES.items() if kind in kinds),
        "line at a point: pointwise interval",
    ]
    title = f"{wording.axis_name(key.axis)}: {visible(key.task)}, share {WITHIN_WORDS[Axis(key.axis)]}"
    span = {"xlow": axis.low, "xhigh": axis.high, "xticks": axis.ticks, "xlabels": axis.labels}
    name_parts = (key.axis, key.task, "within a limit", key.scorer)
    return Chart(name_parts, title, tuple(notes), within_chart(), span, {"points": points}, keys)


def _cut(curve: CurveResult) -> Iterator[dict[str, Any]]:
    word = WITHIN_WORDS[Axis(curve.key.axis)]
    for run in curve.within:
        for point in run.points if run.at.rung is not None else ():
            if point.estimate is not None and point.at.total is not None:
                where = f"{visible(curve.key.arm)}, {level(run.at)}, cut at {point.at.total:,.0f} tokens"
                yield _point(point, point.at.total, "cut", f"{where}: {word}", series=f"{curve.id} {run.at.rung}")


def _forced(curve: CurveResult) -> Iterator[dict[str, Any]]:
    """Yield the values of a forced ladder; on safety its share that harmed, as of the runs that are cut."""
    if curve.key.estimand != Estimand.FORCED or curve.key.judges_thinking:
        return
    is_turned = curve.key.axis == Axis.SAFETY
    word = "harmful" if is_turned else wording.axis_value(curve.key.axis)
    for rung in curve.rungs:
        tokens, mean = rung.tokens.get(Metric.ATTEMPT_TOKENS), rung.mean
        if mean is not None and mean.estimate is not None and tokens is not None and (tokens.estimate or 0) > 0:
            words = f"{visible(curve.key.arm)}, forced at {level(rung.at)}: {word}"
            yield _point(mean, tokens.estimate or 0.0, "forced", words, series=curve.id, is_turned=is_turned)


def _point(
    finding: Finding, x: float, kind: str, words: str, *, series: str, is_turned: bool = False
) -> dict[str, Any]:
    ends = (finding.estimate, finding.low, finding.high)
    estimate, low, high = (None if end is None else 1 - end if is_turned else end for end in ends)
    low, high = (high, low) if is_turned else (low, high)
    tip = [f"{words} {wording.percent(estimate or 0.0)}", f"finding {visible(finding.id, ID_LIMIT)}"]
    if low is not None and high is not None:
        tip.insert(1, f"interval {wording.percent(low)} to {wording.percent(high)}")
    return {
        "x": x, "estimate": estimate, "low": low, "high": high, "series": series, "kind": kind, "tip": "\n".join(tip)
    }  # fmt: skip
