"""Ids of traces: the same for all rungs of one trace, and stable wherever its study is read, resumed or reported."""

import hashlib

import polars as pl

from overthink.data.pool import TRACE_KEY, Pool, read, words_of
from overthink.data.record import Estimand

TRACE = "trace"
"""Column of the ids."""

ORIGIN = "origin"
"""Column of the SHA-256 of each row's source, where rows of one pool come from several files."""

TRACE_BYTES = 16
"""Length of an id."""

_KEY = [*TRACE_KEY, "number"]


def trace_id(*names: str) -> bytes:
    """Return the id of what names a trace: origin, arm, task, question and draw."""
    return hashlib.sha256("\0".join(names).encode()).digest()[:TRACE_BYTES]


def with_traces(pool: pl.LazyFrame, origin: str | None) -> pl.LazyFrame:
    """Return the pool with the id of each row's trace; it is computed where it is read, and never for an analysis.

    An id is the first 16 bytes of the SHA-256 of origin, arm, task, question and draw, with NUL between them. Where
    these name several traces, as at levels of effort, which are sampled apart, the second and later ones are numbered.

    Args:
        pool: The pool; ids that it has stay.
        origin: SHA-256 of the study's plan, or of the file that was read; None where each row has its own in a column
            ``origin``, which is dropped.

    Example:
        >>> from overthink.data.pool import pool_of
        >>> from overthink.data.record import Axis, RungRecord
        >>> row = RungRecord("s", "base", Axis.CAPABILITY, "sums", "match", "q", 0, 0, Estimand.FORCED)
        >>> read(with_traces(pool_of([row]), "ab" * 32))["trace"].item().hex()
        '973714362d10c6d42cd35aca5fd8df06'
    """
    names = pool.collect_schema().names()
    if TRACE in names and not read(pool.select(pl.col(TRACE).null_count())).item():
        return pool
    source = pl.col(ORIGIN) if origin is None else pl.lit(origin)
    scope = (ORIGIN,) if origin is None else ()
    parts = pl.struct(source.alias(ORIGIN), "arm", "task", "question", "draw", _number(pool, *scope).alias("number"))
    ids = parts.map_batches(_hashes, return_dtype=pl.Binary, is_elementwise=True)
    own = pl.coalesce(pl.col(TRACE), ids) if TRACE in names else ids
    return pool.with_columns(own.alias(TRACE)).drop(ORIGIN, strict=False)


def trace_ids(pool: pl.LazyFrame) -> pl.DataFrame:
    """Return the id of each trace of a pool, with what names it; no row where the pool has no ids.

    Raises:
        InputError: The pool cannot be read.
    """
    if TRACE not in pool.collect_schema():
        pool = pool.with_columns(pl.lit(None, pl.Binary).alias(TRACE))
    named = pool.with_columns(_number(pool).alias("number")).filter(pl.col(TRACE).is_not_null())
    return read(named.group_by(_KEY).agg(pl.col(TRACE).first()))


def trace_hashes(pool: Pool) -> Pool:
    """Return the rows with an id, with hashes of the id and of what names its trace: both texts would fill the memory.

    The columns are ``id_hash`` and ``key_hash``; of six million traces two coincide with a probability of 1e-6.
    """
    named = pool.filter(pl.col(TRACE).is_not_null()).with_columns(_number(pool).alias("number"))
    return named.with_columns(id_hash=pl.col(TRACE).hash(), key_hash=pl.struct(_KEY).hash())


def with_earlier_traces(pool: pl.LazyFrame, ids: pl.DataFrame) -> pl.LazyFrame:
    """Return the pool of a study that was resumed or extended, with the ids that its traces had before; else null.

    Args:
        pool: The pool, without ids.
        ids: The ids of the pool before, from :func:`trace_ids`.
    """
    numbered = pool.with_columns(_number(pool).alias("number"))
    return numbered.join(ids.lazy(), on=_KEY, how="left", maintain_order="left").drop("number")


def _number(pool: Pool, *scope: str) -> pl.Expr:
    """Number of a row's trace among those of its arm, task, question and draw; 0 where they share one trace."""
    if Estimand.EFFORT not in words_of(pool, "estimand")[0]:
        return pl.lit(0, dtype=pl.UInt32)
    level = pl.col("rung").rank("dense").over(*scope, *TRACE_KEY, "estimand") - 1
    return pl.when(pl.col("estimand") == str(Estimand.EFFORT)).then(level).otherwise(0).cast(pl.UInt32)


def _hashes(keys: pl.Series) -> pl.Series:
    """Return the id of each row; rows of one trace mostly stand together, and are hashed once."""
    frame = keys.struct.unnest()
    run = frame.select(pl.any_horizontal(pl.all().ne_missing(pl.all().shift())).cum_sum()).to_series()
    first = frame.filter(run.ne_missing(run.shift()))
    ids = [
        trace_id(*labels, str(draw), *((str(number),) if number else ())) for *labels, draw, number in first.iter_rows()
    ]
    return pl.Series(ids, dtype=pl.Binary).gather(run - run.first()) if len(keys) else pl.Series(dtype=pl.Binary)
