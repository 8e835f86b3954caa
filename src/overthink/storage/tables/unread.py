"""Columns of a table that are not read, and may be settings in which answers to one question differ."""

from collections.abc import Callable, Collection, Mapping, Sequence

import polars as pl

from overthink.data.visible import name_list
from overthink.errors import InputError
from overthink.storage.tables.cells import column_key, texts, word_set
from overthink.storage.tables.columns import ALIASES
from overthink.storage.tables.draws import ANSWER_NAMES
from overthink.storage.tables.endings import FLAGS
from overthink.storage.tables.questions import QUESTION_TEXTS

_MOST_VALUES = 12
"""Distinct values of a column that may be a setting; a text or a measurement has more."""

_MOST_NAMES = 6

_NAMES_OF_AN_END = "If it says how an answer ended, call it finish_reason (a word) or truncated (true or false)."


def question_text_names(names: Sequence[str], *, question: str) -> list[str]:
    """Return the columns that hold what a question asks or its right answer, beside the column of the question."""
    return [name for name in names if name != question and column_key(name) in QUESTION_TEXTS]


def ending_candidates(names: Sequence[str], read: Collection[str]) -> list[str]:
    """Return the columns that may say in words how an answer ended: not read, and neither texts nor times."""
    return [name for name in unread_names(names, read) if column_key(name) not in QUESTION_TEXTS]


_DONE = word_set("done completed complete is_done is_complete is_completed finished is_finished ended")
"""Names of flags of which false may be a cut answer, or one that failed."""


def done_notes(table: pl.LazyFrame, names: Sequence[str]) -> list[str]:
    """Return a note on columns that say in true and false whether an answer was completed: that is no end.

    Args:
        table: The whole table.
        names: Columns that are not read.

    Example:
        >>> done_notes(pl.LazyFrame({"done": [True, False], "is_done": ["a", "b"]}), ["done", "is_done"])[0][:42]
        'Not read, as false may be an answer that w'
    """
    names = [name for name in names if column_key(name) in _DONE]
    schema = table.collect_schema()
    flags = [name for name in names if not schema[name].is_nested() and _is_flag(table.select(name))]
    if not flags:
        return []
    head = f"Not read, as false may be an answer that was cut or one that failed: {name_list(flags, _MOST_NAMES)}."
    means = (
        "If it means that a limit cut the answer, add a column truncated, true where it was cut; if it failed, error."
    )
    return [f"{head} {means}"]


def _is_flag(column: pl.LazyFrame) -> bool:
    cells = texts(column.unique().head(9).collect(engine="streaming").to_series()).drop_nulls().str.to_lowercase()
    return len(cells) > 0 and set(cells) <= FLAGS


_OF_A_RUN = ("model", "scorer", "budget", "effort")
"""Meanings of which a second column may contradict the first about which rows are alike."""


def refuse_disagreement(scan: Callable[[], pl.LazyFrame], names: Sequence[str], columns: Mapping[str, str]) -> None:
    """Raise an error where one value of a column that is read has several in another column of the same meaning.

    Args:
        scan: Gives the whole table; called only where two columns mean the same.
        names: Columns of the table.
        columns: Meaning → column that is read.

    Raises:
        InputError: There are such columns; both are named.
    """
    for meaning in _OF_A_RUN:
        first = columns.get(meaning)
        others = [name for name in names if name != first and column_key(name) in ALIASES[meaning]]
        if first is not None and first in names and others:
            table = scan()
            plain = [name for name in others if not table.collect_schema()[name].is_nested()]
            several = _differing(table, plain, [first])
            if several:
                raise InputError(
                    f"columns {first} and {name_list(several, _MOST_NAMES)} both name the {meaning} of a row and do "
                    f"not agree: rows of one {first} have several values there. Needed: one column that says which "
                    "rows are alike, so leave the wrong one out, or rename it to what it is"
                )


