"""Interpretation of the scores of foreign logs, from the user's options, the names of a task, or the known tasks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.scoring.known_tasks import INSPECT_EVALS_VERSION, TaskPolarity
from overthink.collect.scoring.polarity import find_polarity, stated_scale
from overthink.collect.scoring.score_values import DERIVED
from overthink.data.record import Axis
from overthink.data.safety_words import speaks_of_error, speaks_of_harm
from overthink.errors import InputError
from overthink.plan.stated_tasks import (
    StatedMeaning,
    StatedTask,
    TaskNames,
    axis_and_flip,
    doubt_text,
    options_text,
    refuse_contradictions,
    scorer_name,
    statements_of,
)

_N_SUMMARIES = 20
"""Samples whose score values are searched for keys; the header names the scorers of all."""

_MAX_ARGUMENT_CHARS = 60
"""Longest task argument that counts as a name; longer ones are texts, such as prompts."""


def task_names(log: OpenLog) -> TaskNames:
    """Return the names under which a user may write the task of a log.

    A registered task is `package/task`; one in a file is also `file.py@task`, with the folders as far as written.
    """
    spec = log.header.eval
    name = spec.task_registry_name or spec.task
    others = {spec.task}
    if spec.task_display_name:
        others.add(spec.task_display_name)
    if spec.task_file:
        parts = spec.task_file.replace("\\", "/").split("/")
        bare = TaskNames(name).bare
        others |= {f"{'/'.join(parts[start:])}@{bare}" for start in range(len(parts))}
    return TaskNames(name, frozenset(others))


def harmful_scorers(log: OpenLog, only: str | None) -> list[str]:
    """Return the scorers, `scorer` or `scorer.key`, whose names or metrics speak of harm.

    Args:
        log: The log.
        only: The one `scorer` or `scorer.key` that is read; None for all.
    """
    harmful = [name for name, names in _scorers(log).items() if any(map(speaks_of_harm, names))]
    return [name for name in harmful if only is None or name in (only, only.partition(".")[0])]


def harmful_name(log: OpenLog) -> str | None:
    """Return the first name of task, data set and task arguments that speaks of harm, with what it is the name of."""
    spec = log.header.eval
    location = (spec.dataset.location or "").replace("\\", "/").rpartition("/")[2]
    names = [
        ("task", spec.task_registry_name),
        ("task", spec.task),
        ("task", spec.task_display_name),
        ("dataset", spec.dataset.name),
        ("dataset", location),
        *(
            (f"argument {name}", value)
            for name, value in spec.task_args.items()
            if isinstance(value, str) and len(value) <= _MAX_ARGUMENT_CHARS
        ),
    ]
    return next((f"{what} {name}" for what, name in names if name and speaks_of_harm(name)), None)


def _scorers(log: OpenLog) -> dict[str, list[str]]:
    """Return by `scorer` or `scorer.key` the names that say what it measures: its own and its metrics'."""
    keys = _keys_of_values(log)
    names: dict[str, list[str]] = {}
    for scorer, own in keys.items():
        names |= {f"{scorer}.{key}": [scorer, key] for key in own} or {scorer: [scorer]}
    for definition in log.header.eval.scorers or ():
        if definition.name not in keys:
            names.setdefault(definition.name, [definition.name])
    for score in log.header.results.scores if log.header.results is not None else ():
        name = f"{score.scorer}.{score.name}" if score.name in keys.get(score.scorer, ()) else score.scorer
        names.setdefault(name, [name]).extend(metric.name for metric in score.metrics.values())
    return names


def _keys_of_values(log: OpenLog) -> dict[str, list[str]]:
    """Return the keys of the values of every scorer, from the first samples; none for plain values."""
    keys: dict[str, dict[str, None]] = {}
    for summary in log.summaries[:_N_SUMMARIES]:
        for name, score in (summary.scores or {}).items():
            own = keys.setdefault(name, {})
            if isinstance(score.value, dict):
                own |= dict.fromkeys(map(str, score.value))
    return {name: list(own) for name, own in keys.items()}


