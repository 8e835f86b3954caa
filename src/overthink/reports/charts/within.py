"""Charts of success within a limit, beside a forced ladder of the same task where there is one.

The Vega-Lite template has a line per run that is cut afterwards and one per ladder; the page fills it, and so do files.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Metric
from overthink.data.record import Axis, Estimand
from overthink.data.results.curve import CurveResult
from overthink.data.visible import ID_LIMIT, visible
from overthink.reports import wording
from overthink.reports.charts.axes import compute_axis
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.templates import KindLook, kind_lines_chart
from overthink.reports.report_curves import SHOWN_ARMS, level
from overthink.reports.tables.within import WITHIN_WORDS

LINES = {
    "cut": "finished runs cut at a limit: what a cap would have kept, not what a budget does",
    "forced": "forced ladder: an answer at every budget",
}
"""Meaning by kind of line."""

_KINDS = {"cut": KindLook((2, 3), "diamond"), "forced": KindLook((1, 0), "circle")}
_LOOKS = {"cut": "dotted", "forced": "solid"}


@cache
def within_chart() -> dict[str, Any]:
    """Return the template: shares by kind of line, with the interval of every value."""
    return kind_lines_chart(_KINDS, point_size=56, whisker={"opacity": 0.5})


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
