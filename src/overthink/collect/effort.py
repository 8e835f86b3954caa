"""The effort ladder: a model's own reasoning levels or caps, for providers whose thinking cannot be cut."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from inspect_ai import Task, task_with
from inspect_ai.solver import TaskState

from overthink.collect.collection import evaluate
from overthink.collect.from_log import read_logs
from overthink.collect.opened import Opened
from overthink.collect.opening import open_task
from overthink.collect.thinking_caps import asked_for, cap_of
from overthink.core.reading import Reading
from overthink.core.record import Estimand, RungRecord
from overthink.core.rungs import Setting, label
from overthink.plan import Plan, TaskPlan

FINISHED = "finished"
"""Name of the empty file that marks a level whose run has finished."""


def collect_efforts(opened: Opened, *, study: str, log_dir: Path, on_sample: Callable[[], None]) -> Reading:
    """Run every task unchanged at every reasoning level or cap of the plan, and read the logs.

    The levels are not nested: each is a run of its own. A level whose run has finished is not run again.

    Args:
        opened: The plan, opened.
        study: Name of the study.
        log_dir: Where Inspect writes its logs, one folder per task and level.
        on_sample: Told of every finished sample.

    Raises:
        StoppedError: A run failed; finished levels are kept.
        KeyboardInterrupt: The user stopped the run.
    """
    plan = opened.plan
    records: list[RungRecord] = []
    notes: dict[str, None] = {}
    for number, (task_plan, name) in enumerate(zip(plan.tasks, opened.names, strict=True)):
        for rung, effort in enumerate(plan.efforts or ()):
            folder = log_dir / f"{number:02d}-{rung:02d}-{effort}"
            if not (folder / FINISHED).exists():
                task = _uncapped(open_task(task_plan), plan, on_sample)
                evaluate(task, opened.model, plan, folder, **asked_for(opened.model, effort))
                (folder / FINISHED).touch()
            reading = _read(folder, task_plan)
            cap = cap_of(effort)
            said = effort if cap is None else label(Setting(reasoning_tokens=cap))
            records += [
                replace(row, study=study, arm="base", task=name, rung=rung, effort=said, requested_tokens=cap)
                for row in reading.records
            ]
            notes |= dict.fromkeys(reading.notes)
    return Reading(tuple(records), tuple(notes))


def _read(folder: Path, plan: TaskPlan) -> Reading:
    """The rows of one level. Its only setting may look like a curve of one natural rung; it is one level of ours."""
    scorer = ".".join(part for part in (plan.scorer, plan.key) if part) or None
    reading = read_logs(folder, axis=plan.axis, high=plan.high, scorer=scorer)
    rows = [
        replace(row, estimand=Estimand.EFFORT) for row in reading.records if row.estimand is not Estimand.CHECKPOINT
    ]
    return Reading(tuple(rows), reading.notes)


def _uncapped(task: Task, plan: Plan, on_sample: Callable[[], None]) -> Task:
    """The task with its draws, without its cap on output: reasoning would eat the cap and leave no answer."""
    cleanup = task.cleanup

    async def tick(state: TaskState) -> None:
        if cleanup is not None:
            await cleanup(state)
        on_sample()

    return task_with(task, cleanup=tick, epochs=plan.draws, config=task.config.model_copy(update={"max_tokens": None}))
