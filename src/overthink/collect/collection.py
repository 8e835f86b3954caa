"""Run a plan on the ladder, task by task, through Inspect's own eval."""

import time
from copy import copy
from itertools import product
from pathlib import Path
from typing import Any

from inspect_ai import Task, task_with
from inspect_ai.dataset import Sample
from inspect_ai.model import Model

from overthink.collect import patience
from overthink.collect.boundary import Boundary
from overthink.collect.inspect_run import run_inspect
from overthink.collect.keeper import Keeper
from overthink.collect.ladder import ladder, ladder_scores
from overthink.collect.opened import Opened
from overthink.collect.opening import solver_of
from overthink.collect.reply_checks import begin_run
from overthink.collect.stopwatch import Clock, clock_of
from overthink.collect.trace import LadderTask
from overthink.errors import StoppedError
from overthink.plan import Plan


def collect_ladder(opened: Opened, *, study: str, log_dir: Path, keeper: Keeper, clock: Clock = time.monotonic) -> None:
    """Collect every trace of the plan that is not done, and hand its rows over as soon as it is finished.

    Args:
        opened: The plan, opened.
        study: Name of the study.
        log_dir: Where Inspect writes its logs.
        keeper: What is there already, and who keeps what is new.
        clock: Takes the time of traces.

    Raises:
        InputError: A task turned out not to fit the ladder.
        StoppedError: The server is gone; what was collected is kept.
        KeyboardInterrupt: The user stopped the run.
    """
    plan = opened.plan
    boundary = Boundary(patience=max(3, plan.concurrency))
    begin_run(opened.model)
    tasks = zip(opened.tasks, plan.tasks, opened.names, strict=True)
    for (task, task_plan, name), arm in product(tasks, opened.arms):
        questions, missing = lacking(task, plan, keeper, name=name, arm=arm.label)
        if not questions:
            continue
        work = LadderTask(
            study=study,
            plan=plan,
            task=task_plan,
            name=name,
            arm=arm,
            solver=solver_of(task),
            scorers=list(task.scorer or ()),
            keeper=keeper,
            boundary=boundary,
            draws=missing,
            clock=clock_of(opened.model, clock),
        )
        wrapped = task_with(
            copy(task),  # it changes the task that it is given, and the next arm or wave needs the author's
            dataset=questions,
            solver=ladder(work),
            scorer=ladder_scores(arm.budgets),
            metrics=None,
            epochs=max(map(len, missing.values())),
        )
        evaluate(wrapped, opened.model, plan, log_dir, boundary=boundary)


def evaluate(
    task: Task, model: Model, plan: Plan, log_dir: Path, *, boundary: Boundary | None = None, **config: Any
) -> None:
    """Run one task through Inspect and see how it ended.

    Args:
        task: The task, ready to run.
        model: The model under test.
        plan: The study's plan.
        log_dir: Where Inspect writes its log.
        boundary: Where failures of traces are caught; without one, a failed sample is left out by Inspect.
        **config: Generation settings for the whole run.

    Raises:
        InputError: The task does not fit the ladder.
        StoppedError: The run failed.
        KeyboardInterrupt: The user stopped it.
    """
    try:
        logs = run_inspect(
            task,
            model=model,
            model_roles={"grader": plan.grader} if plan.grader else None,
            log_dir=str(log_dir),
            limit=plan.limit,
            max_samples=plan.concurrency,
            max_connections=plan.concurrency,
            max_retries=patience.TRIES - 1,
            fail_on_error=boundary is not None,  # on the ladder only a deliberate stop gets through the boundary
            log_level="error",
            log_realtime=False,  # its database costs time on every event, and a full disk would end the run there
            **config,
        )
    except OSError as failure:
        raise StoppedError(
            f"{log_dir}: the log cannot be written ({failure.strerror or failure}); finished traces are kept. Free "
            "some space, then repeat the command with --resume."
        ) from failure
    if boundary is not None and boundary.stopped is not None:
        raise boundary.stopped
    if not logs or any(log.status == "cancelled" for log in logs):
        raise KeyboardInterrupt  # where Inspect takes Ctrl-C itself, it may return no log at all
    for log in logs:
        if log.status == "error":
            reason = log.error.message if log.error else "no reason was logged"
            raise StoppedError(f"task {log.eval.task} stopped: {reason}. Repeat the command with --resume to go on.")


def numbered(task: Task, plan: Plan) -> list[Sample]:
    """The questions that the plan asks, each with an id; those that a study asks have theirs already."""
    samples = list(task.dataset)[: plan.limit]
    for number, sample in enumerate(samples, start=1):
        sample.id = number if sample.id is None else sample.id
    return samples


def lacking(
    task: Task, plan: Plan, keeper: Keeper, *, name: str, arm: str
) -> tuple[list[Sample], dict[str, tuple[int, ...]]]:
    """The questions that still lack draws in one arm, and by question the draws that it lacks, if any."""
    asked, missing = numbered(task, plan), dict[str, tuple[int, ...]]()
    for question in (str(sample.id) for sample in asked):
        wanted = plan.draws if keeper.draws is None else keeper.draws[name, question]
        missing[question] = tuple(draw for draw in range(wanted) if (name, arm, question, draw) not in keeper.done)
    return [sample for sample in asked if missing[str(sample.id)]], missing
