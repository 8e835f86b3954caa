"""Session: a plan with its model and tasks opened and checked; all refusals happen here, before any cost."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from inspect_ai import Task
from inspect_ai.model import Model

from overthink.collect.agent_loop.replay import LoopReplay
from overthink.collect.arms.interventions.guards import is_same_model, refuse_guards_that_judge
from overthink.collect.arms.interventions.protocols import Protocol
from overthink.collect.arms.interventions.saferemind import (
    PROBE_NOTE,
    always_gives_probabilities,
    refuse_without_probabilities,
)
from overthink.collect.arms.registry import Arm, models_of, open_arms, prompt_changes, reads_probabilities
from overthink.collect.inspect_internals import check_notebook
from overthink.collect.providers.attempts import Patience
from overthink.collect.providers.embedded.installed import is_embedded
from overthink.collect.providers.reasoning_levels import check_efforts
from overthink.collect.providers.servers.replicas import Replicas
from overthink.collect.providers.think_tags import think_format
from overthink.collect.scoring.graders import graders
from overthink.collect.scoring.judging import AnswerJudge
from overthink.collect.scoring.replay import Replay
from overthink.collect.scoring.thoughts import check_trace_scorers, trace_judge
from overthink.collect.session.endpoints import open_replicas
from overthink.collect.session.estimate import REVIEW_PROMPT_TOKENS, TaskWorkload, estimate_plan, is_local
from overthink.collect.session.open import check_arguments, name_in_pool, open_model, open_task, task_notes
from overthink.collect.session.prompt_length import (
    Counter,
    LetterCounter,
    TurnFormat,
    counter_for,
    prompt_lengths,
    text_counter,
)
from overthink.collect.session.server_check import check_context, check_levels, check_server, server_notes
from overthink.cost.estimate import Estimate
from overthink.cost.prices import is_own
from overthink.data.ids import CurveKey
from overthink.data.number_text import count
from overthink.data.shards import Shard
from overthink.data.visible import visible
from overthink.errors import InputError
from overthink.plan.analysis import check_primary
from overthink.plan.distribution import refuse_shards
from overthink.plan.schedule import Checkpoints
from overthink.plan.secrets import refuse_secrets
from overthink.plan.study import Plan, TaskPlan

MIN_DONOR_QUESTIONS = 2
"""Questions that a study with a placebo arm needs."""

PROMPT_TOKENS = 1024
"""Context reserved for the prompt of an embedded model, in tokens."""


@dataclass(frozen=True, repr=False)
class Session:
    """A plan with its model and tasks opened and checked.

    Attributes:
        plan: The plan.
        model: The model under test.
        tasks: The original task, per task of the plan.
        names: Name in the pool, per task of the plan.
        questions: Number of questions, per task of the plan.
        workloads: Workload with prompt lengths and graders, per task of the plan.
        arms: The opened arms; none on the provider's own levels.
        patience: Bounds on waiting for providers.
        shard: The shard whose questions alone are asked; None for all. `tasks` hold those of the whole study.
        whole: Estimate of the whole study, where this is a shard.
        replicas: The servers of the model, where endpoints were named; the model is that of the first one.
    """

    plan: Plan
    model: Model
    tasks: tuple[Task, ...]
    names: tuple[str, ...]
    questions: tuple[int, ...]
    workloads: tuple[TaskWorkload, ...]
    arms: tuple[Arm, ...]
    patience: Patience = field(default_factory=Patience)
    shard: Shard | None = None
    whole: Estimate | None = None
    replicas: Replicas | None = None

    def __repr__(self) -> str:
        tasks, traces = count(len(self.tasks), "task"), count(self.traces, "trace")
        return f"Session({visible(self.plan.model)}: {tasks}, at most {traces})"

    @property
    def traces(self) -> int:
        """Maximum number of traces of the study."""
        return sum(self.questions) * self.plan.most_draws * len(self.plan.efforts or self.plan.arms)

    @property
    def models(self) -> tuple[Model, ...]:
        """The model under test, as often as it has endpoints."""
        return (self.model,) if self.replicas is None else self.replicas.models

    @property
    def is_free(self) -> bool:
        """Whether the model runs on this machine, wherever it is asked."""
        return all(map(is_local, self.models))

    @property
    def is_billed(self) -> bool:
        """Whether costs may arise: with any model except our own ones and those of loopback servers."""
        others = [*models_of(self.arms), *(name for task in self.workloads for name in task.graders)]
        return not (self.is_free and all(is_own(name) for name in others if name != self.plan.model))

    @cached_property
    def effort_notes(self) -> tuple[str, ...]:
        """What must be said of the provider's own levels or caps; empty on any other ladder."""
        return check_efforts(self.model, self.plan.efforts or ())

    @cached_property
    def spending(self) -> Estimate:
        """Estimated calls, tokens and costs of the study, with notes on its graders."""
        notes = (*_grading_notes(self.plan, self.workloads), *server_notes(self.models), *self.effort_notes)
        notes = (*notes, *_control_notes(self.plan, self.arms), *task_notes(self.tasks, self.plan))
        if reads_probabilities(self.arms) and not (self.is_free or always_gives_probabilities(self.model)):
            notes = (*notes, PROBE_NOTE)
        tokens_of = text_counter(counter_for(self.model))
        return estimate_plan(self.plan, self.workloads, self.arms, free=self.is_free, notes=notes, tokens_of=tokens_of)

    def estimate(self) -> str:
        """Return the estimate in a few lines: traces, calls, tokens, the price as far as known, and notes."""
        plan, total = self.plan, self.spending
        load = f"{count(sum(self.questions), 'question')} × {count(plan.most_draws, 'draw')}"
        load += f" × {len(plan.arms)} arms" if len(plan.arms) > 1 else ""
        if plan.until is not None:
            load = f"at most {load}, {plan.draws} of them in the first wave,"
        if plan.efforts is not None:
            work = f"{load} × {len(plan.efforts)} efforts = {total.calls:,} calls; tokens as the model likes"
        elif plan.turns is not None:
            work = f"{load} = {self.traces:,} traces of at most {plan.turns[-1]} turns; at most {total.calls:,} calls; "
            work += "tokens as the model likes, and as its tools answer"
        elif plan.loop_tokens is not None:
            top = plan.loop_tokens[-1]
            work = f"{load} = {self.traces:,} traces of loops, each of {top:,} generated tokens and the turn that "
            work += (
                f"passes them at most: about {self.traces * top:,} decoded tokens; prompt tokens as its tools answer"
            )
        else:
            work = (
                f"{load} = {self.traces:,} traces; {'about' if total.in_steps else 'at most'} {total.calls:,} calls, "
            )
            work += f"about {total.prompt_tokens[1]:,} prompt tokens and {total.decoded_tokens[1]:,} decoded tokens"
        if total.judge_calls:
            work += f"; at most {total.judge_calls:,} calls of graders"
        if total.usd is not None:
            low, high = total.usd
            work += f"; {low:.2f} USD or more" if high is None else f"; {low:.2f} to {high:.2f} USD"
        lines = [f"{work}; {total.price}", *(f"Note: {note}" for note in total.notes)]
        return "\n".join(visible(line, None) for line in lines)


