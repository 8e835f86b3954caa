"""Which column of a table names the question: an id that an answer has for itself names none."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from overthink.errors import InputError
from overthink.storage.tables.cells import texts

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}|[2-9A-HJ-NP-Za-km-z]{22}")
"""An id that nobody chose: UUIDs, with or without hyphens, and the 22 characters of Inspect's."""

_SAMPLE_OF_CELLS = 1000


class QuestionColumn(NamedTuple):
    """The column that names the question.

    Attributes:
        name: Its name.
        note: What the report says of the choice; empty where there was none.
    """

    name: str
    note: str = ""


def question_column(
    cells: pl.DataFrame, candidates: Sequence[str], *, draw: str | None, settings: Sequence[str] = ()
) -> QuestionColumn:
    """Return the first candidate that names questions: some of its values stand beside several draws or settings.

    Args:
        cells: The table without conversion.
        candidates: Columns that may name the question, the preferred one first.
        draw: Column that numbers draws; None without one.
        settings: Columns that set the amount of thinking.

    Raises:
        InputError: Each candidate has another value in each row, so that it names answers.

    Example:
        >>> table = pl.DataFrame({"uuid": ["a", "b", "c", "d"], "id": [1, 1, 2, 2], "epoch": [1, 2, 1, 2]})
        >>> question_column(table, ["uuid", "id"], draw="epoch").name
        'id'
    """
    first = candidates[0]
    draws = [draw] if draw is not None and _is_varying(cells[draw]) else []
    levels = draws or [name for name in settings if _is_varying(cells[name])]
    if not levels:
        return _of_single_answers(cells, candidates)
    for name in candidates:
        if _is_repeated(cells, name, levels):
            note = f"Questions are those of column {name}: {first} names answers, not questions."
            return QuestionColumn(name, note if name != first else "")
    if draws or looks_generated(cells[first]):
        raise InputError(
            f"column {first} names answers, not questions: none of its values stands beside a second "
            f"{' or '.join(levels)}. Needed: the question of each answer, in a column question"
        )
    return QuestionColumn(first)


def _of_single_answers(cells: pl.DataFrame, candidates: Sequence[str]) -> QuestionColumn:
    """Return the column of a table with neither several draws nor several settings."""
    first = candidates[0]
    chosen = next((name for name in candidates if not looks_generated(cells[name])), first)
    if chosen != first:
        return QuestionColumn(chosen, f"Questions are those of column {chosen}: the ids in {first} are generated ones.")
    if looks_generated(cells[first]) and cells[first].n_unique() == cells.height:
        return QuestionColumn(
            first,
            f"Each row is a question of its own: the ids in column {first} are generated ones, none of them twice. If "
            "they are those of answers, add a column question.",
        )
    return QuestionColumn(first)


def _is_varying(cells: pl.Series) -> bool:
    return texts(cells).n_unique() > 1


def looks_generated(cells: pl.Series) -> bool:
    """Return whether most cells are ids that a machine made up.

    Example:
        >>> looks_generated(pl.Series(["XCDHYXuG9ZPN8EYexpuGyS"])), looks_generated(pl.Series(["2024-Problem-01"]))
        (True, False)
    """
    stated = texts(cells.head(_SAMPLE_OF_CELLS)).drop_nulls()
    return len(stated) > 0 and sum(_UUID.fullmatch(cell) is not None for cell in stated) > 0.9 * len(stated)


def _is_repeated(cells: pl.DataFrame, name: str, levels: Sequence[str]) -> bool:
    """Return whether a value of a column stands beside several values of another one."""
    counts = cells.group_by(pl.col(name).alias("id")).agg(pl.col(level).n_unique() for level in levels)
    return any((counts[level] > 1).any() for level in levels)
