"""Pools of the simplest kind, from an array of values, and every subset of a pool by brute force."""

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from overthink.data.pool import SCHEMA, records_of
from overthink.data.record import ON_TRACE, Axis, Estimand, RungRecord
from overthink.data.verifier_scores import AnswerKey


def traced(pool: pl.LazyFrame) -> list[RungRecord]:
    """The rows of a pool without the places of their samples: Inspect calls the logs of each run otherwise."""
    return [replace(row, log=None, epoch=None) for row in records_of(pool)]


def pool(values: Any, **columns: Any) -> list[RungRecord]:
    """One row per (question, draw, rung) of an array; None or NaN values leave the row out.

    A column is one value for all rows, or an array of the same shape; NaN in it means None.
    """
    table = np.asarray(values, dtype=object)
    fixed: dict[str, Any] = {
        "study": "made",
        "arm": "base",
        "axis": Axis.CAPABILITY,
        "task": "sums",
        "scorer": "exact",
        "estimand": Estimand.FORCED,
    }
    cells = {name: _cells(name, column, table.shape) for name, column in (fixed | columns).items()}
    rows = []
    for (q, d, r), value, *row in zip(np.ndindex(table.shape), table.ravel(), *cells.values(), strict=True):
        if value is not None and value == value:
            named = dict(zip(cells, row, strict=True))
            rows.append(RungRecord(question=f"q{q:03}", draw=d, rung=r, value=float(value), **named))
    return rows


def _cells(name: str, column: Any, shape: tuple[int, ...]) -> list[Any]:
    """A column cell by cell, in the order of the rows."""
    if not isinstance(column, np.ndarray):
        return [_typed(name, column)] * math.prod(shape)
    return [_typed(name, cell) for cell in column[tuple(slice(size) for size in shape)].ravel()]


def _typed(name: str, value: Any) -> Any:
    """A cell of an array of floats as a cell of the column: a count is a whole number, NaN is None."""
    if not isinstance(value, float | np.generic):
        return value
    if isinstance(value, float) and np.isnan(value):
        return None
    kind = SCHEMA[name]
    return round(float(value)) if kind == pl.Int64 else bool(value) if kind == pl.Boolean else value


def mean_over_subsets(n: int, k: int, worth: Any) -> float:
    """Mean of ``worth(indices)`` over every subset of k of n draws."""
    found = [worth(list(chosen)) for chosen in combinations(range(n), k)]
    return float(np.mean(found))


def plurality(answers: list[int | None], right: int) -> float:
    """Chance that the right answer wins this vote: ties split evenly, None abstains, no vote is lost."""
    votes = [a for a in answers if a is not None]
    if not votes:
        return 0.0
    counts = {a: votes.count(a) for a in votes}
    winners = [a for a, c in counts.items() if c == max(counts.values())]
    return (right in winners) / len(winners)


def answer_key(row: RungRecord) -> AnswerKey:
    """The key of the answer that a row holds."""
    return row.task, row.arm, row.question, row.draw, row.requested_tokens or 0


def is_forced(row: RungRecord) -> bool:
    """Whether a row is a forced answer of the ladder, and no control."""
    return row.estimand is Estimand.FORCED and row.requested_tokens is not None and not row.scorer.endswith(ON_TRACE)