def open_plan(plan: Plan, shard: Shard | None = None, endpoints: Sequence[str] = ()) -> Session:
    """Open the model and every task, and check them against the plan, before any cost.

    Args:
        plan: The plan.
        shard: The shard whose questions alone are asked; None for all.
        endpoints: Addresses of servers of the model; none for the one that its provider knows.

    Raises:
        InputError: Something in the plan cannot be done; the message says what to change.
    """
    if shard is not None:
        refuse_shards(plan)
    refuse_secrets(plan.model_dump(mode="json") | {"endpoint": list(endpoints)}, os.environ)
    check_notebook()
    if plan.checkpoints is not None:
        _check_calls_tools(plan.model, plan.checkpoints)
    replicas = open_replicas(plan, endpoints) if endpoints else None
    model = open_plan_model(plan) if replicas is None else replicas.models[0]
    check_arguments(plan.tasks)
    tasks = tuple(open_task(task) for task in plan.tasks)
    if plan.budgets is not None:
        think_format(plan.think_format)
        if replicas is None:
            check_server(model)
    for task, task_plan in zip(tasks, plan.tasks, strict=True):
        if plan.efforts is None and _is_sandboxed(task):
            _check_sandbox(task_plan, plan)
        if plan.budgets is not None:
            _check_forkable(task, task_plan)
    if plan.sandbox_scoring is not None and not any(map(_is_sandboxed, tasks)):
        raise InputError(f"--sandbox-scoring {plan.sandbox_scoring}: no task runs in a sandbox; leave it out")
    check_levels(model, plan.efforts or ())
    check_trace_scorers(tasks, plan)
    if plan.grader is not None:
        open_model(plan.grader, {}, role="grader")
    names = tuple(name_in_pool(task, task_plan) for task, task_plan in zip(tasks, plan.tasks, strict=True))
    check_primary(
        plan.primary,
        {
            CurveKey(task.axis, name, arm.label, scorer="", estimand="")  # a declaration names none of the two
            for task, name in zip(plan.tasks, names, strict=True)
            for arm in plan.arms
        },
    )
    questions = tuple(min(len(task.dataset), plan.limit or len(task.dataset)) for task in tasks)
    counter = (
        LetterCounter() if plan.budgets is None else counter_for(model)
    )  # elsewhere the provider renders the prompts
    workloads = tuple(
        _workload(plan, task_plan, task, name, count, counter)
        for task_plan, task, name, count in zip(plan.tasks, tasks, names, questions, strict=True)
    )
    for each in (model,) if replicas is None else replicas.models:
        check_context(plan, each, workloads)
    judges = {name for task in workloads for name in task.graders} | ({plan.grader} if plan.grader else set())
    refuse_guards_that_judge(plan.arms, judges, model=plan.model)
    arms = () if plan.budgets is None else open_arms(plan)
    _refuse_reviewers_that_judge(arms, judges)
    _check_donors(arms, sum(questions))
    workloads = tuple(
        replace(workload, arm_prompt_tokens=_arm_prompts(plan, task, workload, arms, counter))
        for workload, task in zip(workloads, tasks, strict=True)
    )
    if reads_probabilities(arms):
        refuse_without_probabilities(model, plan)
    session = Session(plan, model, tasks, names, questions, workloads, arms, replicas=replicas)
    return session if shard is None else _of_shard(session, shard)


