"""Axis and polarity of a table's rows: by its own column, by what the user states, or else capability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from overthink.data.record import Axis, ScorePolarity
from overthink.data.safety_words import leaves_polarity_open
from overthink.errors import InputError
from overthink.plan.stated_tasks import (
    StatedMeaning,
    StatedTask,
    TaskNames,
    axis_and_flip,
    choice_text,
    doubt_text,
    refuse_contradictions,
    statements_of,
)
from overthink.plan.study import HIGH_WORDS


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


NAMES_BESIDE = ("dataset", "dataset_name", "benchmark", "metric", "metric_name", "subset")
"""Columns that are not read where others name task and scorer, and that say what a task is about."""


def harmful_beside(cells: pl.DataFrame, columns: Sequence[str], task: str | pl.Expr) -> dict[str, str]:
    """Return by task the first cell of columns that are not read that speaks of harm or error, with the column's name.

    Args:
        cells: The table.
        columns: The columns.
        task: The column of the task, or its one name.

    Example:
        >>> harmful_beside(pl.DataFrame({"task": ["a", "b"], "metric": ["accuracy", "toxicity"]}), ["metric"], "task")
        {'b': 'metric toxicity'}
    """
    named = pl.col(task) if isinstance(task, str) else task
    harmful: dict[str, str] = {}
    for column in columns:
        pairs = cells.select(named.cast(pl.String).str.strip_chars().alias("task"), pl.col(column).cast(pl.String))
        for name, cell in pairs.unique(maintain_order=True).drop_nulls().iter_rows():
            if leaves_polarity_open(cell):
                harmful.setdefault(name, f"{column} {cell}")
    return harmful


def with_axes(
    rows: pl.DataFrame, options: StatedMeaning, *, column: str | None, beside: Mapping[str, str] | None = None
) -> TableAxes:
    """Return the rows of a table with axis and polarity.

    Args:
        rows: The typed columns of the table, with ``task``, ``scorer`` and ``axis``.
        options: What the user states.
        column: The column in which the table states its axis; None for none.
        beside: What else speaks of harm or error, by task, from :func:`harmful_beside`.

    Raises:
        InputError: The options are invalid or contradict the table, or a task whose axis nothing states has a name that
            speaks of harm or error.
    """
    polarity = axis_and_flip(options.axis, options.high)
    scorers = _scorers_of(rows)
    stated = statements_of(options.tasks, [TaskNames(task) for task in scorers])
    own = {task: [one for one, names in stated.items() if task in names] for task in scorers}
    options_of_table = frozenset(one.option() for one, names in stated.items() if names)
    if column is not None:
        _refuse_stated(column, options, own)
        named = rows.select("axis", "task", "scorer").unique(maintain_order=True).iter_rows()
        good = tuple(ScorePolarity(axis, task, scorer, HIGH_WORDS[axis][0]) for axis, task, scorer in named)
        return TableAxes(rows.with_columns(flip=pl.lit(value=False)), (), options_of_table, good)
    options.refuse_several(scorers, "a table")
    if options.axis is None:
        _refuse_doubtful({task: names for task, names in scorers.items() if not own[task]}, beside or {})
    scales: dict[tuple[str, str], tuple[Axis, bool]] = {}
    for task, names in scorers.items():
        scales |= _scales(task, names, own[task]) if own[task] else {(task, name): polarity for name in names}
    notes = [_ASSUMED_NOTE] if options.axis is None and not all(own.values()) else []
    notes += _unread(scorers, scales)
    stated_scales = {key: scale for key, scale in scales.items() if own[key[0]] or options.axis is not None}
    high = (
        ScorePolarity(axis.value, task, scorer, HIGH_WORDS[axis][flip])
        for (task, scorer), (axis, flip) in stated_scales.items()
    )
    return TableAxes(_joined(rows, scales), tuple(notes), options_of_table, tuple(high))


def _scorers_of(rows: pl.DataFrame) -> dict[str, list[str]]:
    """Return the scorers of every task, in the table's order."""
    scorers: dict[str, list[str]] = {}
    for task, scorer in rows.select("task", "scorer").unique(maintain_order=True).iter_rows():
        scorers.setdefault(task, []).append(scorer)
    return scorers


def _refuse_stated(column: str, options: StatedMeaning, own: dict[str, list[StatedTask]]) -> None:
    """Raise an error for an option on the axis of a table that states it."""
    if options.axis is not None:
        raise InputError(f"the table states its axis in column {column!r}; leave the given {options.axis!r} out")
    for task in (one for of_task in own.values() for one in of_task):
        raise InputError(f"the table states its axis in column {column!r}; leave {task.option()} out")


def _refuse_doubtful(scorers: Mapping[str, list[str]], beside: Mapping[str, str]) -> None:
    """Raise an error for the tasks that are not read as capability, as their names speak of harm or error."""
    doubts = []
    for task, names in scorers.items():
        harmful = [name for name in names if leaves_polarity_open(name)]
        if harmful or leaves_polarity_open(task) or task in beside:
            why = f"scorer {harmful[0]}" if harmful else beside.get(task, f"task {task}")
            doubts.append(doubt_text(task, why, harmful[0] if harmful else names[0] if len(names) > 1 else None))
    if doubts:
        raise InputError("; ".join(doubts))


def _scales(task: str, names: Sequence[str], stated: Sequence[StatedTask]) -> dict[tuple[str, str], tuple[Axis, bool]]:
    """Return axis and polarity of the scorers of a task that are read, as the user states them."""
    refuse_contradictions(stated, task)
    scales: dict[tuple[str, str], tuple[Axis, bool]] = {}
    for one in stated:
        if one.high is None and one.axis != "capability":
            choices = " or ".join(one.option(word) for word in HIGH_WORDS[one.axis])
            raise InputError(f"{one.option()} does not say what a high value of {task} means; needed: {choices}")
        if one.scorer_name is not None and one.scorer_name not in names:
            raise InputError(f"task {task} has no scorer {one.scorer_name!r}; it has: {', '.join(names)}")
        if one.scorer_name is None and len(names) > 1 and one.axis != "capability":
            raise InputError(choice_text(task, names, one.axis))
        read = names if one.scorer_name is None else [one.scorer_name]
        scales |= {(task, name): axis_and_flip(one.axis, one.high) for name in read}
    return scales


def _unread(scorers: dict[str, list[str]], scales: dict[tuple[str, str], tuple[Axis, bool]]) -> list[str]:
    """Return a note on each task of which some scorers are not read."""
    missing = {task: [name for name in names if (task, name) not in scales] for task, names in scorers.items()}
    return [
        f"Task {task}: scores that no option names were not read: {', '.join(m)}." for task, m in missing.items() if m
    ]


def _joined(rows: pl.DataFrame, scales: dict[tuple[str, str], tuple[Axis, bool]]) -> pl.DataFrame:
    """Return the rows of these tasks and scorers with axis and polarity, in their order."""
    distinct = set(scales.values())
    if len(distinct) == 1 and len(scales) == rows.select("task", "scorer").n_unique():
        ((axis, flip),) = distinct
        return rows.with_columns(axis=pl.lit(axis.value), flip=pl.lit(flip))
    cells = [(*key, axis.value, flip) for key, (axis, flip) in scales.items()]
    schema = {"task": pl.String, "scorer": pl.String, "axis": pl.String, "flip": pl.Boolean}
    table = pl.DataFrame(cells, schema=schema, orient="row")
    return rows.drop("axis").join(table, on=["task", "scorer"], how="inner", maintain_order="left")
