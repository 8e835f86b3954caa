"""Tables in blocks of questions, so that what is worked out question by question needs no temporary table.

A temporary array of a block fits the processor's cache; one of a whole pool may be as large as the pool.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array
from overthink.data.outcomes import Outcomes

ENTRIES_AT_ONCE = 2**17
"""Entries of a table in a block, where one question has no more."""

Entry = TypeVar("Entry", bound=np.generic)


def by_question(function: Callable[..., NDArray[Entry]], *tables: NDArray[Any]) -> NDArray[Entry]:
    """Return ``function(*tables)`` of a function that works out every question by itself.

    Args:
        function: Takes blocks of the tables and returns an array with one entry per question.
        tables: (question, ...) each; the first is the largest.

    Example:
        >>> by_question(lambda cells: cells.sum(axis=1), np.ones((3, 4))).tolist()
        [4.0, 4.0, 4.0]
    """
    return _filled(
        len(tables[0]), (function(*(table[block] for table in tables)) for block in _blocks(tables[0].shape))
    )


def by_block(function: Callable[[Outcomes], NDArray[Entry]], outcomes: Outcomes) -> NDArray[Entry]:
    """Return ``function(outcomes)`` of a function that works out every question by itself."""
    return _filled(len(outcomes.questions), (function(block) for block in outcome_blocks(outcomes)))


def outcome_blocks(outcomes: Outcomes) -> Iterator[Outcomes]:
    """Yield the table in blocks of questions, as views and without its waves; a table without questions is one."""
    columns = ((field.name, getattr(outcomes, field.name)) for field in fields(outcomes))
    arrays = {name: column for name, column in columns if isinstance(column, np.ndarray)}
    for block in _blocks(outcomes.values.shape):
        rows: dict[str, Any] = {name: array[block] for name, array in arrays.items()}
        yield replace(outcomes, questions=outcomes.questions[block], waves=None, **rows)


def is_unknown(column: Array) -> bool:
    """Return whether a column of a table has no known entry; one that repeats a single number is not read.

    Example:
        >>> is_unknown(np.broadcast_to(np.nan, (9, 9))), is_unknown(np.array([np.nan, 1.0]))
        (True, False)
    """
    if column.size and not any(column.strides):
        return bool(np.isnan(column[(0,) * column.ndim]))
    return all(bool(np.isnan(column[block]).all()) for block in _blocks(column.shape))


def draw_sums(table: NDArray[Any]) -> Array:
    """Return the sum over draws, (question, rung), of a block (question, draw, rung).

    A product with ones: NumPy's sum over a middle axis takes seven times as long where rungs are few.
    """
    return np.asarray(np.ones(table.shape[1]) @ table.astype(np.float64, copy=False))


def known_draws(table: Array) -> NDArray[np.int64]:
    """Return the number of draws that are known, (question, rung), of (question, draw, rung).

    Example:
        >>> known_draws(np.array([[[1.0, np.nan], [0.0, 1.0]]])).tolist()
        [[2, 1]]
    """
    return by_question(lambda block: draw_sums(~np.isnan(block)).astype(np.int64), table)


def _blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    size = max(ENTRIES_AT_ONCE // max(int(np.prod(shape[1:])), 1), 1)
    for start in range(0, max(shape[0], 1), size):
        yield slice(start, start + size)


def _filled(n: int, parts: Iterator[NDArray[Entry]]) -> NDArray[Entry]:
    """Return the parts one after the other, written as they come."""
    first = next(parts)
    if len(first) == n:
        return first
    whole = np.empty((n, *first.shape[1:]), dtype=first.dtype)
    whole[: len(first)] = first
    start = len(first)
    for part in parts:
        whole[start : start + len(part)] = part
        start += len(part)
    return whole
