"""Cells of the rows of a pool: where each row of a curve stands in its table of question × draw × rung."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overthink.data.arrays import blank
from overthink.data.pool import COLUMNS, CURVE, ROW_KEY, SCHEMA, Pool, codes, in_memory, read, words_of
from overthink.data.record import Verdict
from overthink.errors import InputError

DType = TypeVar("DType", bound=np.generic)

MAX_EMPTY_CELLS = 5_000_000
"""Maximum number of empty cells; a table with more has draws that are not numbered within their question."""

_MAX_SPAN = 1 << 20
"""Span of whole numbers up to which a table of those that occur replaces a sort."""

_MAX_CODE = 2**62

_Ladder = tuple[tuple[int, int | None, str | None, tuple[str | None, ...]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class CurveCells:
    """The rows of one curve, and their cells.

    Attributes:
        labels: Labels of the curve, by column.
        study: Sources of its rows.
        questions: Question ids, sorted.
        draws: Draw numbers, sorted.
        ladder: Index, requested tokens, effort and conditions of every rung, lowest first.
        rows: Positions of its rows in the pool.
        cell: Flat cell of each of them; None where the rows are all cells, in their order.
    """

    labels: Mapping[str, str]
    study: str
    questions: tuple[str, ...]
    draws: tuple[int, ...]
    ladder: _Ladder
    rows: slice | NDArray[np.intp]
    cell: NDArray[np.intp] | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of questions, draws and rungs."""
        return len(self.questions), len(self.draws), len(self.ladder)

    @property
    def where(self) -> str:
        """The curve in an error's words."""
        return _where(self.labels)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Whether a cell has a row, (question, draw, rung)."""
        if self.cell is None:
            return np.ones(self.shape, dtype=np.bool_)
        observed = np.zeros(int(np.prod(self.shape)), dtype=np.bool_)
        observed[self.cell] = True
        return observed.reshape(self.shape)

    def spread(self, column: NDArray[DType], empty: float) -> NDArray[DType]:
        """Return the curve's part of a column of the pool as a table.

        Args:
            column: One value per row of the pool.
            empty: Value of a cell without a row.

        Returns:
            (question, draw, rung); read-only and without memory of its own where no cell differs from ``empty``.
        """
        values = column[self.rows]
        if _is_all(values, empty):
            return blank(self.shape, empty, values.dtype)
        if self.cell is None:
            return values.reshape(self.shape)
        table = np.full(int(np.prod(self.shape)), empty, dtype=values.dtype)
        table[self.cell] = values
        return table.reshape(self.shape)


def _is_all(values: NDArray[Any], empty: float) -> bool:
    """Whether no value differs; most columns differ at once."""
    parts = (values[:64], values)
    return all((np.isnan(part) if np.isnan(empty) else part == empty).all() for part in parts)


def curve_cells(pool: Pool) -> list[CurveCells]:
    """Return the curves of a pool, sorted by their labels.

    Args:
        pool: Rows in any order; it has the columns of :data:`~overthink.data.pool.SCHEMA` that name a row.

    Raises:
        InputError: A question, draw and rung of a curve occurs twice, a rung was requested at two budgets, or draws
            are numbered so that a table would be almost empty.
    """
    keys = read(pool.group_by(*CURVE, "study").agg()).group_by(CURVE).agg("study").sort(CURVE)
    if not keys.height:
        return []
    ladders = _ladders(pool)
    (questions,) = words_of(pool, "question")
    question = column(pool, codes("question", questions))
    draw, rung = column(pool, pl.col("draw")), column(pool, pl.col("rung"))
    result = []
    for labels, rows in zip(keys.iter_rows(named=True), _rows(pool, keys), strict=True):
        study = ", ".join(sorted(labels.pop("study")))
        own, place = _positions(question[rows])
        draws, draw_place = _positions(draw[rows])
        rungs, rung_place = _positions(rung[rows])
        shape = len(own), len(draws), len(rungs)
        _check_size(labels, shape, len(place))
        cell = place.astype(np.intp)
        for size, position in ((shape[1], draw_place), (shape[2], rung_place)):
            cell *= size
            cell += position
        ladder = _ladder(labels, ladders[tuple(labels.values())])
        texts = tuple(questions[own].to_list())
        occupied = _checked(cell, labels, (texts, draws.tolist(), rungs.tolist()))
        result.append(CurveCells(labels, study, texts, tuple(draws.tolist()), ladder, rows, occupied))
    return result


def column(pool: Pool, expression: pl.Expr) -> NDArray[Any]:
    """Return one column of a pool as an array, rows in their order; it has no empty cell."""
    series = read(pool.select(expression.alias("column"))).to_series()
    chunks = series.get_chunks()
    if len(chunks) == 1:
        return series.to_numpy()
    array = np.empty(len(series), dtype=chunks[0].to_numpy().dtype if chunks else np.float64)
    start = 0
    for chunk in chunks:
        array[start : start + len(chunk)] = chunk.to_numpy()
        start += len(chunk)
    return array


def numbers(pool: Pool, curves: Sequence[CurveCells], name: str) -> list[NDArray[np.float64]]:
    """Return a column of numbers as one table per curve; NaN where unknown, and where a count is below 0."""
    if not _has_cells(pool, name):
        return [blank(curve.shape, np.nan, np.float64) for curve in curves]
    number = pl.col(name).cast(pl.Float64)
    if name.endswith(("tokens", "seconds")):
        number = pl.when(number >= 0).then(number)
    array = column(pool, number.fill_null(np.nan))
    return [curve.spread(array, np.nan) for curve in curves]


def answers(pool: Pool, curves: Sequence[CurveCells]) -> list[NDArray[np.int32]]:
    """Return the answers as one table of codes per curve; -1 where there is none.

    Codes are positions among the curve's sorted answers, so that they do not depend on the order of the rows.
    """
    if not _has_cells(pool, "answer"):
        return [blank(curve.shape, -1, np.int32) for curve in curves]
    code = codes("answer", *words_of(pool, "answer")).cast(pl.Int32)
    array = column(pool, code.fill_null(-1))
    return [_ranks(curve.spread(array, -1)) for curve in curves]


def verdicts(pool: Pool, curves: Sequence[CurveCells]) -> list[NDArray[np.int8]]:
    """Return the verdicts as one table of positions in the closed list per curve; -1 where there is none.

    A row with an error and no verdict is an errored one.
    """
    if not _has_cells(pool, "verdict") and not _has_cells(pool, "error"):
        return [blank(curve.shape, -1, np.int8) for curve in curves]
    errored = pl.col("verdict").is_null() & pl.col("error").is_not_null()
    word = pl.when(errored).then(pl.lit(str(Verdict.ERRORED))).otherwise(pl.col("verdict"))
    code = word.cast(pl.Enum([str(verdict) for verdict in Verdict])).to_physical().cast(pl.Int8)
    array = column(pool, code.fill_null(-1))
    return [curve.spread(array, -1) for curve in curves]


def _has_cells(pool: Pool, name: str) -> bool:
    if isinstance(pool, pl.DataFrame):
        return pool[name].null_count() < pool.height
    return bool(read(pool.select(pl.col(name).count() > 0)).item())


def checked_columns(pool: Pool) -> Pool:
    """Return the columns of a row, in memory where there are few rows.

    Raises:
        InputError: A column is missing.
    """
    names = pool.collect_schema().names()
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InputError(
            f"the pool has no column {', '.join(missing)} (seen: {', '.join(names)[:300]}); needed: all of "
            f"{', '.join(COLUMNS)}, empty where unknown"
        )
    return in_memory(pool.select(COLUMNS))


def _rows(pool: Pool, keys: pl.DataFrame) -> list[slice | NDArray[np.intp]]:
    """Return the positions of the rows of every curve: a slice wherever they stand together."""
    if keys.height == 1:
        return [slice(None)]
    code = pl.lit(0, dtype=pl.Int64)
    for name in CURVE:
        words = keys[name].unique().sort()
        code = code * len(words) + codes(name, words).cast(pl.Int64)
    curve = np.searchsorted(keys.select(code.alias("code")).to_series().to_numpy(), column(pool, code))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(curve)) + 1])
    if len(starts) == keys.height:
        ends = [*starts[1:].tolist(), len(curve)]
        slices = {int(curve[start]): slice(int(start), end) for start, end in zip(starts, ends, strict=True)}
        return [slices[number] for number in range(keys.height)]
    order = np.argsort(curve, kind="stable")
    return [*np.split(order, np.searchsorted(curve[order], np.arange(1, keys.height)))]


def _positions(numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the distinct whole numbers, sorted, and the position of each number among them."""
    low, high = int(numbers.min()), int(numbers.max())
    if high - low >= _MAX_SPAN:
        distinct, place = np.unique(numbers, return_inverse=True)
        return distinct, place
    offset = numbers if low == 0 else numbers - low
    occurs = np.zeros(high - low + 1, dtype=np.bool_)
    occurs[offset] = True
    if occurs.all():
        return np.arange(low, high + 1), offset
    return np.flatnonzero(occurs) + low, (np.cumsum(occurs) - 1)[offset]


