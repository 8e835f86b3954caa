"""Construction of sampling specifications from plans, and the completion that scorers receive for a forced answer."""

from typing import Any

from inspect_ai.solver import TaskState

from overthink.collect.ladder.seeds import seed_for
from overthink.collect.providers.think_tags import ANSWER_LINE, for_prompt, think_format
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.data.missing_rungs import TraceKey
from overthink.plan.study import Plan, TaskPlan


def trace_seed(plan: Plan, trace: TraceKey) -> int:
    """Return the seed of a trace. It is independent of the arm: arms share their draws."""
    task, _, question, draw = trace
    return seed_for(plan.seed, task, question, draw)


def sampling_spec(
    plan: Plan, task: TaskPlan, *, trace: TraceKey, budgets: tuple[int, ...], prompt: str, state: TaskState, model: Any
) -> SamplingSpec:
    """Return the sampling specification of a trace.

    Args:
        plan: The study's plan.
        task: The task's plan.
        trace: Key of the trace.
        budgets: Budgets of its rungs.
        prompt: Text of the prompt.
        state: Initial state of the sample.
        model: The model under test.
    """
    assert plan.temperature is not None
    assert plan.top_p is not None
    return SamplingSpec(
        budgets=budgets,
        format=for_prompt(think_format(plan.think_format), prompt, cue=plan.answer_cue),
        answer_tokens=plan.answer_tokens,
        temperature=plan.temperature,
        top_p=plan.top_p,
        seed=trace_seed(plan, trace),
        truth=_truth(plan, task, trace, state) if getattr(model.api, "wants_truth", False) else None,
    )


def completion_of(plan: Plan, spec: SamplingSpec, text: str) -> str:
    """Return a forced answer as the completion that the scorer receives.

    A cue requested by the prompt or the evaluator belongs to the answer; Overthink's own scaffolding does not.
    """
    cue = spec.format.cue
    return _join_cue(cue if cue == ANSWER_LINE or plan.answer_cue is not None else "", text)


def _truth(plan: Plan, task: TaskPlan, trace: TraceKey, state: TaskState) -> dict[str, Any]:
    """Return the simulated model's data: a good and a bad answer under the task's scorer, and the trace's key."""
    answers = (state.metadata or {}).get("simulated") or {"good": state.target.text, "bad": "I do not know."}
    return {
        "axis": task.axis,
        "question": trace[2],
        "draw": trace[3],
        "seed": plan.seed,
        "good": answers["good"],
        "bad": answers["bad"],
    }


def _join_cue(cue: str, text: str) -> str:
    """Join cue and answer as a model would write them: a space separates the cue from a word.

    An answer that repeats the cue is returned as it is.
    """
    if cue.strip() and text.lstrip().casefold().startswith(cue.strip().casefold()):
        return text
    return f"{cue} {text}" if cue.endswith(":") and text[:1].strip() else cue + text
