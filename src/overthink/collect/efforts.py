"""The effort ladder: a model's own reasoning levels or caps, for providers whose thinking cannot be truncated."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspect_ai import Task, task_with
from inspect_ai.dataset import Sample
from inspect_ai.solver import TaskState

from overthink.collect.inspect_logs.read import read_logs
from overthink.collect.providers.reasoning_levels import cap_of, effort_settings
from overthink.collect.session.failures import RESUME, Boundary
from overthink.collect.session.open import open_task
from overthink.collect.session.prepare import Session
from overthink.collect.session.run import evaluate, number_samples
from overthink.data.ladder import level_label
from overthink.data.pool import failed_try
from overthink.data.record import Estimand, Reading, RungRecord, unread_notes
from overthink.data.tokens import CutShort
from overthink.errors import InputError, StoppedError
from overthink.plan.study import Plan, TaskPlan


def collect_efforts(
    session: Session, *, study: str, log_dir: Path, on_sample: Callable[[], None]
) -> tuple[Reading, tuple[CutShort, ...]]:
    """Run every task unchanged at every reasoning level or cap of the plan, and read the logs.

    The levels are not nested: each has its own runs. A sample found in a log is not run again; draws of one question
    are exchangeable, so only their number per question counts.

    Args:
        session: The opened plan.
        study: Name of the study.
        log_dir: Folder of the Inspect logs, with one folder per task and level.
        on_sample: Callback after every finished sample.

    Returns:
        The rows, and the usage of samples that were interrupted or failed and were run again.

    Raises:
        StoppedError: A run failed; finished samples are kept.
        KeyboardInterrupt: The user stopped the run.
    """
    plan, boundary = session.plan, Boundary(patience=session.patience)
    records: list[RungRecord] = []
    failures: list[CutShort] = []
    notes = dict.fromkeys(session.effort_notes)
    for number, (task_plan, name) in enumerate(zip(plan.tasks, session.names, strict=True)):
        for rung, effort in enumerate(plan.efforts or ()):
            folder = level_folder(log_dir, number, rung, effort)
            existing = _read_existing(folder, task_plan, plan.draws)
            for draws, questions in _missing_questions(session.tasks[number], plan, existing).items():
                task = task_with(open_task(task_plan), dataset=questions, epochs=draws)
                task = _without_cap(task, on_sample)
                evaluate(
                    task,
                    session.model,
                    plan,
                    folder,
                    boundary=boundary,
                    keeps_failures=True,
                    **effort_settings(session.model, effort),
                    **_sampling_settings(plan),
                )
            with _no_sample_is_a_stop(boundary):
                reading, left_out = _read(folder, task_plan, plan.draws)
            records += _of_level(reading.records, study=study, task=name, rung=rung, effort=effort)
            notes |= dict.fromkeys(reading.notes)
            failures += _failed_tries(name, left_out)
    return Reading(tuple(records), tuple(notes)), tuple(failures)


def finished_samples(session: Session, *, study: str, log_dir: Path) -> list[RungRecord]:
    """Return the rows of the samples that the logs hold by now, without those that failed; a run may be writing them.

    Args:
        session: The opened plan.
        study: Name of the study.
        log_dir: Folder of the Inspect logs, with one folder per task and level.
    """
    plan, records = session.plan, list[RungRecord]()
    for number, (task_plan, name) in enumerate(zip(plan.tasks, session.names, strict=True)):
        for rung, effort in enumerate(plan.efforts or ()):
            rows = _read_existing(level_folder(log_dir, number, rung, effort), task_plan, plan.draws)
            records += _of_level(rows, study=study, task=name, rung=rung, effort=effort)
    return [row for row in records if row.error is None]


def _of_level(records: Sequence[RungRecord], *, study: str, task: str, rung: int, effort: str) -> Iterator[RungRecord]:
    """Yield the rows of the logs of one level as rows of the study."""
    cap, name = cap_of(effort), level_label(effort)
    for row in records:
        yield replace(row, study=study, arm="base", task=task, rung=rung, effort=name, requested_tokens=cap)


@contextmanager
def _no_sample_is_a_stop(boundary: Boundary) -> Iterator[None]:
    """Context manager that turns the refusal of logs without a scored sample into a stop, if calls failed."""
    try:
        yield
    except InputError as empty:
        if boundary.last_failure is None:
            raise
        raise StoppedError(
            f"every sample failed, the last with: {boundary.last_failure}. When the model answers again, {RESUME}."
        ) from empty


def level_folder(log_dir: Path, task: int, rung: int, effort: str) -> Path:
    """Return the folder of the logs of one task of the plan at one level."""
    return log_dir / f"{task:02d}-{rung:02d}-{effort}"


def scorer_name(plan: TaskPlan) -> str | None:
    """Return the scorer named by the plan as `scorer` or `scorer.key`; None if it names none."""
    return ".".join(part for part in (plan.scorer, plan.key) if part) or None


def _sampling_settings(plan: Plan) -> dict[str, Any]:
    """Return the sampling settings given in the plan; the others are left to the task and the provider."""
    settings = {"temperature": plan.temperature, "top_p": plan.top_p}
    return {name: value for name, value in settings.items() if value is not None}


def _missing_questions(task: Task, plan: Plan, existing: Sequence[RungRecord]) -> dict[int, list[Sample]]:
    """Return the samples grouped by their number of missing draws."""
    n_draws = Counter(row.question for row in existing if row.error is None)
    missing: dict[int, list[Sample]] = {}
    for sample in number_samples(task, plan):
        if (draws := plan.draws - n_draws[str(sample.id)]) > 0:
            missing.setdefault(draws, []).append(sample)
    return missing


def _read_existing(folder: Path, plan: TaskPlan, draws: int) -> Sequence[RungRecord]:
    """Return the rows of earlier runs of a level; none if a run stopped before its log held a sample."""
    try:
        return _read(folder, plan, draws)[0].records
    except InputError:
        return ()


def _read(folder: Path, plan: TaskPlan, draws: int) -> tuple[Reading, list[RungRecord]]:
    """Return the rows of one level as an effort rung, and the rows left out.

    Of each question the first complete draws count; a failed sample that was run again is left out. The estimand is
    set here, because a log with a single setting is read as one natural rung.
    """
    scorer = scorer_name(plan)
    reading = read_logs(folder, axis=plan.axis, high=plan.high, scorer=scorer)
    draws_of_rows, left_out = whole_draws(reading.records, draws)
    ours = tuple(replace(row, draw=draw, estimand=Estimand.EFFORT) for row, draw in draws_of_rows)
    notes = (*unread_notes(reading.unread), *reading.notes)
    return Reading(ours, notes), [replace(row, estimand=Estimand.EFFORT) for row in left_out]


def whole_draws(records: Sequence[RungRecord], draws: int) -> tuple[list[tuple[RungRecord, int]], list[RungRecord]]:
    """Return the rows of one level that count, unchanged, each with its draw in the study; and the rows left out."""
    by_question: dict[tuple[str, str], list[tuple[RungRecord, int]]] = defaultdict(list)
    left_out: list[RungRecord] = []
    for row in sorted(records, key=lambda row: (row.error is not None, row.draw)):
        if row.estimand is Estimand.CHECKPOINT:
            continue
        of_question = by_question[row.scorer, row.question]
        if len(of_question) < draws:
            of_question.append((row, len(of_question)))
        else:
            left_out.append(row)
    return [entry for rows in by_question.values() for entry in rows], left_out


def _failed_tries(task: str, left_out: Sequence[RungRecord]) -> list[CutShort]:
    """Return the usage of each left-out sample, once for all its scorers."""
    tries: dict[tuple[str, int], list[RungRecord]] = defaultdict(list)
    for row in left_out:
        tries[row.question, row.draw].append(replace(row, task=task, arm="base"))
    return [failed_try(rows) for rows in tries.values()]


def _without_cap(task: Task, on_sample: Callable[[], None]) -> Task:
    """Return the task without its cap on output: reasoning could use up the cap and leave no answer."""
    cleanup = task.cleanup

    async def tick(state: TaskState) -> None:
        if cleanup is not None:
            await cleanup(state)
        on_sample()

    return task_with(task, cleanup=tick, config=task.config.model_copy(update={"max_tokens": None}))
