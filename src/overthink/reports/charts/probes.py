"""“Does a probe see more?”: AUROC of a probe, of its prompt alone and of monitors of the words, against the budget."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from overthink.data.finding import Finding
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

LINES = {
    "probe": "solid: AUROC of the probe; 50 % tells nothing apart",
    "prompt": "dotted: of a probe of the question alone, without the thinking",
    "text": "short dashes: of a monitor that reads the words",
    "capability": "dashed: capability, share correct",
}
"""Meaning by kind of line."""

_KINDS = {
    "probe": KindLook((1, 0), "circle"),
    "prompt": KindLook((2, 3), "triangle-up"),
    "text": KindLook((4, 1), "diamond"),
    "capability": KindLook((7, 4), "square"),
}


@cache
def probe_chart() -> dict[str, Any]:
    """Return the template: shares by kind of line, with the interval of every AUROC of a probe."""
    return kind_lines_chart(_KINDS, point_size=60, whisker={"opacity": 0.6}, whisker_kind="probe", label_separation=6)


def probe_charts(results: Results) -> list[Chart]:
    """Return one chart per probe and curve."""
    charts = (_chart(result, results.oversight.monitors, results.curves) for result in results.oversight.probes)
    return [chart for chart in charts if chart is not None]


def _chart(result: ProbeResult, monitors: Sequence[MonitorResult], curves: Sequence[CurveResult]) -> Chart | None:
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
        *(meaning for kind, meaning in LINES.items() if kind in kinds),
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
