"""A plan with its model and tasks opened and checked: what can be refused is refused here, before anything is paid."""

from dataclasses import dataclass
from functools import cached_property

from inspect_ai import Task
from inspect_ai.model import Model

from overthink.collect.continuation import continuation_for
from overthink.collect.estimating import Asked, estimated, is_local, is_own
from overthink.collect.graders import graders
from overthink.collect.judging import Judge
from overthink.collect.opening import check_arguments, open_model, open_task
from overthink.collect.prompt_length import prompt_tokens
from overthink.collect.think import think_format
from overthink.collect.thinking_caps import asked_for
from overthink.core.spending import Estimate
from overthink.errors import InputError
from overthink.plan import Plan, TaskPlan

EMBEDDED = ("overthink/smollm2", "overthink/gguf")
"""Models whose server is started here, with the room that the plan needs."""

PROMPT_TOKENS = 1024
"""Room left for the prompt where the context is ours to choose, in tokens."""


@dataclass(frozen=True)
class Opened:
    """A plan with its model and tasks opened: nothing is left that can be refused.

    Attributes:
        plan: The plan.
        model: The model under test.
        tasks: By task of the plan: the task as its author made it.
        names: By task of the plan: its name in the pool.
        questions: By task of the plan: how many questions will be asked.
        asked: By task of the plan: the same, with the length of its prompts and who grades.
    """

    plan: Plan
    model: Model
    tasks: tuple[Task, ...]
    names: tuple[str, ...]
    questions: tuple[int, ...]
    asked: tuple[Asked, ...]

    @property
    def traces(self) -> int:
        """Traces of the whole study."""
        return sum(self.questions) * self.plan.draws * len(self.plan.efforts or (0,))

    @property
    def paid(self) -> bool:
        """Whether somebody else's computer may send a bill: everything but our own models and loopback servers."""
        judges = [name for task in self.asked for name in task.graders if name != self.plan.model]
        return not (is_local(self.model) and all(map(is_own, judges)))

    @cached_property
    def spending(self) -> Estimate:
        """What the study will take, with what the evaluator must know of its graders."""
        return estimated(self.plan, self.asked, free=is_local(self.model), notes=_grading_notes(self.plan, self.asked))

    def estimate(self) -> str:
        """What the study will take, in a few lines: traces, calls, tokens, the price as far as known, and notes."""
        plan, told = self.plan, self.spending
        asked = f"{sum(self.questions)} questions × {plan.draws} draws"
        if plan.budgets is None:
            work = f"{asked} × {len(plan.efforts or ())} efforts = {told.calls:,} calls; tokens as the model likes"
        else:
            work = f"{asked} = {self.traces:,} traces; at most {told.calls:,} calls, "
            work += f"about {told.prompt_tokens[1]:,} prompt tokens and {told.decoded_tokens[1]:,} decoded tokens"
        if told.judge_calls:
            work += f"; at most {told.judge_calls:,} calls of graders"
        if told.usd is not None:
            low, high = told.usd
            work += f"; {low:.2f} USD or more" if high is None else f"; {low:.2f} to {high:.2f} USD"
        return "\n".join([f"{work}; {told.price}", *(f"Note: {note}" for note in told.notes)])


def open_plan(plan: Plan) -> Opened:
    """Open the model and every task, and check that they fit the plan, before anything is paid.

    Raises:
        InputError: Something in the plan cannot be done; the message says what to change.
    """
    model = open_model(plan.model, _room_for(plan) | dict(plan.model_args))
    check_arguments(plan.tasks)
    tasks = tuple(open_task(task) for task in plan.tasks)
    if plan.budgets is not None:
        think_format(plan.think_format)
        continuation_for(model)
        _check_context(plan, model)
        for task, task_plan in zip(tasks, plan.tasks, strict=True):
            _check_forkable(task, task_plan)
    for effort in plan.efforts or ():
        asked_for(model, effort)
    if plan.grader is not None:
        open_model(plan.grader, {}, role="grader")
    names = tuple(_name(task, task_plan) for task, task_plan in zip(tasks, plan.tasks, strict=True))
    questions = tuple(min(len(task.dataset), plan.limit or len(task.dataset)) for task in tasks)
    asked = tuple(
        _asked(plan, task_plan, task, name, count)
        for task_plan, task, name, count in zip(plan.tasks, tasks, names, questions, strict=True)
    )
    return Opened(plan, model, tasks, names, questions, asked)


def _asked(plan: Plan, task_plan: TaskPlan, task: Task, name: str, questions: int) -> Asked:
    """What will be asked of one task. On a ladder the solver is tried out, and only the named scorer is run."""
    laddered = plan.budgets is not None
    scorers = list(task.scorer or ())
    if laddered:
        scorers = [Judge(scorers, task_plan).scorer]
    length = prompt_tokens(task, name=task_plan.task, questions=questions, replay=laddered)
    return Asked(name, questions, length, graders(scorers, task, plan=plan, task_plan=task_plan))


def _grading_notes(plan: Plan, asked: tuple[Asked, ...]) -> tuple[str, ...]:
    """Who judges what: a model that judges itself must not pass unseen, nor a grader that nobody asks."""
    own = [task.name for task in asked if plan.model in task.graders]
    notes = []
    if own:
        why = "no --grader was given" if plan.grader is None else "it was given as --grader"
        why = why if plan.grader in (None, plan.model) else "the task asks for it"
        notes.append(
            f"{', '.join(own)}: graded by the model under test, {plan.model} ({why}). A model that judges its own "
            "answers is no independent judge, and its error may change with the budget; name another with --grader."
        )
    elif plan.grader == plan.model:
        notes.append(f"The grader is the model under test, {plan.model}.")
    if plan.grader is not None and not any(plan.grader in task.graders for task in asked):
        notes.append(
            f"--grader {plan.grader}: as far as the code of the scorers tells, none of them asks for it; tasks may "
            "name their judge by an argument of their own (-T)."
        )
    return tuple(notes)


def _room_for(plan: Plan) -> dict[str, str | int | float | bool]:
    """What an embedded model needs to hold this plan: slots for twice the traces in flight, and their context."""
    if plan.model not in EMBEDDED or plan.budgets is None:
        return {}
    context = plan.budgets[-1] + plan.answer_tokens + PROMPT_TOKENS
    return {"slots": max(16, 2 * plan.concurrency), "context": max(2048, context)}


def _check_context(plan: Plan, model: Model) -> None:
    window = getattr(model.api, "context_tokens", None)
    if window is None or not plan.budgets:
        return
    needed = plan.budgets[-1] + plan.answer_tokens
    if needed >= window():
        raise InputError(
            f"a budget of {plan.budgets[-1]} thinking tokens and {plan.answer_tokens} answer tokens does not fit the "
            f"context window of {plan.model} ({window()} tokens, prompt included). Lower --budgets, or give the model "
            "more context (-M context=N)."
        )


def _check_forkable(task: Task, plan: TaskPlan) -> None:
    sandboxed = task.sandbox is not None or any(sample.sandbox is not None for sample in task.dataset)
    if sandboxed:
        raise InputError(
            f"task {plan.task} runs in a sandbox; scoring it at every rung could change what the next rung sees. "
            "Run it with --efforts, which scores once."
        )
    if task.config.system_message:
        raise InputError(
            f"task {plan.task} sets config.system_message, which a ladder cannot send; give it the solver "
            "system_message(...) instead, which says the same"
        )


def _name(task: Task, plan: TaskPlan) -> str:
    """The name in the pool: as given, without the path of a file."""
    return task.name if ".py" in plan.task else plan.task
