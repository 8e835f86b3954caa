"""Axis and polarity of a table's rows: by its own column, by what the user states, or else capability."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from overthink.data.harm_words import speaks_of_harm
from overthink.data.record import Axis, ScorePolarity
from overthink.errors import InputError
from overthink.plan.stated_tasks import (
    StatedTask,
    TaskNames,
    doubt_text,
    refuse_contradictions,
    statements_of,
)
from overthink.plan.study import HIGH_WORDS


@dataclass(frozen=True, slots=True)
class Meaning:
    """Properties that a table does not state.

    Attributes:
        axis: Axis of its one task; None if not given.
        high: Meaning of a high value there; None if not given.
        tasks: What is stated of single tasks, instead of both.
        scorer: The one scorer whose scores are read; None for all, one curve each.
    """

    axis: str | None = None
    high: str | None = None
    tasks: tuple[StatedTask, ...] = ()
    scorer: str | None = None


@dataclass(frozen=True, slots=True)
class TableAxes:
    """Rows with their axes.

    Attributes:
        rows: The rows that are read, with the columns ``axis`` and ``flip``: whether 1 is the bad end.
        notes: Sentences for the report: an assumption, rows that are not read.
        stated: Options that named a task of the table.
        polarity: What high values mean, as far as it is stated.
    """

    rows: pl.DataFrame
    notes: tuple[str, ...] = ()
    stated: frozenset[str] = frozenset()
    polarity: tuple[ScorePolarity, ...] = ()


_ASSUMED_NOTE = "The table states no axis; it is read as capability, 1 = correct. State another one with --axis."


def with_axes(rows: pl.DataFrame, options: Meaning, *, column: str | None) -> TableAxes:
    """Return the rows of a table with axis and polarity.

    Args:
        rows: The typed columns of the table, with ``task``, ``scorer`` and ``axis``.
        options: What the user states.
        column: The column in which the table states its axis; None for none.

    Raises:
        InputError: The options are invalid or contradict the table, or a task whose axis nothing states has a name that
            speaks of harm.
    """
    polarity = read_axis(options.axis, options.high)
    scorers = _scorers_of(rows)
    stated = statements_of(options.tasks, [TaskNames(task) for task in scorers])
    own = {task: [one for one, names in stated.items() if task in names] for task in scorers}
    options_of_table = frozenset(one.option() for one, names in stated.items() if names)
    if column is not None:
        _refuse_stated(column, options, own)
        named = rows.select("axis", "task", "scorer").unique(maintain_order=True).iter_rows()
        good = tuple(ScorePolarity(axis, task, scorer, HIGH_WORDS[axis][0]) for axis, task, scorer in named)
        return TableAxes(rows.with_columns(flip=pl.lit(value=False)), (), options_of_table, good)
    if options.axis is not None:
        _refuse_several(options, list(scorers))
    else:
        _refuse_doubtful({task: names for task, names in scorers.items() if not own[task]})
    scales: dict[tuple[str, str], tuple[str, bool]] = {}
    for task, names in scorers.items():
        scales |= _scales(task, names, own[task]) if own[task] else {(task, name): polarity for name in names}
    notes = [_ASSUMED_NOTE] if options.axis is None and not all(own.values()) else []
    notes += _unread(scorers, scales)
    stated_scales = {key: scale for key, scale in scales.items() if own[key[0]] or options.axis is not None}
    high = (
        ScorePolarity(axis, task, scorer, HIGH_WORDS[axis][flip])
        for (task, scorer), (axis, flip) in stated_scales.items()
    )
    return TableAxes(_joined(rows, scales), tuple(notes), options_of_table, tuple(high))


def read_axis(axis: str | None, high: str | None) -> tuple[str, bool]:
    """Return the axis of values, and whether 1 is its bad end; capability if nothing is given.

    Raises:
        InputError: The axis is unknown, or the word is not one of its two ends.
    """
    if axis is None:
        if high is not None:
            raise InputError(f"high={high} was given without an axis; needed: {' | '.join(HIGH_WORDS)}")
        return Axis.CAPABILITY.value, False
    if axis not in HIGH_WORDS:
        raise InputError(f"unknown axis {axis!r}; needed: {' | '.join(HIGH_WORDS)}")
    good, bad = HIGH_WORDS[axis]
    if high is None and axis == Axis.CAPABILITY:
        return axis, False
    if high not in (good, bad):
        raise InputError(f"a high value on the {axis} axis may mean {good} or {bad}; seen: {high}; say which")
    return axis, high == bad


def _scorers_of(rows: pl.DataFrame) -> dict[str, list[str]]:
    """Return the scorers of every task, in the table's order."""
    scorers: dict[str, list[str]] = {}
    for task, scorer in rows.select("task", "scorer").unique(maintain_order=True).iter_rows():
        scorers.setdefault(task, []).append(scorer)
    return scorers


