"""The pool as columns: one row per question, draw and rung in a frame that is read lazily; and its token usage.

A row is a :class:`~overthink.data.record.RungRecord` where one trace is made; from there on it is a row of a frame.
"""

import dataclasses
import itertools
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import polars as pl

from overthink.data.record import Axis, Estimand, RungRecord, ScorePolarity, Verdict
from overthink.data.tokens import CutShort, TokenUsage
from overthink.data.waves import Waves
from overthink.errors import InputError

_CHUNK = 100_000
"""Rows that become columns at once, so that lists of Python values are short-lived."""

Pool: TypeAlias = pl.LazyFrame | pl.DataFrame
"""Rows that are read by column, or that are in memory: a query of a few hundred of these takes a fifth of the time."""

FEW_ROWS = 20_000
"""Rows that take less memory than the queries that read them by column, 10 MB."""

_DTYPES: dict[type, type[pl.DataType]] = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}

ENUMS: dict[str, type[StrEnum]] = {"axis": Axis, "estimand": Estimand, "verdict": Verdict}
"""Closed list of words, by column."""

CURVE = ("arm", "axis", "task", "scorer", "estimand")
"""Columns that name a curve, in the order by which curves are sorted."""

TRACE_KEY = ("task", "arm", "question", "draw")
"""Columns that name a trace within a study."""

ROW_KEY = ("task", "axis", "scorer", "arm", "estimand", "question", "draw", "rung", "study")
"""Unique key of a row, and sort order of stored rows."""


def _dtype(annotation: object) -> type[pl.DataType] | None:
    options = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    (kind,) = (option for option in options if option is not types.NoneType)
    return pl.String if issubclass(kind, StrEnum) else _DTYPES.get(kind)


def dtypes_of(row: type) -> dict[str, type[pl.DataType]]:
    """Return the type of the column of each field of a class of rows; fields of other types have none."""
    hints = typing.get_type_hints(row)
    return {field.name: dtype for field in dataclasses.fields(row) if (dtype := _dtype(hints[field.name])) is not None}


COLUMNS = tuple(field.name for field in dataclasses.fields(RungRecord))
"""Columns of a row, in order."""

REQUIRED = tuple(f.name for f in dataclasses.fields(RungRecord) if f.default is dataclasses.MISSING)
"""Columns without an empty cell."""

SCHEMA = pl.Schema(dtypes_of(RungRecord))
"""Type of every column."""


class StudyFacts(NamedTuple):
    """What rows of a study of Overthink say of it, where neither its plan nor its folder is there.

    Attributes:
        planned: Arms whose runs are alike by construction, as one plan made them.
        waves: Waves by task, if draws were adaptive.
        analysis: Request and seed of its analysis, as a JSON text; None where it is unknown.
    """

    planned: frozenset[str] = frozenset()
    waves: Mapping[str, Waves] = types.MappingProxyType({})
    analysis: str | None = None


class PoolReading(NamedTuple):
    """A pool with notes on how it was read.

    Attributes:
        pool: Rows of the pool; a column ``origin`` may hold the SHA-256 of the file of each row.
        notes: One sentence each for the report: an assumption, a skipped file, rows without a score.
        stated: Options of the command line that named a task of what was read.
        polarity: What high scores mean, as far as it is stated.
        unread: What is wrong with each file that could not be read.
        study: What the rows say of the study that they are of.
        oversight: The table on oversight; None where what was read has none.
    """

    pool: pl.LazyFrame
    notes: tuple[str, ...] = ()
    stated: frozenset[str] = frozenset()
    polarity: tuple[ScorePolarity, ...] = ()
    unread: tuple[str, ...] = ()
    study: StudyFacts = StudyFacts()
    oversight: pl.DataFrame | None = None


def pool_of(records: Iterable[RungRecord]) -> pl.LazyFrame:
    """Return rows as a pool, in their order.

    Args:
        records: Rows of the pool.

    Raises:
        InputError: A row holds a value of the wrong type.

    Example:
        >>> row = RungRecord("s", "base", Axis.CAPABILITY, "sums", "match", "q", 0, 0, Estimand.FORCED, value=1.0)
        >>> records_of(pool_of([row])) == [row]
        True
    """
    return frame_of(records).lazy()


