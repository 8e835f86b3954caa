"""A plan in sentences: how it sampled."""

from collections.abc import Mapping, Sequence

from overthink.data.number_text import count
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.plan.study import Plan
from overthink.reports.wording import enumeration

UNKNOWN = (
    "Prompts, temperature, nucleus mass, seeds of the draws and settings of the provider are not recorded in this "
    "folder; {source} may state them."
)


def plan_sentences(plan: Plan | None, *, is_elsewhere: bool = False) -> tuple[str, ...]:
    """Return how a plan sampled; that this is unknown without one.

    Args:
        plan: The plan; None where the folder holds none.
        is_elsewhere: Whether there was a plan that the folder does not hold.

    Example:
        >>> plan_sentences(None, is_elsewhere=True)[0].partition("; ")[2]
        'the plan of the study may state them.'
    """
    if plan is None:
        source = "the plan of the study" if is_elsewhere else "the logs or tables that were read"
        return (UNKNOWN.format(source=source),)
    sentences = [_draws(plan), _parameters(plan)]
    if plan.budgets is not None:
        cue = (
            "the format's own cue" if plan.answer_cue is None else f"the cue “{visible(plan.answer_cue, PROSE_LIMIT)}”"
        )
        sentences.append(
            f"Thinking was written in the format {visible(plan.think_format)}; an answer was asked for with {cue} and "
            f"had an allowance of {plan.answer_tokens:,} tokens of its own."
        )
    if plan.sandbox_scoring is not None:
        sentences.append("That scoring leaves a sandbox as it is was stated, not checked.")
    sentences += [f"Answers were graded by {visible(plan.grader)}."] if plan.grader is not None else []
    sentences += [f"Controls beside the ladder: {enumeration(plan.controls)}."] if plan.controls else []
    if plan.resamples is not None:
        where = "at every rung" if plan.resample_at == "every" else "by bisection between rungs whose outcomes differ"
        sentences.append(f"The rest of each trace was thought anew {plan.resamples:,} times, {where}.")
    sentences += ["The thinking was scored, too."] if plan.judge_traces else []
    if len(plan.arms) > 1 or plan.arms[0].parts != ("base",):
        sentences.append(f"Arms: {'; '.join(_arm(arm.label, arm.parts, arm.settings) for arm in plan.arms)}.")
    return tuple(sentences)


def _draws(plan: Plan) -> str:
    of = "all questions" if plan.limit is None else f"at most {count(plan.limit, 'question')}"
    if plan.until is None:
        return f"The plan was {count(plan.draws, 'draw')} of {of} of each task (seed {plan.seed})."
    aim, most = visible(plan.until.text), count(plan.max_draws or 0, "draw")
    return (
        f"The plan was a first wave of {count(plan.draws, 'draw')} of {of} of each task (seed {plan.seed}), and more "
        f"until {aim}, at most {most} of a question."
    )


def _parameters(plan: Plan) -> str:
    parts = [
        f"{words} {f'{value:g}' if value is not None else 'as the task or the provider sets it'}"
        for words, value in (("temperature", plan.temperature), ("nucleus mass", plan.top_p))
    ]
    args = [f"{visible(name)} = {visible(str(value))}" for name, value in plan.model_args.items()]
    return f"Sampling used {enumeration(parts)}{f', and provider arguments {enumeration(args)}' if args else ''}."


def _arm(label: str, parts: Sequence[str], settings: Mapping[str, object]) -> str:
    of = ", ".join(f"{visible(name)} = {visible(str(value), PROSE_LIMIT)}" for name, value in settings.items())
    return f"{visible(label)} ({' + '.join(map(visible, parts))}{f': {of}' if of else ''})"