class PolarityFields(TypedDict, total=False):
    """The fields of :class:`~overthink.plan.stated_tasks.StatedMeaning` as keyword arguments."""

    axis: str | None
    high: str | None
    scorer: str | None
    tasks: tuple[StatedTask, ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Interpretation of the scores of one log.

    Attributes:
        axis: Axis of the values, which defines the meaning of 1.
        flip: A high score is the bad end of the axis.
        scorer: The `scorer` or `scorer.key` to read; None for all.
        derived_key: Key of the derived value to read; None if the value is stored.
        task: The task's name; with the deciding arguments if logs of one task differ in meaning.
        note: Source of the interpretation; None if given by the user.
        is_from_table: It is from the table of known tasks, not from the user.
    """

    axis: Axis
    flip: bool
    scorer: str | None
    derived_key: str | None
    task: str
    note: str | None
    is_from_table: bool = False

    @property
    def is_assumed(self) -> bool:
        """Nobody states it: neither the user nor the table of known tasks."""
        return self.note == _ASSUMED_NOTE


def meanings(logs: Sequence[OpenLog], options: StatedMeaning) -> list[list[Meaning]]:
    """Return the interpretations of every log, in order: one, or one for each stated scorer of its task.

    Raises:
        InputError: The user's options are invalid, or the meaning of a task's scores is unknown.
    """
    names = [task_names(log) for log in logs]
    stated = statements_of(options.tasks, names)
    options.refuse_several((task.name for task in names), "logs")
    results: list[list[Meaning]] = []
    unclear: dict[str, str] = {}
    for log, task in zip(logs, names, strict=True):
        own = _of_log(log, [statement for statement, fitting in stated.items() if task.name in fitting])
        doubt = None if own or options.axis is not None else _doubt(log, options.scorer)
        if doubt is not None:
            unclear.setdefault(task.name, f"{log.path.name}: {doubt}")
        elif own:
            results.append([_stated(log, statement) for statement in own])
        else:
            results.append([_meaning(log, options)])
    if unclear:
        raise InputError("; ".join(unclear.values()))
    by_task: dict[str, set[tuple[Axis, bool, str | None]]] = {}
    for meaning in (meaning for of_log in results for meaning in of_log):
        by_task.setdefault(meaning.task, set()).add((meaning.axis, meaning.flip, meaning.scorer))
    return [
        [_distinguish(meaning, log) if len(by_task[meaning.task]) > len(of_log) else meaning for meaning in of_log]
        for of_log, log in zip(results, logs, strict=True)
    ]


def _doubt(log: OpenLog, scorer: str | None) -> str | None:
    """Return why an unknown task is not read as capability: its names speak of harm or error; None if they do not."""
    spec = log.header.eval
    name = spec.task_registry_name or spec.task
    row = find_polarity(name, spec.task_args)
    if isinstance(row, str) or (isinstance(row, TaskPolarity) and scorer in (None, _scorer(row))):
        return None
    scorers = harmful_scorers(log, scorer)
    why = [*(f"scorer {own}" for own in scorers), *filter(None, [harmful_name(log)])]
    if not why:  # a metric of errors may stand beside an accuracy, and an argument may name a subject
        scorers = [
            own for own in _scorers(log) if speaks_of_error(own) and scorer in (None, own, own.partition(".")[0])
        ]
        why = [*(f"scorer {own}" for own in scorers), *([f"task {name}"] if speaks_of_error(name) else [])]
    return doubt_text(name, why[0], scorers[0] if scorers else scorer) if why else None


def _of_log(log: OpenLog, stated: Sequence[StatedTask]) -> Sequence[StatedTask]:
    """Return what is stated of the task with the arguments of this log.

    Where the table has the task on another axis for other arguments, a statement without scorer and polarity is of the
    logs with those arguments.

    Raises:
        InputError: The statements contradict each other.
    """
    spec = log.header.eval
    name = spec.task_registry_name or spec.task
    row = find_polarity(name, spec.task_args)
    if len(stated) > 1 and isinstance(row, TaskPolarity):
        stated = [task for task in stated if task.scorer or task.high or task.axis == row.axis]
    refuse_contradictions(stated, name)
    return stated


def _stated(log: OpenLog, task: StatedTask) -> Meaning:
    """Return the meaning that the user states for one task."""
    spec = log.header.eval
    scale = stated_scale(task, spec.task_registry_name or spec.task, spec.task_args)
    scorer = scorer_name(scale.scorer, scale.key)
    axis, flip = axis_and_flip(task.axis, scale.high)
    return Meaning(axis, flip, scorer, _derived_key(scorer), spec.task, None, is_from_table=task.scorer is None)


def _meaning(log: OpenLog, options: StatedMeaning) -> Meaning:
    spec = log.header.eval
    name = spec.task_registry_name or spec.task
    row = find_polarity(name, spec.task_args)
    if options.axis is None and options.high is None:
        if isinstance(row, str):
            raise InputError(
                f"{log.path.name}: it is not known what a high score of {name} means: {row}. If you know it, say it "
                f"with --axis, --high and --scorer, or of several tasks {options_text(name, options.scorer)}"
            )
        if isinstance(row, TaskPolarity):
            return _from_table(row, log, options)
        return Meaning(Axis.CAPABILITY, False, options.scorer, _derived_key(options.scorer), spec.task, _ASSUMED_NOTE)
    axis, flip = axis_and_flip(options.axis, options.high)
    scorer = options.scorer
    if scorer is None and isinstance(row, TaskPolarity) and row.axis == axis:
        scorer = _scorer(row)
    return Meaning(axis, flip, scorer, _derived_key(scorer), spec.task, None)


_ASSUMED_NOTE = (
    "Logs made by others do not say what they measure; they are read as capability, 1 = correct. "
    "State another axis with --axis and --high."
)


def _from_table(row: TaskPolarity, log: OpenLog, options: StatedMeaning) -> Meaning:
    spec = log.header.eval
    if options.scorer not in (None, _scorer(row)):
        if row.axis != Axis.CAPABILITY:
            raise InputError(
                f"{log.path.name}: it is known what {_scorer(row)} of {spec.task} means, and not {options.scorer}; "
                "say it with --axis and --high"
            )
        return Meaning(Axis.CAPABILITY, False, options.scorer, _derived_key(options.scorer), spec.task, _ASSUMED_NOTE)
    axis, flip = axis_and_flip(row.axis, row.high)
    package = (spec.task_registry_name or spec.task).partition("/")[0]
    source = (
        f"the table for inspect_evals {INSPECT_EVALS_VERSION}"
        if package == "inspect_evals"
        else "Overthink's own table"
    )
    version = spec.packages.get("inspect_evals") or spec.packages.get("inspect-evals")
    other = f" (the log was made with {version})" if version not in (None, INSPECT_EVALS_VERSION) else ""
    note = (
        f"Task {spec.task}: {row.axis}, a high {_scorer(row)} = {row.high}, from {source}{other}. {row.note}".rstrip()
    )
    return Meaning(axis, flip, _scorer(row), _derived_key(_scorer(row)), spec.task, note, is_from_table=True)


def _distinguish(meaning: Meaning, log: OpenLog) -> Meaning:
    """Return the meaning with the deciding arguments in the task's name, if they change what the task measures."""
    spec = log.header.eval
    row = find_polarity(spec.task_registry_name or spec.task, spec.task_args)
    if not isinstance(row, TaskPolarity) or not row.when:
        return meaning
    which = ", ".join(f"{name}={value}" for name, value in row.when.items())
    name = f"{meaning.task} ({which})"
    note = None if meaning.note is None else meaning.note.replace(meaning.task, name, 1)
    return replace(meaning, task=name, note=note)


def _scorer(row: TaskPolarity) -> str:
    return row.scorer + (f".{row.key}" if row.key else "")


def _derived_key(scorer: str | None) -> str | None:
    key = (scorer or "").partition(".")[2]
    return key if key in DERIVED else None
