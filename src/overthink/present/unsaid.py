"""What a report does not say: by topic, from what was run, from what was found, and from the findings' own limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overthink.core.finding import Finding
from overthink.present.about import About
from overthink.present.curve import Curve, level, level_unit
from overthink.present.limits import Limit, limits
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.wording import AXES, axis_name

_OUT_OF = {
    "capability": "whether it can do more or less",
    "safety": "whether it stays safe",
    "benign": "whether it refuses what is harmless",
}
"""By axis: what a report without it leaves open."""

_SANDBOX = (
    "whether scoring leaves a sandbox as it is was stated, not checked: a scorer that writes there changes what the "
    "later turns of a loop see."
)


@dataclass(frozen=True, slots=True)
class Topic:
    """A heading and what stands under it."""

    name: str
    limits: tuple[Limit, ...]


def unsaid(findings: Sequence[Finding], found: Sequence[Curve], about: About) -> list[Topic]:
    """Everything the report leaves open, topics without a sentence left out.

    Args:
        findings: All findings.
        found: Their curves.
        about: Where they come from, with what was not tried.
    """
    valued = [curve for curve in found if any(rung.mean is not None for rung in curve.rungs)]
    told = {
        "Budgets that were not run": _budgets(valued),
        "Ways to get more out of the model that were not tried": [_plain(f"{text}.") for text in about.not_tried],
        "Other models, questions and axes": [*_model(valued, about.plan), *_questions(valued), *_axes(valued)],
        "The judge": _judge(valued, about.plan),
        "What no test has shown": _undecided(valued),
        "Compute and law": _thresholds(about),
        "What the findings say of themselves": limits(findings, found),
        "Whatever was measured": [_plain(text) for text in about.never_said],
    }
    return [Topic(name, tuple(lines)) for name, lines in told.items() if lines]


def _plain(text: str) -> Limit:
    shown = visible(text, PROSE_LIMIT)
    return Limit(shown[:1].upper() + shown[1:], 0)


def _budgets(valued: Sequence[Curve]) -> list[Limit]:
    """The highest rung of each axis, and the most tries; axes that went as far share a sentence."""
    reached: dict[str, list[str]] = {}
    for axis in dict.fromkeys(curve.axis for curve in valued):
        mine = [curve for curve in valued if curve.axis == axis]
        tops = {_top(curve) for curve in mine}
        highest = f"above {next(iter(tops))}" if len(tops) == 1 else "above the highest rung of each curve"
        tries = max(
            (k for curve in mine for rung in curve.rungs for by_k in rung.tries.values() for k in by_k), default=1
        )
        more = "one try" if tries == 1 else f"{tries:,} tries"
        between = ", nor between the rungs" if any(_rungs(curve) > 1 for curve in mine) else ""
        far = f"nothing {highest}{between}, nor with more than {more} per question."
        reached.setdefault(far, []).append(axis_name(axis))
    return [Limit(f"{', '.join(axes)}: {far}", 0) for far, axes in reached.items()]


def _top(curve: Curve) -> str:
    last = [rung.mean.at for rung in curve.rungs if rung.mean is not None][-1]
    if last.effort is None and last.requested_tokens is None:
        return "what was run"
    unit = " thinking tokens" if last.requested_tokens is not None and last.effort is None else level_unit(last)
    return f"{level(last)}{unit}"


def _rungs(curve: Curve) -> int:
    return sum(rung.mean is not None for rung in curve.rungs)


def _model(valued: Sequence[Curve], plan: Mapping[str, object] | None) -> list[Limit]:
    arms = len({curve.arm for curve in valued})
    if not valued:
        return []
    if plan is None or "model" not in plan:
        one = "One model or setting was looked at" if arms == 1 else f"{arms} models or settings were looked at"
        return [Limit(f"{one}; nothing about others, nor about other revisions or prompts.", 0)]
    own = {"temperature": "of the task or the provider"} if plan.get("efforts") else {}  # none was stated, none sent
    setting = ", ".join(
        f"{words} {visible(str(told))}"
        for name, words in (("temperature", "temperature"), ("think_format", "think format"))
        if (told := own.get(name) if plan.get(name) is None else plan[name]) is not None
    )
    how = f" ({setting})" if setting else ""
    return [
        Limit(
            f"One model, {visible(str(plan['model']))}{how}; nothing about others, nor its other revisions or prompts.",
            0,
        )
    ]


def _questions(valued: Sequence[Curve]) -> list[Limit]:
    """How many questions each task rests on; the shares are of such questions alone."""
    most: dict[str, int] = {}
    for curve in valued:
        seen = max(rung.mean.n_questions for rung in curve.rungs if rung.mean is not None)
        most[curve.task] = max(seen, most.get(curve.task, 0))
    if not most:
        return []
    few = sorted(most.values())
    number = f"{few[0]:,}" if few[0] == few[-1] else f"{few[0]:,} to {few[-1]:,}"
    tasks = f"each of {len(most):,} tasks" if len(most) > 1 else "one task"
    return [
        Limit(f"{number} questions of {tasks}: other tasks, and harder or other questions of these, may differ.", 0)
    ]


def _axes(valued: Sequence[Curve]) -> list[Limit]:
    seen = {curve.axis for curve in valued}
    if not seen:
        return []
    return [
        Limit(f"{axis_name(axis)} was not measured: the report does not say {_OUT_OF[axis]}.", 0)
        for axis in AXES
        if axis not in seen
    ]


def _judge(valued: Sequence[Curve], plan: Mapping[str, object] | None) -> list[Limit]:
    """Whether anybody knows how often the marks are wrong."""
    unmeasured = [curve for curve in valued if not any(rung.judge or rung.corrected for rung in curve.rungs)]
    unchecked = [_plain(_SANDBOX)] if plan is not None and plan.get("sandbox_scoring") else []
    if not unmeasured:
        return unchecked
    grader = None if plan is None else plan.get("grader")
    who = f"the grader {visible(str(grader))}" if grader else "the scorer"
    curves = "one curve" if len(unmeasured) == 1 else f"{len(unmeasured)} curves"
    return [
        Limit(
            f"How often {who} is wrong was not measured on {curves}: no human labels. Its errors are in every share.", 0
        ),
        *unchecked,
    ]


def _undecided(valued: Sequence[Curve]) -> list[Limit]:
    """Undetermined is not flat: absence of evidence is said as such."""
    own = [c for c in valued if not c.is_control]
    open_ = [c for c in own for v in c.verdicts[:1] if v.shape.label == "undetermined"]
    untested = [c for c in own if _rungs(c) > 1 and not c.verdicts]
    lines = []
    if open_:
        curves = "one curve" if len(open_) == 1 else f"{len(open_)} curves"
        text = (
            f"The shape of {curves} is undetermined, which is not flat: a change below what could be seen may be there."
        )
        lines.append(Limit(text, len(open_)))
    if untested:
        curves = "one curve" if len(untested) == 1 else f"{len(untested)} curves"
        lines.append(Limit(f"No shape of {curves} was tested.", 0))
    return lines


def _thresholds(about: About) -> list[Limit]:
    told = about.thresholds
    if told is None:
        return []
    if not told.label:
        return [_plain("where thresholds on training compute stand: the training compute is not stated.")]
    text = "K* rests on a training compute that was stated, not measured, and on exponents found for other models."
    return [_plain(text), _plain("no legal status follows from any K: no instrument counts deployment inference.")]
