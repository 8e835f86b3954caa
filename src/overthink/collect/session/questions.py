"""Selection of a task's questions: those of earlier runs of the study first, then others in the dataset's order.

A dataset shuffled without a seed has another order every time it is opened. With a limit, a resumed study would then
ask other questions, or another question under the number of an earlier one.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace

from inspect_ai import Task, task_with
from inspect_ai.dataset import MemoryDataset, Sample

from overthink.collect.session.prepare import Session
from overthink.data.record import StudyQuestion
from overthink.errors import InputError

_SHOWN = 3
"""Maximum number of missing questions that a message lists."""


def select_questions(
    session: Session, earlier: Mapping[str, Sequence[StudyQuestion]]
) -> tuple[Session, dict[str, tuple[StudyQuestion, ...]]]:
    """Return the session with every task's dataset reduced to the selected questions, each with its id.

    Args:
        session: The plan, opened.
        earlier: Questions of earlier runs, by task name in the pool.

    Returns:
        The session, and the selected questions by task: those of the whole study, of which a shard asks its own alone.

    Raises:
        InputError: A question of an earlier run is not in the dataset.
    """
    by_task = {name: tuple(questions) for name, questions in earlier.items()}
    tasks = []
    for task, name in zip(session.tasks, session.names, strict=True):
        task_copy, by_task[name] = select_task_questions(
            task, by_task.get(name, ()), name=name, limit=session.plan.limit
        )
        if session.shard is not None:
            own = [sample for sample in task_copy.dataset if session.shard.holds(name, str(sample.id))]
            task_copy.dataset = MemoryDataset(own)  # which may be empty, unlike the dataset of a task that is run
        tasks.append(task_copy)
    return replace(session, tasks=tuple(tasks)), by_task


def select_task_questions(
    task: Task, earlier: Sequence[StudyQuestion], *, name: str, limit: int | None
) -> tuple[Task, tuple[StudyQuestion, ...]]:
    """Return a copy of the task with its dataset reduced to the selected questions, and these questions.

    Questions are matched by the dataset's own ids; without one, by content.

    Args:
        task: The task; it is not modified.
        earlier: Questions of earlier runs.
        name: Its name, for messages.
        limit: Maximum number of questions; None for all.

    Raises:
        InputError: A question of an earlier run is not in the dataset.
    """
    samples = list(task.dataset)
    by_id = {str(sample.id): sample for sample in samples if sample.id is not None}
    by_words: dict[str, list[Sample]] = defaultdict(list)
    for sample in reversed(samples):
        if sample.id is None:
            by_words[_sha256(sample)].append(sample)
    chosen: list[tuple[StudyQuestion, Sample]] = []
    lost: list[StudyQuestion] = []
    for question in earlier:
        same = by_words[question.sha256]
        if question.has_own_id and str(question.id) in by_id:
            chosen.append((question, by_id[str(question.id)]))
        elif same and not question.has_own_id:
            chosen.append((question, same.pop()))
        else:
            lost.append(question)
    if lost:
        raise InputError(_message(name, lost, len(earlier)))
    chosen_ids = {id(sample) for _, sample in chosen}
    for sample in samples:
        if (limit is None or len(chosen) < limit) and id(sample) not in chosen_ids:
            own = sample.id is not None
            number = len(chosen) + 1 if sample.id is None else sample.id
            chosen.append((StudyQuestion(number, own, _sha256(sample)), sample))
    # copies: tasks may keep samples between openings, and an assigned id would look like the dataset's own
    samples_with_ids = [sample.model_copy(update={"id": question.id}) for question, sample in chosen]
    task_copy = task_with(copy(task), dataset=samples_with_ids)
    return task_copy, tuple(question for question, _ in chosen)


def _sha256(sample: Sample) -> str:
    """Return the SHA-256 of a question's content, independent of the order of its choices."""
    content = (
        sample.input if isinstance(sample.input, str) else [[message.role, message.text] for message in sample.input]
    )
    return hashlib.sha256(json.dumps([content, sorted(sample.choices or ())]).encode()).hexdigest()


def _message(name: str, lost: Sequence[StudyQuestion], n_earlier: int) -> str:
    ids = ", ".join(repr(question.id) for question in lost[:_SHOWN]) + (", …" if len(lost) > _SHOWN else "")
    message = (
        f"task {name}: {len(lost)} of the {n_earlier} questions that the study asked are not in its dataset any more"
    )
    if any(question.has_own_id for question in lost):
        return f"{message} (ids {ids}). Run the study with the dataset that it began with, or begin another in --out."
    return (
        f"{message} (numbers {ids}); they have no ids of their own, and nothing there says the same. If the task "
        "makes its questions anew every time, give them ids or a seed, and begin another study in --out."
    )
