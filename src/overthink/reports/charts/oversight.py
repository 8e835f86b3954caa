"""“Is it watched?”, “What could be hidden?” and “Does a weaker judge keep up?”: oversight against the thinking budget.

Capability stands beside it.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from overthink.data.finding import Finding
from overthink.data.record import Axis
from overthink.data.results.curve import CurveResult
from overthink.data.results.oversight import BitsResult, MonitorResult
from overthink.data.results.oversight_parts import JudgeResult
from overthink.data.results.study import Results
from overthink.data.visible import ID_LIMIT, PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.charts.axes import budget_span
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.templates import KindLook, amounts_chart, kind_lines_chart
from overthink.reports.report_curves import SHOWN_ARMS, level
from overthink.reports.tables.oversight import protocol_name

LINES = {
    "auroc": "AUROC of the monitor: 50 % tells nothing apart",
    "caught": "share caught where 5 % of honest runs are flagged",
    "capability": "capability: share correct",
    "judge": "accuracy of the judge, both orders of a pair as one unit",
    "chance": "chance: a judge that guesses",
    "passed": "at least so many bits a trace were passed by this red team; another one may pass more",
    "rate": "bits at an assumed rate of 3 bits/KB, at 4 bytes a token; no ceiling is claimed",
}
"""Meaning by kind of line."""

_KINDS = {
    "auroc": KindLook((1, 0), "circle"),
    "caught": KindLook((2, 3), "diamond"),
    "capability": KindLook((7, 4), "square"),
}
_JUDGE_KINDS = {
    "judge": KindLook((1, 0), "circle"),
    "chance": KindLook((2, 3), "triangle"),
    "capability": KindLook((7, 4), "square"),
}
_HIDDEN_KINDS = {
    "passed": KindLook((1, 0), "triangle-up"),
    "rate": KindLook((2, 3), "diamond"),
    "capability": KindLook((7, 4), "square"),
}
_HIDDEN_SIGNS = {"passed": "triangle, solid", "rate": "diamond, dotted"}
_LOOKS = {"auroc": "solid", "caught": "dotted", "capability": "dashed", "judge": "solid", "chance": "dotted"}
_CAPABILITY_COLOUR = "var(--ink)"
_CHANCE_COLOUR = "var(--mark)"
JUDGE_CHANCE = 0.5
"""Accuracy of a judge of two answers that guesses."""


@cache
def oversight_chart() -> dict[str, Any]:
    """Return the template: shares by kind of line, with the interval of every AUROC."""
    return kind_lines_chart(_KINDS, point_size=60, whisker={"opacity": 0.6}, whisker_kind="auroc", label_separation=6)


@cache
def judge_chart() -> dict[str, Any]:
    """Return the template: accuracy of judges with its interval, and the chance line."""
    return kind_lines_chart(
        _JUDGE_KINDS, point_size=60, whisker={"opacity": 0.6}, whisker_kind="judge", label_separation=6
    )


@cache
def hidden_chart() -> dict[str, Any]:
    """Return the template: bits of a trace on the left, capability on the right."""
    return amounts_chart(_HIDDEN_KINDS, share_kind="capability", title="bits in a trace")


def hidden_charts(results: Results) -> list[Chart]:
    """Return one chart per curve whose traces may hide something: bits that were passed, and those at a rate."""
    charts = (_hidden_chart(result, results.curves) for result in results.oversight.bits)
    return [chart for chart in charts if chart is not None]


def _hidden_chart(result: BitsResult, curves: Sequence[CurveResult]) -> Chart | None:
    key = result.key
    series = (
        ("passed", "at least, by this red team", result.passed, "var(--s0)"),
        ("rate", "at 3 bits/KB, assumed", result.at_rate, "var(--s1)"),
    )
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for kind, name, findings, colour in series:
        own = list(_bit_points(findings, kind, name=name, colour=colour))
        points += own
        keys |= {name: colour} if own else {}
    if not points:
        return None
    kinds = dict.fromkeys(point["kind"] for point in points)
    for curve in capability_beside(key.arm, key.task, key.estimand, curves):
        name = f"{wording.axis_name(curve.key.axis)} · {visible(curve.key.task)}"
        means = [rung.mean for rung in curve.rungs if rung.mean is not None]
        points += kind_points(means, "capability", name=name, colour=_CAPABILITY_COLOUR, series=curve.id)
        keys[name] = _CAPABILITY_COLOUR
    labels = {point["x"]: point.pop("level") for point in points}
    notes = (
        "thinking budget asked for, log scale of one more token",
        "bits on the left, from 0 on a symmetric log scale; dashed, on the right: capability, share correct",
        *(f"{_HIDDEN_SIGNS[kind]}: {LINES[kind]}" for kind in kinds),
    )
    title = f"What could be hidden? {visible(key.task)}, {visible(key.arm)}"
    names = (key.axis, key.task, key.arm, "hidden")
    return Chart(names, title, notes, hidden_chart(), budget_span(labels), {"points": points}, keys)


def _bit_points(findings: Sequence[Finding], kind: str, *, name: str, colour: str) -> Iterator[dict[str, Any]]:
    for finding in findings:
        if finding.estimate is not None:
            tip = [
                f"{name}: {finding.estimate:,.3g} bits a trace",
                LINES[kind],
                f"asked for: {level(finding.at)}",
                f"finding {visible(finding.id, ID_LIMIT)}",
            ]
            yield _point(finding, "\n".join(tip), kind=kind, name=name, colour=colour, series=kind)


def judge_charts(results: Results) -> list[Chart]:
    """Return one chart per task with a judge of two answers: each protocol, chance, and the judge alone beside them."""
    groups: dict[object, list[JudgeResult]] = {}
    for result in results.oversight.judges:
        groups.setdefault(result.key._replace(arm=""), []).append(result)
    return [chart for group in groups.values() if (chart := _judge_chart(group)) is not None]


def _judge_chart(group: Sequence[JudgeResult]) -> Chart | None:
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    others = [result for result in group if result.rungs[0].gain is not None]
    shown = [result for result in group if result not in others] + others[:SHOWN_ARMS]
    for number, result in enumerate(shown):
        is_alone = result not in others
        name = f"{protocol_name(result)}: capability" if is_alone else protocol_name(result)
        colour = _CAPABILITY_COLOUR if is_alone else f"var(--s{number - len(shown) + len(others[:SHOWN_ARMS])})"
        kind = "capability" if is_alone else "judge"
        findings = [rung.accuracy for rung in result.rungs]
        points += kind_points(
            findings, kind, name=name, colour=colour, series=f"{number} {kind}", words=f"{LINES[kind]}, "
        )
        keys[name] = colour
    if not points:
        return None
    labels = {point["x"]: point.pop("level") for point in points}
    shared = {"estimate": JUDGE_CHANCE, "low": None, "high": None, "series": "chance", "kind": "chance"}
    look = {"name": "chance", "colour": _CHANCE_COLOUR, "tip": f"chance: {wording.percent(JUDGE_CHANCE)}"}
    points += [{"x": x, **shared, **look} for x in sorted(labels)]
    keys["chance"] = _CHANCE_COLOUR
    left_out = len(others) - SHOWN_ARMS
    kinds = dict.fromkeys(point["kind"] for point in points)
    notes = [
        "thinking budget of the judge, log scale of one more token",
        *(f"{_LOOKS[kind]}: {LINES[kind]}" for kind in kinds),
        "line at a point: pointwise interval",
        *([f"{left_out} more arms are in the table"] if left_out > 0 else []),
    ]
    span = budget_span(labels)
    key = group[0].key
    title = f"Does a weaker judge keep up? {visible(key.task)}"
    return Chart((key.axis, key.task, "judges"), title, tuple(notes), judge_chart(), span, {"points": points}, keys)


def oversight_charts(results: Results) -> list[Chart]:
    """Return one chart per watched curve: its monitors, and the capability of the same arm."""
    groups: dict[object, list[MonitorResult]] = {}
    for result in results.oversight.monitors:
        groups.setdefault(result.key, []).append(result)
    return [chart for group in groups.values() if (chart := _chart(group, results.curves)) is not None]


def _chart(group: Sequence[MonitorResult], curves: Sequence[CurveResult]) -> Chart | None:
    points: list[dict[str, Any]] = []
    keys: dict[str, str] = {}
    for number, result in enumerate(group[:SHOWN_ARMS]):
        name, colour = visible(f"{result.monitor} reads {result.view}", PROSE_LIMIT), f"var(--s{number})"
        series = [("auroc", [rung.auroc for rung in result.rungs]), ("caught", [rung.tpr[-1] for rung in result.rungs])]
        for kind, findings in series:
            points += kind_points(
                findings, kind, name=name, colour=colour, series=f"{number} {kind}", words=f"{LINES[kind]}, "
            )
        keys[name] = colour
    if not any(point["kind"] == "auroc" for point in points):
        return None
    key = group[0].key
    for curve in capability_beside(key.arm, key.task, key.estimand, curves):
        name = f"{wording.axis_name(curve.key.axis)} · {visible(curve.key.task)}"
        means = [rung.mean for rung in curve.rungs if rung.mean is not None]
        words = f"{LINES['capability']}, "
        points += kind_points(means, "capability", name=name, colour=_CAPABILITY_COLOUR, series=curve.id, words=words)
        keys[name] = _CAPABILITY_COLOUR
    labels = {point["x"]: point.pop("level") for point in points}
    kinds = {point["kind"] for point in points}
    left_out = len(group) - SHOWN_ARMS
    notes = [
        "thinking budget asked for, log scale of one more token",
        *(f"{_LOOKS[kind]}: {meaning}" for kind, meaning in LINES.items() if kind in kinds),
        "line at a point: pointwise interval of an AUROC",
        *([f"{left_out} more monitors are in the table"] if left_out > 0 else []),
    ]
    span = budget_span(labels)
    of = visible(key.arm) if group[0].policy is None else f"attack {visible(group[0].policy)}"
    title = f"Is it watched? {visible(key.task)}, {of}"
    return Chart(
        (key.axis, key.task, key.arm, "oversight"),
        title,
        tuple(notes),
        oversight_chart(),
        span,
        {"points": points},
        keys,
    )


def capability_beside(arm: str, task: str, estimand: str, curves: Sequence[CurveResult]) -> Iterator[CurveResult]:
    """Yield the capability curve beside a watched one: of the same task where there is one, else of the same arm."""
    own = [
        curve
        for curve in curves
        if curve.key.axis == Axis.CAPABILITY and curve.key.arm == arm and curve.key.estimand == estimand
    ]
    yield from ([curve for curve in own if curve.key.task == task] or own)[:1]


def kind_points(
    findings: Sequence[Finding], kind: str, *, name: str, colour: str, series: str, words: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the points of a line of one kind, by finding with an estimate.

    Args:
        findings: The findings, by rung.
        kind: Kind of line.
        name: Name of the line.
        colour: Its colour.
        series: What joins its points.
        words: What its values are, where its name does not say so.
    """
    for finding in findings:
        if finding.estimate is None:
            continue
        at = finding.at
        tip = [
            f"{name}: {words}{wording.percent(finding.estimate)}",
            wording.interval(finding) or "no interval",
            f"asked for: {level(at)}",
            f"finding {visible(finding.id, ID_LIMIT)}",
        ]
        yield _point(finding, "\n".join(tip), kind=kind, name=name, colour=colour, series=series)


def _point(finding: Finding, tip: str, **look: str) -> dict[str, Any]:
    at = finding.at
    return {
        "x": float((at.rung or 0) + 1 if at.requested_tokens is None else at.requested_tokens + 1),
        "level": level(at),
        "estimate": finding.estimate,
        "low": finding.low,
        "high": finding.high,
        "tip": tip,
        **look,
    }