def _question_ids(task: Task, limit: int | None) -> Iterator[str]:
    """Yield the ids of a task's questions; those without one of their own are numbered."""
    for number, sample in enumerate(list(task.dataset)[:limit], start=1):
        yield str(number if sample.id is None else sample.id)


def _of_shard(session: Session, shard: Shard) -> Session:
    """Return the session of a shard: its tasks are the study's, its numbers of questions are its own."""
    own = tuple(
        sum(shard.holds(name, question) for question in _question_ids(task, session.plan.limit))
        for task, name in zip(session.tasks, session.names, strict=True)
    )
    workloads = tuple(
        replace(workload, questions=count) for workload, count in zip(session.workloads, own, strict=True)
    )
    return replace(session, questions=own, workloads=workloads, shard=shard, whole=session.spending)


def _check_donors(arms: tuple[Arm, ...], questions: int) -> None:
    """Check that there is another question for a placebo to take its decisions from."""
    placebo = next((arm.label for arm in arms if arm.plan.placebo_of is not None), None)
    if placebo is not None and questions < MIN_DONOR_QUESTIONS:
        raise InputError(
            f"--arms {placebo} acts as its arm did on another question, and the study has {questions} in all; needed: "
            f"{MIN_DONOR_QUESTIONS} or more (a higher --limit, or another task)"
        )


def open_plan_model(plan: Plan) -> Model:
    """Return the model under test, with the slots and the context that its plan needs.

    Raises:
        InputError: Inspect does not know it, or its provider cannot start.
    """
    return open_model(plan.model, _room_for(plan) | dict(plan.model_args))


