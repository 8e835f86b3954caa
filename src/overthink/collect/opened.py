"""A plan with its model and tasks opened and checked: what can be refused is refused here, before anything is paid."""

from dataclasses import dataclass
from functools import cached_property

from inspect_ai import Task
from inspect_ai.model import Model

from overthink.collect.arms import Arm, models_of, open_arm, reads_probabilities
from overthink.collect.continuation import continuation_for
from overthink.collect.estimating import Asked, estimated, is_local
from overthink.collect.graders import graders
from overthink.collect.judging import Judge
from overthink.collect.loop_replay import LoopReplay
from overthink.collect.opening import check_arguments, open_model, open_task
from overthink.collect.prompt_length import Counter, Letters, Turn, counter_for, prompt_lengths, text_counter
from overthink.collect.replay import Replay
from overthink.collect.steer.no_judge import refuse_guards_that_judge
from overthink.collect.steer.probabilities import ASKED, is_known_to_tell, refuse_without_probabilities
from overthink.collect.think import think_format
from overthink.collect.thinking_caps import asked_for
from overthink.core.spending import Estimate
from overthink.errors import InputError
from overthink.loop_plan import Checkpoints
from overthink.plan import Plan, TaskPlan
from overthink.price import is_own

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
        arms: The arms, each with what it needs; none on provider's own levels.
    """

    plan: Plan
    model: Model
    tasks: tuple[Task, ...]
    names: tuple[str, ...]
    questions: tuple[int, ...]
    asked: tuple[Asked, ...]
    arms: tuple[Arm, ...]

    @property
    def traces(self) -> int:
        """Traces of the whole study, at most."""
        return sum(self.questions) * self.plan.most_draws * len(self.plan.efforts or self.plan.arms)

    @property
    def paid(self) -> bool:
        """Whether somebody else's computer may send a bill: everything but our own models and loopback servers."""
        others = [*models_of(self.arms), *(name for task in self.asked for name in task.graders)]
        return not (is_local(self.model) and all(is_own(name) for name in others if name != self.plan.model))

    @cached_property
    def spending(self) -> Estimate:
        """What the study will take, with what the evaluator must know of its graders."""
        notes = _grading_notes(self.plan, self.asked)
        if reads_probabilities(self.arms) and not (is_local(self.model) or is_known_to_tell(self.model)):
            notes = (*notes, ASKED)
        tokens_of = text_counter(counter_for(self.model))
        return estimated(self.plan, self.asked, self.arms, free=is_local(self.model), notes=notes, tokens_of=tokens_of)

    def estimate(self) -> str:
        """What the study will take, in a few lines: traces, calls, tokens, the price as far as known, and notes."""
        plan, told = self.plan, self.spending
        asked = f"{sum(self.questions)} questions × {plan.most_draws} draws"
        asked += f" × {len(plan.arms)} arms" if len(plan.arms) > 1 else ""
        if plan.until is not None:
            asked = f"at most {asked}, {plan.draws} of them in the first wave,"
        if plan.efforts is not None:
            work = f"{asked} × {len(plan.efforts)} efforts = {told.calls:,} calls; tokens as the model likes"
        elif plan.turns is not None:
            work = f"{asked} = {self.traces:,} traces of at most {plan.turns[-1]} turns; at most {told.calls:,} calls; "
            work += "tokens as the model likes, and as its tools answer"
        elif plan.loop_tokens is not None:
            top = plan.loop_tokens[-1]
            work = f"{asked} = {self.traces:,} traces of loops, each of {top:,} generated tokens and the turn that "
            work += (
                f"passes them at most: about {self.traces * top:,} decoded tokens; prompt tokens as its tools answer"
            )
        else:
            work = f"{asked} = {self.traces:,} traces; {'about' if told.in_steps else 'at most'} {told.calls:,} calls, "
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
    if plan.checkpoints is not None:
        _check_calls_tools(plan.model, plan.checkpoints)
    model = opened_model(plan)
    check_arguments(plan.tasks)
    tasks = tuple(open_task(task) for task in plan.tasks)
    if plan.budgets is not None:
        think_format(plan.think_format)
        continuation_for(model)
        _check_context(plan, model)
    for task, task_plan in zip(tasks, plan.tasks, strict=True):
        if plan.efforts is None and _is_sandboxed(task):
            _check_sandbox(task_plan, plan)
        if plan.budgets is not None:
            _check_forkable(task, task_plan)
    if plan.sandbox_scoring is not None and not any(map(_is_sandboxed, tasks)):
        raise InputError(f"--sandbox-scoring {plan.sandbox_scoring}: no task runs in a sandbox; leave it out")
    for effort in plan.efforts or ():
        asked_for(model, effort)
    if plan.grader is not None:
        open_model(plan.grader, {}, role="grader")
    names = tuple(_name(task, task_plan) for task, task_plan in zip(tasks, plan.tasks, strict=True))
    questions = tuple(min(len(task.dataset), plan.limit or len(task.dataset)) for task in tasks)
    counter = Letters() if plan.budgets is None else counter_for(model)  # others render their prompts themselves
    asked = tuple(
        _asked(plan, task_plan, task, name, count, counter)
        for task_plan, task, name, count in zip(plan.tasks, tasks, names, questions, strict=True)
    )
    judges = {name for task in asked for name in task.graders} | ({plan.grader} if plan.grader else set())
    refuse_guards_that_judge(plan.arms, judges, model=plan.model)
    arms = () if plan.budgets is None else tuple(open_arm(arm, plan) for arm in plan.arms)
    if reads_probabilities(arms):
        refuse_without_probabilities(model, plan)
    return Opened(plan, model, tasks, names, questions, asked, arms)


