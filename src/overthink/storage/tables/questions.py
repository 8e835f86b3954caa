"""Questions of a table: which column names them, and whether one id stands for the same question in two tables."""

import hashlib
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from overthink.errors import InputError
from overthink.storage.tables.cells import column_key, texts, word_set
from overthink.storage.tables.columns import question_candidates
from overthink.storage.tables.table_files import column_names, is_table, read_cells

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


QUESTION_TEXTS = word_set(
    """prompt input input_text problem problem_text question_text instruction query user_prompt target gold expected
    expected_answer reference reference_answer ground_truth doc_hash prompt_hash target_hash"""
)
"""Names of columns that hold what a question asks, or its right answer: one text for each question."""

Digests = dict[str, frozenset[tuple[str, str]]]
"""Name of a column and hash of its text, by question."""


def table_digests(path: Path, questions: Collection[str]) -> Digests:
    """Return hashes of what the questions of a table ask; empty where no column says so.

    Args:
        path: The file; one that is no table says nothing.
        questions: Ids of the questions as they were read, which tell the column of the question.
    """
    names = column_names(path) if is_table(path) else []
    asked = [name for name in names if column_key(name) in QUESTION_TEXTS]
    candidates = question_candidates(names)
    if not asked or not candidates:
        return {}
    try:
        cells = read_cells(path, choose=lambda _: {*asked, *candidates})
        ids = next((ids for name in candidates if set(questions) <= set(ids := texts(cells[name]))), None)
    except InputError:
        return {}
    if ids is None:
        return {}
    digests: dict[str, set[tuple[str, str]]] = {}
    for name in asked:
        for question, text in zip(ids, cells[name], strict=True):
            if question is not None and text is not None:
                content = hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()
                digests.setdefault(question, set()).add((column_key(name), content))
    return {question: frozenset(own) for question, own in digests.items()}