def _workload(plan: Plan, task_plan: TaskPlan, task: Task, name: str, questions: int, counter: Counter) -> TaskWorkload:
    """Return the workload of one task; with repeated scoring its solver is tested, and only one scorer is run."""
    replay: type[Replay] | None = None
    scorers = list(task.scorer or ())
    if plan.efforts is None:
        of_traces = trace_judge(scorers, plan, task_plan)
        scorers = [AnswerJudge(scorers, task_plan).scorer, *([] if of_traces is None else [of_traces.scorer])]
        replay = Replay if plan.checkpoints is None else LoopReplay
    turn = None if plan.budgets is None else TurnFormat(think_format(plan.think_format), plan.answer_cue)
    lengths = prompt_lengths(task, name=task_plan.task, questions=questions, replay=replay, turn=turn, counter=counter)
    judges = graders(scorers, task, plan=plan, task_plan=task_plan)
    return TaskWorkload(name, questions, lengths.prompt, judges, lengths.cue, lengths.longest)


def _arm_prompts(
    plan: Plan, task: Task, workload: TaskWorkload, arms: Sequence[Arm], counter: Counter
) -> dict[str, int]:
    """Return the mean length of a prompt by arm, of those that change it.

    Raises:
        InputError: An arm cannot change the prompts of this task.
    """
    turn = TurnFormat(think_format(plan.think_format), plan.answer_cue)
    count = workload.questions
    return {
        arm.label: prompt_lengths(
            task, name=workload.name, questions=count, replay=Replay, turn=turn, counter=counter, change=arm.prompt
        ).prompt
        for arm in arms
        if arm.changes_prompt
    }


def _grading_notes(plan: Plan, workloads: tuple[TaskWorkload, ...]) -> tuple[str, ...]:
    """Return notes on graders: a model that judges itself, and a `--grader` that no scorer uses."""
    own = [task.name for task in workloads if plan.model in task.graders]
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
    if plan.grader is not None and not any(plan.grader in task.graders for task in workloads):
        notes.append(
            f"--grader {plan.grader}: as far as the code of the scorers tells, none of them asks for it; tasks may "
            "name their judge by an argument of their own (-T)."
        )
    return tuple(notes)


def _control_notes(plan: Plan, arms: Sequence[Arm]) -> tuple[str, ...]:
    """Return a warning on each arm whose answers are reviewed by the model under test itself."""
    return tuple(
        f"Warning: arm {arm.label}: {plan.model} reviews its own answers. What one copy misses the other may miss, and "
        "they may collude."
        for arm in arms
        if arm.control is not None and arm.plan.placebo_of is None and arm.control.is_by(plan.model)
    )


def _refuse_reviewers_that_judge(arms: Sequence[Arm], judges: Collection[str]) -> None:
    """Check that no monitor or trusted model of a protocol of control also grades answers."""
    for arm in arms:
        for name in () if arm.control is None else arm.control.models:
            judge = next((judge for judge in sorted(judges) if is_same_model(name, judge)), None)
            if judge is not None:
                raise InputError(
                    f"arm {arm.label}: {name} reviews the answers, and {judge} grades them: it would find good again "
                    "what it let pass; name another model with --grader, monitor= or trusted="
                )


def _room_for(plan: Plan) -> dict[str, str | int | float | bool]:
    """Return the arguments of an embedded model for this plan: slots for twice the concurrent traces, context."""
    if not is_embedded(plan.model) or plan.budgets is None:
        return {}
    protocols = [part for arm in plan.arms for part in prompt_changes(arm) if isinstance(part, Protocol)]
    thinking = max((plan.budgets[-1], *(part.budget for part in protocols)))
    spoken = max((part.frame_tokens + part.tokens for part in protocols), default=0)
    monitors = [int(arm.settings["budget"]) for arm in plan.arms if "untrusted_monitoring" in arm.parts]
    read = REVIEW_PROMPT_TOKENS + plan.budgets[-1] + plan.answer_tokens  # what one reads beside the question
    spoken = max((spoken, *(read + budget for budget in monitors)))
    context = thinking + plan.answer_tokens + PROMPT_TOKENS + spoken
    return {"slots": max(16, 2 * plan.concurrency), "context": max(2048, context)}


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
    """Check that scoring in a sandbox cannot affect later turns: the scorer may change the sandbox."""
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
