"""The way of one trace, from its plan and its question; and a forced answer as a scorer gets to see it."""

from typing import Any

from inspect_ai.solver import TaskState

from overthink.collect.seeds import seed_for
from overthink.collect.think import ANSWER_LINE, for_prompt, think_format
from overthink.collect.way import Way
from overthink.core.added_rungs import Row
from overthink.plan import Plan, TaskPlan


def trace_seed(plan: Plan, trace: Row) -> int:
    """Seed of a trace. It does not hang on the arm: arms share their draws."""
    task, _, question, draw = trace
    return seed_for(plan.seed, task, question, draw)


def way_of(
    plan: Plan, task: TaskPlan, *, trace: Row, budgets: tuple[int, ...], prompt: str, state: TaskState, model: Any
) -> Way:
    """How a trace climbs.

    Args:
        plan: The study's plan.
        task: The task's part of it.
        trace: Which trace.
        budgets: Its rungs.
        prompt: What the model is asked, as one text.
        state: The sample, as the task made it.
        model: The model under test.
    """
    assert plan.temperature is not None
    assert plan.top_p is not None
    return Way(
        budgets=budgets,
        format=for_prompt(think_format(plan.think_format), prompt, cue=plan.answer_cue),
        answer_tokens=plan.answer_tokens,
        temperature=plan.temperature,
        top_p=plan.top_p,
        seed=trace_seed(plan, trace),
        truth=_truth(plan, task, trace, state) if getattr(model.api, "wants_truth", False) else None,
    )


def completion_of(plan: Plan, way: Way, text: str) -> str:
    """A forced answer as the model would have written it, which is what the scorer sees.

    A cue that the prompt or the evaluator asked for belongs to the answer; our own scaffolding does not.
    """
    cue = way.format.cue
    return _glued(cue if cue == ANSWER_LINE or plan.answer_cue is not None else "", text)


def _truth(plan: Plan, task: TaskPlan, trace: Row, state: TaskState) -> dict[str, Any]:
    """What the simulated model may know: an answer that is good and one that is bad under the task's scorer."""
    told = (state.metadata or {}).get("simulated") or {"good": state.target.text, "bad": "I do not know."}
    return {
        "axis": task.axis,
        "question": trace[2],
        "draw": trace[3],
        "seed": plan.seed,
        "good": told["good"],
        "bad": told["bad"],
    }


def _glued(cue: str, text: str) -> str:
    """Cue and answer as a model would have written them: scorers look for words, so the cue is not glued to one.

    A model that says the cue once more has said it itself.
    """
    if cue.strip() and text.lstrip().casefold().startswith(cue.strip().casefold()):
        return text
    return f"{cue} {text}" if cue.endswith(":") and text[:1].strip() else cue + text
