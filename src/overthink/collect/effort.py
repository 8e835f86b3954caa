"""The effort ladder: a model's own reasoning levels or caps, for providers whose thinking cannot be cut."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspect_ai import Task, task_with
from inspect_ai.dataset import Sample
from inspect_ai.solver import TaskState

from overthink.collect.collection import evaluate, numbered
from overthink.collect.from_log import read_logs
from overthink.collect.opened import Opened
from overthink.collect.opening import open_task
from overthink.collect.thinking_caps import asked_for, cap_of
from overthink.core.cut_short import CutShort, failed_try
from overthink.core.reading import Reading
from overthink.core.record import Estimand, RungRecord
from overthink.core.rungs import Setting, label
from overthink.errors import InputError
from overthink.plan import Plan, TaskPlan


def collect_efforts(
    opened: Opened, *, study: str, log_dir: Path, on_sample: Callable[[], None]
) -> tuple[Reading, tuple[CutShort, ...]]:
    """Run every task unchanged at every reasoning level or cap of the plan, and read the logs.

    The levels are not nested: each has runs of its own. A sample that a log holds is not run again; draws of one
    question are alike, so it is counted how many each question still lacks.

    Args:
        opened: The plan, opened.
        study: Name of the study.
        log_dir: Where Inspect writes its logs, one folder per task and level.
        on_sample: Told of every finished sample.

    Returns:
        The rows, and what was paid for samples that were cut short, or failed, and were run again.

    Raises:
        StoppedError: A run failed; finished samples are kept.
        KeyboardInterrupt: The user stopped the run.
    """
    plan = opened.plan
    records: list[RungRecord] = []
    again: list[CutShort] = []
    notes: dict[str, None] = {}
    for number, (task_plan, name) in enumerate(zip(plan.tasks, opened.names, strict=True)):
        for rung, effort in enumerate(plan.efforts or ()):
            folder = level_folder(log_dir, number, rung, effort)
            there = _there(folder, task_plan, plan.draws)
            for draws, questions in _lacking(opened.tasks[number], plan, there).items():
                task = task_with(open_task(task_plan), dataset=questions, epochs=draws)
                task = _uncapped(task, on_sample)
                evaluate(task, opened.model, plan, folder, **asked_for(opened.model, effort), **_stated(plan))
            reading, left_out = _read(folder, task_plan, plan.draws)
            cap = cap_of(effort)
            said = effort if cap is None else label(Setting(reasoning_tokens=cap))
            records += [
                replace(row, study=study, arm="base", task=name, rung=rung, effort=said, requested_tokens=cap)
                for row in reading.records
            ]
            notes |= dict.fromkeys(reading.notes)
            again += _tries(name, left_out)
    return Reading(tuple(records), tuple(notes)), tuple(again)


def level_folder(log_dir: Path, task: int, rung: int, effort: str) -> Path:
    """Where the logs of one task of the plan at one level are."""
    return log_dir / f"{task:02d}-{rung:02d}-{effort}"


def scorer_named(plan: TaskPlan) -> str | None:
    """The scorer that the plan names, as logs are asked for it."""
    return ".".join(part for part in (plan.scorer, plan.key) if part) or None


def _stated(plan: Plan) -> dict[str, Any]:
    """The sampling that the plan states. What it leaves open is left to the task, and then to the provider."""
    open_ = {"temperature": plan.temperature, "top_p": plan.top_p}
    return {name: value for name, value in open_.items() if value is not None}


def _lacking(task: Task, plan: Plan, there: Sequence[RungRecord]) -> dict[int, list[Sample]]:
    """The questions by the number of draws that they still lack."""
    has = Counter(row.question for row in there if row.error is None)
    lacking: dict[int, list[Sample]] = {}
    for sample in numbered(task, plan):
        if (draws := plan.draws - has[str(sample.id)]) > 0:
            lacking.setdefault(draws, []).append(sample)
    return lacking


def _there(folder: Path, plan: TaskPlan, draws: int) -> Sequence[RungRecord]:
    """What earlier runs of a level have left; nothing where a run was stopped before its log held a sample."""
    try:
        return _read(folder, plan, draws)[0].records
    except InputError:
        return ()


def _read(folder: Path, plan: TaskPlan, draws: int) -> tuple[Reading, list[RungRecord]]:
    """The rows of one level. Its only setting may look like a curve of one natural rung; it is one level of ours.

    A sample that failed and was tried again is left out: of each question the first whole draws count. What was left
    out comes back beside the rest.
    """
    scorer = scorer_named(plan)
    reading = read_logs(folder, axis=plan.axis, high=plan.high, scorer=scorer)
    kept, left_out = whole_draws(reading.records, draws)
    ours = tuple(replace(row, draw=draw, estimand=Estimand.EFFORT) for row, draw in kept)
    return Reading(ours, reading.notes), [replace(row, estimand=Estimand.EFFORT) for row in left_out]


def whole_draws(records: Sequence[RungRecord], draws: int) -> tuple[list[tuple[RungRecord, int]], list[RungRecord]]:
    """The rows of one level that count, as its logs have them, each with its draw in the study; and those left out."""
    kept: dict[tuple[str, str], list[tuple[RungRecord, int]]] = defaultdict(list)
    left_out: list[RungRecord] = []
    for row in sorted(records, key=lambda row: (row.error is not None, row.draw)):
        if row.estimand is Estimand.CHECKPOINT:
            continue
        of_question = kept[row.scorer, row.question]
        if len(of_question) < draws:
            of_question.append((row, len(of_question)))
        else:
            left_out.append(row)
    return [one for rows in kept.values() for one in rows], left_out


def _tries(task: str, left_out: Sequence[RungRecord]) -> list[CutShort]:
    """Samples that were left out, one each, whatever scorers they had."""
    tries: dict[tuple[str, int], list[RungRecord]] = defaultdict(list)
    for row in left_out:
        tries[row.question, row.draw].append(replace(row, task=task, arm="base"))
    return [failed_try(rows) for rows in tries.values()]


def _uncapped(task: Task, on_sample: Callable[[], None]) -> Task:
    """The task without its cap on output: reasoning would eat the cap and leave no answer."""
    cleanup = task.cleanup

    async def tick(state: TaskState) -> None:
        if cleanup is not None:
            await cleanup(state)
        on_sample()

    return task_with(task, cleanup=tick, config=task.config.model_copy(update={"max_tokens": None}))