def _refuse_stated(column: str, options: Meaning, own: dict[str, list[StatedTask]]) -> None:
    """Raise an error for an option on the axis of a table that states it."""
    if options.axis is not None:
        raise InputError(f"the table states its axis in column {column!r}; leave the given {options.axis!r} out")
    for task in (one for of_task in own.values() for one in of_task):
        raise InputError(f"the table states its axis in column {column!r}; leave {task.option()} out")


def _refuse_several(options: Meaning, tasks: Sequence[str]) -> None:
    if len(tasks) > 1:
        examples = " ".join(f"--{options.axis} {task}:high={options.high or 'correct'}" for task in tasks[:2])
        raise InputError(
            f"--axis {options.axis} is for a table of one task, and there are {len(tasks)}: {', '.join(tasks[:8])}; "
            f"needed: the axis of each, as {examples}"
        )


def _refuse_doubtful(scorers: dict[str, list[str]]) -> None:
    """Raise an error for the tasks that are not read as capability, because their names speak of harm."""
    doubts = []
    for task, names in scorers.items():
        harmful = [name for name in names if speaks_of_harm(name)]
        if harmful or speaks_of_harm(task):
            why = f"scorer {harmful[0]}" if harmful else f"task {task}"
            doubts.append(doubt_text(task, why, harmful[0] if harmful else names[0] if len(names) > 1 else None))
    if doubts:
        raise InputError("; ".join(doubts))


def _scales(task: str, names: Sequence[str], stated: Sequence[StatedTask]) -> dict[tuple[str, str], tuple[str, bool]]:
    """Return axis and polarity of the scorers of a task that are read, as the user states them."""
    refuse_contradictions(stated, task)
    scales: dict[tuple[str, str], tuple[str, bool]] = {}
    for one in stated:
        if one.high is None and one.axis != "capability":
            choices = " or ".join(one.option(word) for word in HIGH_WORDS[one.axis])
            raise InputError(f"{one.option()} does not say what a high value of {task} means; needed: {choices}")
        if one.scorer_name is not None and one.scorer_name not in names:
            raise InputError(f"task {task} has no scorer {one.scorer_name!r}; it has: {', '.join(names)}")
        if one.scorer_name is None and len(names) > 1 and one.axis != "capability":
            raise InputError(
                f"task {task} has several scores ({', '.join(names)}); on the {one.axis} axis name the one to read"
            )
        read = names if one.scorer_name is None else [one.scorer_name]
        scales |= {(task, name): read_axis(one.axis, one.high) for name in read}
    return scales


def _unread(scorers: dict[str, list[str]], scales: dict[tuple[str, str], tuple[str, bool]]) -> list[str]:
    """Return a note on each task of which some scorers are not read."""
    missing = {task: [name for name in names if (task, name) not in scales] for task, names in scorers.items()}
    return [
        f"Task {task}: scores that no option names were not read: {', '.join(m)}." for task, m in missing.items() if m
    ]


def _joined(rows: pl.DataFrame, scales: dict[tuple[str, str], tuple[str, bool]]) -> pl.DataFrame:
    """Return the rows of these tasks and scorers with axis and polarity, in their order."""
    distinct = set(scales.values())
    if len(distinct) == 1 and len(scales) == rows.select("task", "scorer").n_unique():
        ((axis, flip),) = distinct
        return rows.with_columns(axis=pl.lit(axis), flip=pl.lit(flip))
    cells = [(*key, *scale) for key, scale in scales.items()]
    schema = {"task": pl.String, "scorer": pl.String, "axis": pl.String, "flip": pl.Boolean}
    table = pl.DataFrame(cells, schema=schema, orient="row")
    return rows.drop("axis").join(table, on=["task", "scorer"], how="inner", maintain_order="left")