def text_notes(table: pl.LazyFrame, names: Sequence[str], *, question: str, apart: Sequence[str] = ()) -> list[str]:
    """Return a note on columns that hold several texts for one question; none where each question has its own.

    Args:
        table: The whole table.
        names: Columns that hold such texts.
        question: Column of the question.
        apart: Columns that keep curves apart.

    Example:
        >>> rows = pl.LazyFrame({"id": [1, 2, 1, 2], "budget": [8, 8, 9, 9], "prompt": ["a", "b", "a", "c"]})
        >>> text_notes(rows, ["prompt"], question="id")[0][:54]
        'Answers to one question have several texts in: prompt.'
    """
    schema = table.collect_schema()
    several = _differing(table, [name for name in names if not schema[name].is_nested()], [question, *apart])
    if not several:
        return []
    head = f"Answers to one question have several texts in: {name_list(several, _MOST_NAMES)}."
    means = "If one id stands for several questions, differences are not paired by question; if the text is a setting,"
    return [f"{head} {means} the curve shows that, too."]


def unread_names(names: Sequence[str], read: Collection[str]) -> list[str]:
    """Return the columns that are not read, and whose names are not those of what one answer was or took."""
    return [name for name in names if name not in read and column_key(name) not in ANSWER_NAMES]


def unread_notes(
    table: pl.LazyFrame, names: Sequence[str], *, question: str, levels: Sequence[str], apart: Sequence[str] = ()
) -> list[str]:
    """Return notes on columns that were not read and differ between answers to one question.

    Args:
        table: The whole table.
        names: Columns that are not read.
        question: Column of the question.
        levels: Columns that set the amount of thinking.
        apart: Columns that keep curves apart.

    Example:
        >>> rows = pl.LazyFrame({"id": [1, 2, 1, 2], "budget": [8, 8, 9, 9], "llm": ["a", "a", "b", "b"]})
        >>> unread_notes(rows, ["llm"], question="id", levels=["budget"])[0][:69]
        'Not read, though one value at each budget and another at others: llm.'
    """
    schema = table.collect_schema()
    plain = [name for name in names if not schema[name].is_nested()]
    few = _number_of_values(table, plain)
    names = [name for name in plain if 1 < few[name] <= _MOST_VALUES]
    within = _differing(table, names, [question, *levels, *apart])
    between = _differing(table, names, apart) if levels else []
    at_levels = _differing(table, between, [*levels, *apart])
    along = [name for name in between if name not in at_levels]
    notes = []
    if along:
        notes.append(
            f"Not read, though one value at each {' and '.join(levels)} and another at others: "
            f"{name_list(along, _MOST_NAMES)}. If that is a setting beside the amount of thinking, the curve shows "
            f"both; state it in a column config. {_NAMES_OF_AN_END}"
        )
    if within:
        notes.append(
            "Not read, though different in draws of one question at one setting: "
            f"{name_list(within, _MOST_NAMES)}. If that is a setting, the draws are not alike; call it arm, task, "
            f"scorer, or a key of config. {_NAMES_OF_AN_END}"
        )
    return notes


def _number_of_values(table: pl.LazyFrame, names: Sequence[str]) -> dict[str, int]:
    if not names:
        return {}
    return table.select(pl.col(names).approx_n_unique()).collect(engine="streaming").row(0, named=True)


def _differing(table: pl.LazyFrame, names: Sequence[str], by: Sequence[str]) -> list[str]:
    """Return the columns with several values within a group of equal cells in some columns."""
    if not names:
        return []
    keys = [pl.col(name).alias(f"by {i}") for i, name in enumerate(by)]
    cells = table.select(*keys, pl.lit(0).alias("by"), *(pl.col(name) for name in names))
    several = cells.group_by(pl.col("^by.*$")).agg(
        (pl.col(name).min() != pl.col(name).max()).alias(name) for name in names
    )
    row = several.select(pl.col(name).any() for name in names).collect(engine="streaming").row(0)
    return [name for name, differs in zip(names, row, strict=True) if differs]
