"""Limitations of a report, collected from its findings.

Limitations of a report by topic, from the plan, the curves, and the findings' own limits.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overthink.analysis.request import POINTWISE
from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.verdict_labels import GateLabel, ShapeLabel
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports.about import About
from overthink.reports.report_curves import ReportCurve, level, level_unit
from overthink.reports.wording import AXIS_TEXTS, ESTIMAND_TEXTS, axis_name

_MAX_LIMITATIONS = 60


@dataclass(frozen=True, slots=True)
class Limitation:
    """One limitation, and the number of findings with it (0: the whole page)."""

    text: str
    findings: int


def finding_limitations(findings: Sequence[Finding], curves: Sequence[ReportCurve]) -> list[Limitation]:
    """Return the limitations of the findings: of estimands and intervals first, then their own limits."""
    counts = Counter(limit for finding in findings for limit in finding.limits if limit != POINTWISE)
    own = [Limitation(visible(text, PROSE_LIMIT), number) for text, number in counts.most_common(_MAX_LIMITATIONS)]
    if len(counts) > _MAX_LIMITATIONS:
        own.append(Limitation(f"{len(counts) - _MAX_LIMITATIONS} more limits stand in the table of numbers.", 0))
    return [
        *_estimands(findings),
        *_bands(findings),
        *_gaps(findings),
        *_curves(curves),
        *own,
    ]


def _estimands(findings: Sequence[Finding]) -> list[Limitation]:
    counts = Counter(finding.estimand for finding in findings if finding.kind == Kind.VALUE)
    lines = [
        Limitation(f"“{visible(name)}” budgets: {ESTIMAND_TEXTS[name]}.", number)
        for name, number in counts.items()
        if name in ESTIMAND_TEXTS
    ]
    if len(counts) > 1:
        lines.append(Limitation("Different estimands answer different questions: they are separate lines.", 0))
    return lines


def _bands(findings: Sequence[Finding]) -> list[Limitation]:
    alone = sum(f.low is not None and not f.simultaneous for f in findings)
    if not alone:
        return []
    text = (
        "Intervals are pointwise: each holds for its own number. A whole band, or the largest of many "
        "changes, is less certain than its level says."
    )
    return [Limitation(text, alone)]


def _gaps(findings: Sequence[Finding]) -> list[Limitation]:
    lines = []
    missing = sum(f.estimate is None and f.kind in {Kind.VALUE, Kind.DIFFERENCE} for f in findings)
    if missing:
        lines.append(Limitation("No estimate: the reason stands in the table of numbers.", missing))
    without_count = sum(f.estimate is None and f.metric == Metric.ATTEMPT_TOKENS for f in findings)
    if without_count:
        lines.append(Limitation("No token count: these rungs have no place on the compute axis.", without_count))
    failures = sum(f.kind == Kind.GATE and f.label == GateLabel.FAILED for f in findings)
    if failures:
        text = "A gate failed: what moved there may be the measurement, not the thinking. Marked in the charts."
        lines.append(Limitation(text, failures))
    missing_rows = Counter(f.reason for f in findings if f.metric == Metric.ERRORS and f.label == GateLabel.FAILED)
    lines += [Limitation(f"{visible(text, PROSE_LIMIT)}.", n) for text, n in missing_rows.items() if text]
    return lines


def _curves(curves: Sequence[ReportCurve]) -> list[Limitation]:
    lines = []
    for curve in curves:
        where = f"{axis_name(curve.axis)} · {curve.name} · {visible(curve.arm)}"
        for finding in curve.labels:
            text = visible(finding.label or finding.reason or finding.metric, PROSE_LIMIT)
            lines.append(Limitation(f"{where}: {text}.", 1))
    if len(lines) > _MAX_LIMITATIONS:
        return [
            *lines[:_MAX_LIMITATIONS],
            Limitation(f"{len(lines) - _MAX_LIMITATIONS} more such labels stand in the table of numbers.", 0),
        ]
    return lines


_OPEN_QUESTIONS = {
    "capability": "whether it can do more or less",
    "safety": "whether it stays safe",
    "benign": "whether it refuses what is harmless",
}
"""Open question of a report without the axis, by axis."""

_SANDBOX = (
    "whether scoring leaves a sandbox as it is was stated, not checked: a scorer that writes there changes what the "
    "later turns of a loop see."
)


@dataclass(frozen=True, slots=True)
class LimitationTopic:
    """A heading with its limitations."""

    name: str
    limits: tuple[Limitation, ...]


def limitations(findings: Sequence[Finding], curves: Sequence[ReportCurve], about: About) -> list[LimitationTopic]:
    """Return the limitations by topic; empty topics are omitted.

    Args:
        findings: All findings.
        curves: Their curves.
        about: Metadata of the report, with elicitation that was not tried.
    """
    with_values = [curve for curve in curves if any(rung.mean is not None for rung in curve.rungs)]
    topics = {
        "Budgets that were not run": _budgets(with_values),
        "Ways to get more out of the model that were not tried": [_limitation(f"{text}.") for text in about.not_tried],
        "Other models, questions and axes": [
            *_model(with_values, about.plan),
            *_questions(with_values),
            *_axes(with_values),
        ],
        "The judge": _judge(with_values, about.plan),
        "What no test has shown": _undetermined_shapes(with_values),
        "Compute and law": _thresholds(about),
        "What the findings say of themselves": finding_limitations(findings, curves),
        "Whatever was measured": [_limitation(text) for text in about.never_said],
    }
    return [LimitationTopic(name, tuple(lines)) for name, lines in topics.items() if lines]


def _limitation(text: str) -> Limitation:
    sentence = visible(text, PROSE_LIMIT)
    return Limitation(sentence[:1].upper() + sentence[1:], 0)


def _budgets(curves: Sequence[ReportCurve]) -> list[Limitation]:
    """Return the highest rung and number of tries of each axis; axes with equal ranges share a sentence."""
    axes_by_text: dict[str, list[str]] = {}
    for axis in dict.fromkeys(curve.axis for curve in curves):
        mine = [curve for curve in curves if curve.axis == axis]
        tops = {_top(curve) for curve in mine}
        highest = f"above {next(iter(tops))}" if len(tops) == 1 else "above the highest rung of each curve"
        tries = max(
            (k for curve in mine for rung in curve.rungs for by_k in rung.result.tries.values() for k in by_k),
            default=1,
        )
        more = "one try" if tries == 1 else f"{tries:,} tries"
        between = ", nor between the rungs" if any(_rungs(curve) > 1 for curve in mine) else ""
        far = f"nothing {highest}{between}, nor with more than {more} per question."
        axes_by_text.setdefault(far, []).append(axis_name(axis))
    return [Limitation(f"{', '.join(axes)}: {far}", 0) for far, axes in axes_by_text.items()]


def _top(curve: ReportCurve) -> str:
    last = [rung.mean.at for rung in curve.rungs if rung.mean is not None][-1]
    if last.effort is None and last.requested_tokens is None:
        return "what was run"
    unit = " thinking tokens" if last.requested_tokens is not None and last.effort is None else level_unit(last)
    return f"{level(last)}{unit}"


def _rungs(curve: ReportCurve) -> int:
    return sum(rung.mean is not None for rung in curve.rungs)


def _model(curves: Sequence[ReportCurve], plan: Mapping[str, object] | None) -> list[Limitation]:
    arms = len({curve.arm for curve in curves})
    if not curves:
        return []
    if plan is None or "model" not in plan:
        subject = "One model or setting was looked at" if arms == 1 else f"{arms} models or settings were looked at"
        return [Limitation(f"{subject}; nothing about others, nor about other revisions or prompts.", 0)]
    own = {"temperature": "of the task or the provider"} if plan.get("efforts") else {}  # none stated, none sent
    setting = ", ".join(
        f"{words} {visible(str(value))}"
        for name, words in (("temperature", "temperature"), ("think_format", "think format"))
        if (value := own.get(name) if plan.get(name) is None else plan[name]) is not None
    )
    how = f" ({setting})" if setting else ""
    return [
        Limitation(
            f"One model, {visible(str(plan['model']))}{how}; nothing about others, nor its other revisions or prompts.",
            0,
        )
    ]


def _questions(curves: Sequence[ReportCurve]) -> list[Limitation]:
    """Return the limitation to the number of questions of each task."""
    most: dict[str, int] = {}
    for curve in curves:
        n_questions = max(rung.mean.n_questions for rung in curve.rungs if rung.mean is not None)
        most[curve.task] = max(n_questions, most.get(curve.task, 0))
    if not most:
        return []
    few = sorted(most.values())
    number = f"{few[0]:,}" if few[0] == few[-1] else f"{few[0]:,} to {few[-1]:,}"
    tasks = f"each of {len(most):,} tasks" if len(most) > 1 else "one task"
    return [
        Limitation(
            f"{number} questions of {tasks}: other tasks, and harder or other questions of these, may differ.", 0
        )
    ]


def _axes(curves: Sequence[ReportCurve]) -> list[Limitation]:
    measured_axes = {curve.axis for curve in curves}
    if not measured_axes:
        return []
    return [
        Limitation(f"{axis_name(axis)} was not measured: the report does not say {_OPEN_QUESTIONS[axis]}.", 0)
        for axis in AXIS_TEXTS
        if axis not in measured_axes
    ]


def _judge(curves: Sequence[ReportCurve], plan: Mapping[str, object] | None) -> list[Limitation]:
    """Return the limitation on unmeasured judge errors."""
    unlabelled_curves = [
        curve for curve in curves if not any(rung.result.judge or rung.result.corrected_mean for rung in curve.rungs)
    ]
    sandbox_note = [_limitation(_SANDBOX)] if plan is not None and plan.get("sandbox_scoring") else []
    if not unlabelled_curves:
        return sandbox_note
    grader = None if plan is None else plan.get("grader")
    scorer = f"the grader {visible(str(grader))}" if grader else "the scorer"
    count = "one curve" if len(unlabelled_curves) == 1 else f"{len(unlabelled_curves)} curves"
    return [
        Limitation(
            f"How often {scorer} is wrong was not measured on {count}: no human labels. Its errors are in every share.",
            0,
        ),
        *sandbox_note,
    ]


def _undetermined_shapes(curves: Sequence[ReportCurve]) -> list[Limitation]:
    """Return the limitation on undetermined and untested shapes: undetermined is not flat."""
    own = [c for c in curves if not c.is_control]
    open_ = [c for c in own for shape in c.shapes[:1] if shape.verdict.label == ShapeLabel.UNDETERMINED]
    without_test = [c for c in own if _rungs(c) > 1 and not c.shapes]
    lines = []
    if open_:
        count = "one curve" if len(open_) == 1 else f"{len(open_)} curves"
        text = (
            f"The shape of {count} is undetermined, which is not flat: a change below what could be seen may be there."
        )
        lines.append(Limitation(text, len(open_)))
    if without_test:
        count = "one curve" if len(without_test) == 1 else f"{len(without_test)} curves"
        lines.append(Limitation(f"No shape of {count} was tested.", 0))
    return lines


def _thresholds(about: About) -> list[Limitation]:
    thresholds = about.thresholds
    if thresholds is None:
        return []
    if not thresholds.label:
        return [_limitation("where thresholds on training compute stand: the training compute is not stated.")]
    text = "K* rests on a training compute that was stated, not measured, and on exponents found for other models."
    return [
        _limitation(text),
        _limitation("no legal status follows from any K: no instrument counts deployment inference."),
    ]
