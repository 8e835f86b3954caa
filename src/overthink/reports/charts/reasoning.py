"""What the thinking holds, against its budget: is it needed, does it carry the answer, does a probe see more?"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Metric
from overthink.data.results.curve import CurveResult
from overthink.data.results.oversight import MonitorResult
from overthink.data.results.oversight_parts import ProbeResult
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

NEED_LINES = {
    "need": "share of questions",
    "change": "area over the curve, or share of answers that change",
    "capability": "capability: share correct",
}
"""Meaning by kind of line."""

_NEED_KINDS = {
    "need": KindLook((1, 0), "circle"),
    "change": KindLook((1, 0), "diamond"),
    "capability": KindLook((7, 4), "square"),
}


@cache
def faithfulness_chart() -> dict[str, Any]:
    """Return the template: shares by kind of line, with the interval of every change."""
    return kind_lines_chart(
        _NEED_KINDS, point_size=60, whisker={"opacity": 0.6}, whisker_kind="change", label_separation=6
    )


def faithfulness_charts(results: Results) -> list[Chart]:
    """Return up to two charts per curve with perturbations: whether its thinking is needed, and what it carries."""
    charts: list[Chart] = []
    for need in results.oversight.necessity:
        labels: dict[str, list[Finding]] = {}
        for rung in need.rungs:
            for finding in rung.labels:
                labels.setdefault(finding.metric, []).append(finding)
        series = [(NEED_WORDS[str(name)], findings) for name, findings in labels.items()]
        charts += _need_chart(need.key, "Is it needed?", "need", series, results.curves)
    changes: dict[CurveKey, list[tuple[str, list[Finding]]]] = {}
    for result in results.oversight.perturbations:
        changes.setdefault(result.key, []).append((result.perturbation, [rung.value for rung in result.rungs]))
    for key, series in changes.items():
        charts += _need_chart(key, "Does it carry the answer?", "change", series, results.curves)
    return charts


def _need_chart(
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
        f"solid: {NEED_LINES[kind]}",
        f"dashed: {NEED_LINES['capability']}",
        *([f"{left_out} more changes are in the table"] if left_out > 0 else []),
    ]
    span = budget_span(labels)
    title = f"{question} {visible(key.task)}, {visible(key.arm)}"
    names = (key.axis, key.task, key.arm, kind)
    yield Chart(names, title, tuple(notes), faithfulness_chart(), span, {"points": points}, keys)


PROBE_LINES = {
    "probe": "solid: AUROC of the probe; 50 % tells nothing apart",
    "prompt": "dotted: of a probe of the question alone, without the thinking",
    "text": "short dashes: of a monitor that reads the words",
    "capability": "dashed: capability, share correct",
}
"""Meaning by kind of line."""

_PROBE_KINDS = {
    "probe": KindLook((1, 0), "circle"),
    "prompt": KindLook((2, 3), "triangle-up"),
    "text": KindLook((4, 1), "diamond"),
    "capability": KindLook((7, 4), "square"),
}


@cache
def probe_chart() -> dict[str, Any]:
    """Return the template: shares by kind of line, with the interval of every AUROC of a probe."""
    return kind_lines_chart(
        _PROBE_KINDS, point_size=60, whisker={"opacity": 0.6}, whisker_kind="probe", label_separation=6
    )


def probe_charts(results: Results) -> list[Chart]:
    """Return one chart per probe and curve."""
    charts = (_probe_chart(result, results.oversight.monitors, results.curves) for result in results.oversight.probes)
    return [chart for chart in charts if chart is not None]


def _probe_chart(result: ProbeResult, monitors: Sequence[MonitorResult], curves: Sequence[CurveResult]) -> Chart | None:
    key = result.key
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for number, (kind, name, findings) in enumerate(_series(result, monitors)):
        colour = f"var(--s{number})"
        own = list(kind_points(findings, kind, name=name, colour=colour, series=f"{number} {kind}"))
        points += own
        keys |= {name: colour} if own else {}
    if not points:
        return None
    for curve in capability_beside(key.arm, key.task, key.estimand, curves):
        name = f"{wording.axis_name(curve.key.axis)} · {visible(curve.key.task)}"
        means = [rung.mean for rung in curve.rungs if rung.mean is not None]
        points += kind_points(means, "capability", name=name, colour="var(--ink)", series=curve.id)
        keys[name] = "var(--ink)"
    labels = {point["x"]: point.pop("level") for point in points}
    kinds = {point["kind"] for point in points}
    notes = (
        "thinking budget asked for, log scale of one more token",
        *(meaning for kind, meaning in PROBE_LINES.items() if kind in kinds),
        "line at a point: pointwise interval of the probe's AUROC",
    )
    span = budget_span(labels)
    of = visible(key.arm) if result.policy is None else f"attack {visible(result.policy)}"
    title = f"Does a probe see more? {visible(key.task)}, {of}"
    return Chart((key.axis, key.task, key.arm, "probe"), title, notes, probe_chart(), span, {"points": points}, keys)


def _series(result: ProbeResult, monitors: Sequence[MonitorResult]) -> Iterator[tuple[str, str, list[Finding]]]:
    """Yield kind, name and findings of each line: the probe, its prompt alone, and monitors of the same traces."""
    name = visible(f"{result.monitor} reads {result.view}", PROSE_LIMIT)
    yield "probe", name, [rung.auroc for rung in result.rungs]
    prompts = [each for rung in result.rungs for each in rung.baselines if each.metric is Metric.AUROC_PROMPT_ONLY]
    yield "prompt", f"{name}: prompt only", prompts
    own = [each for each in monitors if (each.key, each.policy) == (result.key, result.policy)]
    for each in own[: SHOWN_ARMS - 2]:
        yield "text", visible(f"{each.monitor} reads {each.view}", PROSE_LIMIT), [rung.auroc for rung in each.rungs]