def opened_model(plan: Plan) -> Model:
    """The model under test, with the room that its plan needs.

    Raises:
        InputError: Inspect does not know it, or its provider cannot start.
    """
    return open_model(plan.model, _room_for(plan) | dict(plan.model_args))


def _asked(plan: Plan, task_plan: TaskPlan, task: Task, name: str, questions: int, counter: Counter) -> Asked:
    """What will be asked of one task. Scored more than once, its solver is tried out, and only one scorer is run."""
    replay: type[Replay] | None = None
    scorers = list(task.scorer or ())
    if plan.efforts is None:
        scorers = [Judge(scorers, task_plan).scorer]
        replay = Replay if plan.checkpoints is None else LoopReplay
    turn = None if plan.budgets is None else Turn(think_format(plan.think_format), plan.answer_cue)
    lengths = prompt_lengths(task, name=task_plan.task, questions=questions, replay=replay, turn=turn, counter=counter)
    judges = graders(scorers, task, plan=plan, task_plan=task_plan)
    return Asked(name, questions, lengths.prompt, judges, cue_tokens=lengths.cue)


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


def _check_calls_tools(model: str, checkpoints: Checkpoints) -> None:
    provider = model.split("/", maxsplit=1)[0]
    if provider == "overthink" or provider.endswith("-completions"):
        raise InputError(
            f"{model} cannot call tools, and {checkpoints.option} is a loop of tool calls. Let it compute inside its "
            "thinking instead, --budgets 0,64,256 --arms base,calculator:calls=8, or name a model behind a chat "
            "endpoint."
        )


def _is_sandboxed(task: Task) -> bool:
    return task.sandbox is not None or any(sample.sandbox is not None for sample in task.dataset)


def _check_sandbox(task: TaskPlan, plan: Plan) -> None:
    """A scorer that works in the sandbox may change it, so what goes on behind it needs a statement."""
    checkpoints = plan.checkpoints
    if checkpoints is None:
        raise InputError(
            f"task {task.task} runs in a sandbox; a forced answer cannot act there, and scoring it at every rung could "
            "change what the next rung sees. Run it with --efforts, which scores once, or as a loop of tool calls with "
            "--turns 1,2,4,8 --sandbox-scoring unchanged, if its scorer leaves the sandbox as it is."
        )
    if len(checkpoints.at) > 1 and plan.sandbox_scoring is None:
        raise InputError(
            f"task {task.task} runs in a sandbox, and scoring it at a checkpoint could change what the turns behind "
            "it see. If its scorer leaves the sandbox as it is, say so: --sandbox-scoring unchanged. If not, give one "
            f"checkpoint, {checkpoints.option} {checkpoints.at[-1]}: there it is scored once, when nothing follows."
        )


def _check_forkable(task: Task, plan: TaskPlan) -> None:
    if task.config.system_message:
        raise InputError(
            f"task {plan.task} sets config.system_message, which a ladder cannot send; give it the solver "
            "system_message(...) instead, which says the same"
        )


def _name(task: Task, plan: TaskPlan) -> str:
    """The name in the pool: as given, without the path of a file."""
    return task.name if ".py" in plan.task else plan.task
