"""Which questions of a task are asked: those that the study asked before, and then others in the dataset's order.

A dataset that its author shuffles without a seed comes in another order every time it is opened. With a limit, other
questions would then be asked when a study goes on, or another question under the number of an earlier one.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace

from inspect_ai import Task, task_with
from inspect_ai.dataset import Sample

from overthink.collect.opened import Opened
from overthink.core.asked_question import AskedQuestion
from overthink.errors import InputError

_SHOWN = 3
"""Lost questions that a message names."""


def as_asked(
    opened: Opened, there: Mapping[str, Sequence[AskedQuestion]]
) -> tuple[Opened, dict[str, tuple[AskedQuestion, ...]]]:
    """The plan with every task's dataset reduced to the questions that are asked, each with its id.

    Args:
        opened: The plan, opened.
        there: By task, as the pool names it: what the study asked before.

    Returns:
        The same, and by task what is asked now.

    Raises:
        InputError: A question that was asked before is not there any more.
    """
    known = {name: tuple(questions) for name, questions in there.items()}
    tasks = []
    for task, name in zip(opened.tasks, opened.names, strict=True):
        made, known[name] = asked_of(task, known.get(name, ()), name=name, limit=opened.plan.limit)
        tasks.append(made)
    return replace(opened, tasks=tuple(tasks)), known


def asked_of(
    task: Task, there: Sequence[AskedQuestion], *, name: str, limit: int | None
) -> tuple[Task, tuple[AskedQuestion, ...]]:
    """One task with its dataset reduced to the questions that are asked.

    A question is known again by the id that its author gave it; without one, by what it says.

    Args:
        task: The task; it is left as it is.
        there: What was asked before.
        name: Its name, for messages.
        limit: Most questions; None for all.

    Raises:
        InputError: A question that was asked before is not there any more.
    """
    samples = list(task.dataset)
    by_id = {str(sample.id): sample for sample in samples if sample.id is not None}
    by_words: dict[str, list[Sample]] = defaultdict(list)
    for sample in reversed(samples):
        if sample.id is None:
            by_words[_sha256(sample)].append(sample)
    chosen: list[tuple[AskedQuestion, Sample]] = []
    lost: list[AskedQuestion] = []
    for question in there:
        same = by_words[question.sha256]
        if question.has_own_id and str(question.id) in by_id:
            chosen.append((question, by_id[str(question.id)]))
        elif same and not question.has_own_id:
            chosen.append((question, same.pop()))
        else:
            lost.append(question)
    if lost:
        raise InputError(_message(name, lost, len(there)))
    taken = {id(sample) for _, sample in chosen}
    for sample in samples:
        if (limit is None or len(chosen) < limit) and id(sample) not in taken:
            own = sample.id is not None
            number = len(chosen) + 1 if sample.id is None else sample.id
            chosen.append((AskedQuestion(number, own, _sha256(sample)), sample))
    # copies: authors keep samples between openings, and an id of ours would look like theirs
    named = [sample.model_copy(update={"id": question.id}) for question, sample in chosen]
    made = task_with(copy(task), dataset=named)
    return made, tuple(question for question, _ in chosen)


def _sha256(sample: Sample) -> str:
    """Of what a question says; the order of its choices is no part of that."""
    said = sample.input if isinstance(sample.input, str) else [[one.role, one.text] for one in sample.input]
    return hashlib.sha256(json.dumps([said, sorted(sample.choices or ())]).encode()).hexdigest()


def _message(name: str, lost: Sequence[AskedQuestion], asked: int) -> str:
    shown = ", ".join(repr(question.id) for question in lost[:_SHOWN]) + (", …" if len(lost) > _SHOWN else "")
    message = f"task {name}: {len(lost)} of the {asked} questions that the study asked are not in its dataset any more"
    if any(question.has_own_id for question in lost):
        return f"{message} (ids {shown}). Run the study with the dataset that it began with, or begin another in --out."
    return (
        f"{message} (numbers {shown}); they have no ids of their own, and nothing there says the same. If the task "
        "makes its questions anew every time, give them ids or a seed, and begin another study in --out."
    )
