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
from overthink.reports.charts.templates import KindLook, kind_lines_chart
from overthink.reports.report_curves import SHOWN_ARMS
from overthink.reports.tables.budgets import frontiers_by_task

LINE_KINDS = {
    "best": "valued on questions that did not choose it",
    "difficulty": "each bin of difficulty chooses for itself, and pays for being known",
    "naive": "naive best cell: optimistic",
}
"""Meaning by kind of line."""

_KINDS = {
    "best": KindLook((1, 0), "circle"),
    "difficulty": KindLook((2, 3), "diamond"),
    "naive": KindLook((7, 4), "stroke"),
}


@cache
def frontier_chart() -> dict[str, Any]:
    """Return the template: values by kind of line, with the interval of the best value alone."""
    return kind_lines_chart(
        _KINDS,
        point_size=60,
        whisker={"opacity": 0.7, "strokeWidth": 1.5},
        whisker_kind="best",
        label_separation=8,
    )


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
