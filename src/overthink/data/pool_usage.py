"""Token usage of the rows of a pool, each token once."""

from collections.abc import Sequence

import polars as pl

from overthink.data.pool import TRACE_KEY, failed_traces, pool_of, read
from overthink.data.record import Estimand, RungRecord
from overthink.data.tokens import CutShort, TokenUsage

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