def row_codes(pool: Pool) -> NDArray[np.int64]:
    """Return a number per row that orders rows by :data:`~overthink.data.pool.ROW_KEY`; equal rows have equal ones."""
    texts = [name for name in ROW_KEY if SCHEMA[name] == pl.String]
    words = dict(zip(texts, words_of(pool, *texts), strict=True))
    code, size = np.zeros(int(read(pool.select(pl.len())).item()), dtype=np.int64), 1
    for name in ROW_KEY:
        if name in words and len(words[name]) <= 1:
            continue
        if name in words:
            n_distinct, place = len(words[name]), column(pool, codes(name, words[name]))
        else:
            distinct, place = _positions(column(pool, pl.col(name))) if len(code) else (code, code)
            n_distinct = len(distinct)
        if size * n_distinct > _MAX_CODE:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
            size = int(code.max()) + 1
        code *= n_distinct
        code += place
        size *= max(n_distinct, 1)
    return code


def _ranks(table: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the position of each code among the distinct ones of a table; -1 stays as it is."""
    has_code = table >= 0
    if not has_code.any():
        return table
    distinct, place = _positions(table[has_code])
    if len(distinct) == distinct[-1] + 1:
        return table
    result = table.copy()
    result[has_code] = place
    return result


def _check_size(labels: Mapping[str, str], shape: tuple[int, int, int], n_rows: int) -> None:
    if shape[0] * shape[1] * shape[2] - n_rows > MAX_EMPTY_CELLS:
        raise InputError(
            f"{_where(labels)}: {shape[0]} questions × {shape[1]} different draw numbers × {shape[2]} "
            f"rungs hold only {n_rows} rows; needed: draws numbered from 0 "
            "within each question; renumber them"
        )


def _checked(
    cell: NDArray[np.intp], labels: Mapping[str, str], axes: tuple[tuple[str, ...], list[int], list[int]]
) -> NDArray[np.intp] | None:
    """Return the cells, or None where they are all cells in order; refuse two rows in one cell."""
    shape = tuple(len(axis) for axis in axes)
    size = int(np.prod(shape))
    if (cell[1:] > cell[:-1]).all():
        return None if len(cell) == size else cell
    occupied = np.zeros(size, dtype=np.bool_)
    occupied[cell] = True
    if np.count_nonzero(occupied) < len(cell):
        double = cell[np.flatnonzero(np.bincount(cell)[cell] > 1)[0]]
        question, draw, rung = (
            axis[int(place)] for axis, place in zip(axes, np.unravel_index(double, shape), strict=True)
        )
        raise InputError(
            f"{_where(labels)}: question {question!r}, draw {draw}, rung {rung} occurs more than "
            "once; needed: one row each; give every trace of a question its own draw number, or tell the "
            "arms apart"
        )
    return cell


def _ladders(pool: Pool) -> dict[tuple[str, ...], pl.DataFrame]:
    """Return rung, requested tokens, efforts and conditions of each curve."""
    distinct = [pl.col(name).drop_nulls().unique().sort() for name in ("requested_tokens", "effort")]
    distinct.append(pl.col("conditions").unique().sort())
    # Few: groups hold no rows.
    requests = read(pool.group_by(*CURVE, "rung", "requested_tokens", "effort", "conditions").agg())
    rungs = requests.group_by(*CURVE, "rung").agg(distinct).sort(*CURVE, "rung")
    return {
        tuple(map(str, key)): frame for key, frame in rungs.partition_by(CURVE, as_dict=True, include_key=False).items()
    }


def _ladder(labels: Mapping[str, str], rungs: pl.DataFrame) -> _Ladder:
    for index, *requests, _ in rungs.iter_rows():
        for values in requests:
            if len(values) > 1:
                raise InputError(
                    f"{_where(labels)}: rung {index} was asked for as {' and '.join(map(str, values))}; "
                    "needed: one budget or effort per rung; number the rungs anew, or give each "
                    "setting its own arm"
                )
    return tuple(
        (index, next(iter(tokens), None), next(iter(efforts), None), tuple(conditions))
        for index, tokens, efforts, conditions in rungs.iter_rows()
    )


def _where(labels: Mapping[str, str]) -> str:
    return f"task {labels['task']!r}, arm {labels['arm']!r}"
