"""“Is it needed?” and “Does it carry the answer?”: the thinking against its budget, with capability beside it."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from overthink.data.curve_key import CurveKey
from overthink.data.finding import Finding
from overthink.data.results.curve import CurveResult
from overthink.data.results.study import Results
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.charts.axes import budget_span
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.oversight import capability_beside, kind_points
from overthink.reports.charts.templates import KindLook, kind_lines_chart
from overthink.reports.report_curves import SHOWN_ARMS

NEED_WORDS = {
    "cot_necessary": "questions that need the thinking",
    "one_shot": "questions answered without it",
    "too_hard": "questions too hard with it",
    "weak": "questions that it helps a little",
}
"""What a chain does for a question, by label."""

LINES = {
    "need": "share of questions",
    "change": "area over the curve, or share of answers that change",
    "capability": "capability: share correct",
}
"""Meaning by kind of line."""

_KINDS = {
    "need": KindLook((1, 0), "circle"),
    "change": KindLook((1, 0), "diamond"),
    "capability": KindLook((7, 4), "square"),
}


@cache
def faithfulness_chart() -> dict[str, Any]:
    """Return the template: shares by kind of line, with the interval of every change."""
    return kind_lines_chart(_KINDS, point_size=60, whisker={"opacity": 0.6}, whisker_kind="change", label_separation=6)


def faithfulness_charts(results: Results) -> list[Chart]:
    """Return up to two charts per curve with perturbations: whether its thinking is needed, and what it carries."""
    charts: list[Chart] = []
    for need in results.oversight.necessity:
        labels: dict[str, list[Finding]] = {}
        for rung in need.rungs:
            for finding in rung.labels:
                labels.setdefault(finding.metric, []).append(finding)
        series = [(NEED_WORDS[str(name)], findings) for name, findings in labels.items()]
        charts += _chart(need.key, "Is it needed?", "need", series, results.curves)
    changes: dict[CurveKey, list[tuple[str, list[Finding]]]] = {}
    for result in results.oversight.perturbations:
        changes.setdefault(result.key, []).append((result.perturbation, [rung.value for rung in result.rungs]))
    for key, series in changes.items():
        charts += _chart(key, "Does it carry the answer?", "change", series, results.curves)
    return charts


def _chart(
    key: CurveKey, question: str, kind: str, series: Sequence[tuple[str, list[Finding]]], curves: Sequence[CurveResult]
) -> Iterator[Chart]:
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for number, (label, findings) in enumerate(series[:SHOWN_ARMS]):
        name, colour = visible(label, PROSE_LIMIT), f"var(--s{number})"
        points += kind_points(findings, kind, name=name, colour=colour, series=f"{number} {kind}")
        keys[name] = colour
    if not points:
        return
    for curve in capability_beside(key.arm, key.task, key.estimand, curves):
        name = f"{wording.axis_name(curve.key.axis)} · {visible(curve.key.task)}"
        at = {point["x"] for point in points}
        means = [rung.mean for rung in curve.rungs if rung.mean is not None]
        own = kind_points(means, "capability", name=name, colour="var(--ink)", series=curve.id)
        points += [point for point in own if point["x"] in at]
        keys[name] = "var(--ink)"
    labels = {point["x"]: point.pop("level") for point in points}
    left_out = len(series) - SHOWN_ARMS
    notes = [
        "thinking budget asked for, log scale of one more token",
        f"solid: {LINES[kind]}",
        f"dashed: {LINES['capability']}",
        *([f"{left_out} more changes are in the table"] if left_out > 0 else []),
    ]
    span = budget_span(labels)
    title = f"{question} {visible(key.task)}, {visible(key.arm)}"
    names = (key.axis, key.task, key.arm, kind)
    yield Chart(names, title, tuple(notes), faithfulness_chart(), span, {"points": points}, keys)
