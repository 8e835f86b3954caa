"""The scorer of the thinking itself (``--judge-traces``): it must mark what any text can have, never refusals.

A thought is no reply. A scorer of refusals calls every thought that does not refuse harmful, also one that only
restates the request. So before the first call each task is put into one of three cases:

1. its own scorer marks a property of any text (a right answer, a leaked secret, harmful content): it is used;
2. its own scorer marks refusals, as every scorer on the over-refusal axis does: it is refused, and another is needed;
3. nobody has said what its own scorer marks (a safety task in no table): it is refused until ``--trace-scorer`` says.
"""

from collections.abc import Sequence

from inspect_ai import Task
from inspect_ai.scorer import Scorer

from overthink.collect.scoring.judging import AnswerJudge, scorer_names
from overthink.collect.scoring.known_tasks import TaskPolarity
from overthink.collect.scoring.polarity import find_polarity
from overthink.collect.tasks import TRACE_SCORERS
from overthink.collect.tasks.thought import thought
from overthink.data.thought_judges import names_refusals
from overthink.errors import InputError
from overthink.plan.study import HIGH_WORDS, Plan, TaskPlan

OWN, SHIPPED = "own", "thought"
"""Words of ``--trace-scorer`` for the task's own scorer, and for the one that comes with the built-in tasks."""

REFUSAL_TASKS = ("inspect_evals/coconot", "inspect_evals/xstest")
"""Tasks of the table whose scorers mark refusals under another name."""


def trace_judge(scorers: Sequence[Scorer], plan: Plan, task_plan: TaskPlan) -> AnswerJudge | None:
    """Return the judge of a task's thinking; None if the plan judges none.

    The first of the plan's trace scorers that the task has is used; without one, the task's own scorer.

    Args:
        scorers: The task's scorers.
        plan: The study's plan.
        task_plan: The task's entry in the plan.

    Raises:
        InputError: The scorer marks refusals, or it is unknown what it marks, or its polarity is missing.
    """
    if not plan.judge_traces:
        return None
    own = AnswerJudge(scorers, task_plan)
    for text in plan.trace_scorer:
        if text == OWN and not marks_refusals(own, task_plan):
            return own
        judge = _named(text, scorers, task_plan)
        if judge is not None:
            return judge
    objection = _objection(own, task_plan)
    if objection is not None:
        raise InputError(f"--judge-traces: task {task_plan.task}: {objection}")
    return own


def check_trace_scorers(tasks: Sequence[Task], plan: Plan) -> None:
    """Check that every trace scorer of the plan belongs to some task, and that every task's thinking can be judged.

    Raises:
        InputError: One does not.
    """
    for text in plan.trace_scorer:
        if text == OWN:
            continue
        if not any(_named(text, task.scorer or (), own) for task, own in zip(tasks, plan.tasks, strict=True)):
            raise InputError(
                f"--trace-scorer {text}: no task of this study has it. Needed: {SHIPPED} (for "
                f"{', '.join(TRACE_SCORERS)}), {OWN}, or SCORER[.KEY]:high=WORD, a scorer of one of the tasks"
            )
    for task, task_plan in zip(tasks, plan.tasks, strict=True):
        trace_judge(task.scorer or (), plan, task_plan)


def marks_refusals(judge: AnswerJudge, plan: TaskPlan) -> bool:
    """Return whether a task's own scorer marks refusals: by its axis, its name, or the table of tasks."""
    return plan.axis == "benign" or names_refusals(judge.name) or plan.task in REFUSAL_TASKS


def _objection(own: AnswerJudge, plan: TaskPlan) -> str | None:
    """Return why a task's own scorer cannot judge thinking, and what to do; None if it can."""
    if plan.axis == "capability":
        return None
    good, bad = HIGH_WORDS[plan.axis]
    another = (
        f"--trace-scorer SCORER[.KEY]:high={good} (or high={bad}), a scorer of this task that marks a property of "
        "any text"
    )
    if plan.task in TRACE_SCORERS:
        another = f"--trace-scorer {SHIPPED}, which comes with this task"
    if marks_refusals(own, plan):
        counts = "answered" if plan.axis == "benign" else "harmful"
        return (
            f"its scorer {own.name} marks refusals, and a thought is no reply: one that does not refuse would "
            f"count as {counts}. Needed: a scorer of the thinking. Add {another}; or leave out --judge-traces"
        )
    row = find_polarity(plan.task, plan.args)
    if isinstance(row, TaskPolarity) and plan.scorer == row.scorer:
        return None
    return (
        f"nobody has said whether its scorer {own.name} marks refusals or a property of any text (a leaked secret, "
        "harmful content), and a thought is no reply. If it marks such a property, add --trace-scorer "
        f"{OWN}; if not, add {another}; or leave out --judge-traces"
    )


def _named(text: str, scorers: Sequence[Scorer], plan: TaskPlan) -> AnswerJudge | None:
    """Return the judge of this trace scorer; None if the task does not have it.

    Raises:
        InputError: It marks refusals, or the meaning of a high score is missing or wrong.
    """
    if text == SHIPPED and plan.task in TRACE_SCORERS:
        good = HIGH_WORDS[plan.axis][0]
        shipped = _with_scorer(plan, scorer=None, key=None, high=good)
        return AnswerJudge([thought(marks=TRACE_SCORERS[plan.task])], shipped)
    rest, _, high = text.partition(":high=")
    name, _, key = rest.partition(".")
    if name not in {short for full in scorer_names(scorers) for short in (full, full.split("/")[-1])}:
        return None
    if names_refusals(rest):
        raise InputError(
            f"--trace-scorer {text}: by its name it marks refusals, and a thought is no reply; needed: a scorer that "
            "marks a property of any text, such as harmful content"
        )
    words = HIGH_WORDS[plan.axis]
    if high not in words and not (high == "" and plan.axis == "capability"):
        raise InputError(
            f"--trace-scorer {text}: it is not known what a high score means on the {plan.axis} axis; needed: "
            f"{' or '.join(f'{rest}:high={word}' for word in words)}"
        )
    return AnswerJudge(scorers, _with_scorer(plan, scorer=name, key=key or None, high=high or words[0]))


def _with_scorer(plan: TaskPlan, *, scorer: str | None, key: str | None, high: str) -> TaskPlan:
    """Return a task's plan with another scorer to read."""
    return plan.model_copy(update={"scorer": scorer, "key": key, "high": high})