def frame_of(records: Iterable[RungRecord]) -> pl.DataFrame:
    """Return rows as a pool in memory; see :func:`pool_of`."""
    rows = iter(records)
    chunks = iter(lambda: list(itertools.islice(rows, _CHUNK)), [])
    frames = [_columns(chunk) for chunk in chunks]
    return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)


def _columns(rows: list[RungRecord]) -> pl.DataFrame:
    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    for name in ENUMS:
        columns[name] = [None if value is None else str(value) for value in columns[name]]
    try:
        return pl.DataFrame(columns, schema=SCHEMA, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as failure:
        raise InputError(f"a row of the pool holds a value of the wrong type ({first_line(failure)})") from failure


def first_line(failure: BaseException) -> str:
    """Return the first line of an error of Polars."""
    return (str(failure).splitlines() or [type(failure).__name__])[0][:300]


def records_of(pool: pl.LazyFrame) -> list[RungRecord]:
    """Return the rows of a pool as records, for the few that a caller handles one by one."""
    table = read(pool.select(COLUMNS))
    words = {
        name: [None if value is None else kind(value) for value in table[name].to_list()]
        for name, kind in ENUMS.items()
    }
    lists = [words[name] if name in words else table[name].to_list() for name in COLUMNS]
    return [RungRecord(*row) for row in zip(*lists, strict=True)]


def read(pool: Pool) -> pl.DataFrame:
    """Return the frame of a query, evaluated in pieces, rows in their order; one of rows in memory is at its end.

    Raises:
        InputError: The file that it reads is broken.
    """
    if isinstance(pool, pl.DataFrame):
        return pool
    try:
        return pool.collect(engine="streaming")
    except (pl.exceptions.ComputeError, pl.exceptions.PanicException, OSError) as failure:
        raise InputError(f"the pool cannot be read ({first_line(failure)}); needed: a file that is whole") from failure


def in_memory(pool: Pool) -> Pool:
    """Return a pool of few rows as a frame in memory, any other as it is."""
    few = isinstance(pool, pl.LazyFrame) and read(pool.select(pl.len())).item() <= FEW_ROWS
    return read(pool) if few else pool


def words_of(pool: Pool, *names: str) -> tuple[pl.Series, ...]:
    """Return the distinct texts of some columns, each sorted; an empty cell is none.

    Example:
        >>> words_of(pl.LazyFrame({"arm": ["b", "a", "b", None]}), "arm")[0].to_list()
        ['a', 'b']
    """
    if isinstance(pool, pl.DataFrame):
        return tuple(pool[name].unique().drop_nulls().sort() for name in names)
    # One query each: queries that are collected together keep what they have in common in memory.
    distinct = (read(pool.select(pl.col(name).unique())) for name in names)
    return tuple(frame.to_series().drop_nulls().sort() for frame in distinct)


def codes(name: str, words: pl.Series) -> pl.Expr:
    """Return the position of each cell of a column in a sorted list of its words; null for an empty cell."""
    return pl.col(name).cast(pl.Enum(words)).to_physical()


def failed_traces(pool: pl.LazyFrame) -> pl.LazyFrame:
    """Return the keys of the traces with an error, each once per axis."""
    return pool.filter(pl.col("error").is_not_null()).select("axis", *TRACE_KEY).unique()


NAMES = ("study", "arm", "task", "scorer", "model", "effort")
"""Columns of texts that repeat from row to row."""


def pool_frame(pool: pl.LazyFrame) -> pl.DataFrame:
    """Return all rows of a pool, with the columns of :class:`~overthink.data.record.RungRecord` in their order.

    Args:
        pool: Rows of the pool.

    Raises:
        InputError: The file that it reads is broken.
    """
    words = [pl.col(name).cast(pl.Enum([str(word) for word in kind])) for name, kind in ENUMS.items()]
    names = [pl.col(name).cast(pl.Categorical) for name in NAMES]
    return read(pool.select(COLUMNS).with_columns(*words, *names))


_CURVE = ("axis", "task", "arm", "question", "draw", "estimand")
_CELL = (*_CURVE, "rung")
_PER_CELL = ("prompt_tokens", "cached_tokens", "generated_tokens")
_PER_CURVE = ("guard_tokens", "step_verifier_tokens")
_ONE_GRADE = [str(Estimand.EFFORT), str(Estimand.CHECKPOINT)]
"""Estimands whose judges are counted once for all scorers."""


def usage_of_pool(pool: pl.LazyFrame) -> TokenUsage:
    """Return the token usage of rows. A failed row without a count adds 0.

    Rows of one cell with several scorers describe the same requests. On a ladder every row was graded for itself; a log
    has its judges' tokens once for all its scorers. Cumulative columns count once per trace and curve, at
    their largest.

    Args:
        pool: The rows.

    Example:
        >>> from overthink.data.record import Axis
        >>> row = RungRecord("s", "base", Axis.SAFETY, "t", "m", "q", 0, 0, Estimand.FORCED, generated_tokens=7,
        ...                  prompt_tokens=5, cached_tokens=None, judge_tokens=0)
        >>> usage_of_pool(pool_of([row])).decoded_tokens, usage_of_pool(pool_of([row])).cached_tokens
        (7, None)
    """
    totals = (pool.group_by(key).agg(counts).select(_sum(pl.all().exclude(key))) for key, counts in _counts_by_key())
    counts = {name: count for total in totals for name, count in read(total).row(0, named=True).items()}
    return TokenUsage(decoded_tokens=counts.pop("generated_tokens"), **counts)


def usage_by_trace(pool: pl.LazyFrame) -> list[CutShort]:
    """Return the token usage of every trace as of one that is not used; a failed one has an unanswered request.

    Args:
        pool: Rows of whole traces.
    """
    counts = [
        pool.group_by(key).agg(expressions).group_by(TRACE_KEY).agg(_sum(pl.all().exclude(*key)))
        for key, expressions in _counts_by_key()
    ]
    failed = pool.group_by(TRACE_KEY).agg(failed=pl.col("error").is_not_null().any())
    table = read(counts[0].join(counts[1], on=TRACE_KEY).join(failed, on=TRACE_KEY).sort(TRACE_KEY))
    keys = table.select(*TRACE_KEY, pl.col("failed").cast(pl.Int64)).iter_rows()
    counts_of_traces = table.drop(*TRACE_KEY, "failed").rename({"generated_tokens": "decoded_tokens"})
    return [
        CutShort(task, arm, question, draw, TokenUsage(**row), unanswered)
        for (task, arm, question, draw, unanswered), row in zip(
            keys, counts_of_traces.iter_rows(named=True), strict=True
        )
    ]


def n_failed(pool: pl.LazyFrame) -> int:
    """Return the number of traces with an error."""
    return int(read(failed_traces(pool).select(pl.len())).item())


def failed_try(rows: Sequence[RungRecord], *, before: Sequence[RungRecord] = ()) -> CutShort:
    """Return the token usage of a failed try of a trace, which was sampled again.

    Args:
        rows: All its rows; at least one.
        before: Rows of the finished trace that the try extended, where it only added rungs to one.
    """
    first = rows[0]
    usage = usage_of_pool(pool_of(rows)) - usage_of_pool(pool_of(before))
    return CutShort(first.task, first.arm, first.question, first.draw, usage, 1)


def _shared(name: str) -> pl.Expr:
    """Return the one count that all rows of a group describe."""
    failed = pl.when(pl.col("error").is_not_null().any()).then(0)
    return pl.coalesce(pl.col(name).max(), failed).alias(name)


def _sum(counts: pl.Expr) -> pl.Expr:
    """Return the sum of counts; null where one is unknown."""
    return pl.when(counts.null_count() == 0).then(counts.sum())


def _counts_by_key() -> tuple[tuple[tuple[str, ...], list[pl.Expr]], ...]:
    """Return the counts of each group of rows that describe the same requests, and what names such a group."""
    own_grade = _sum(pl.coalesce("judge_tokens", pl.when(pl.col("error").is_not_null()).then(0)))
    is_shared = pl.col("estimand").first().is_in(_ONE_GRADE)
    judge = pl.when(is_shared).then(_shared("judge_tokens")).otherwise(own_grade).alias("judge_tokens")
    return (_CELL, [*map(_shared, _PER_CELL), judge]), (_CURVE, [*map(_shared, _PER_CURVE)])
