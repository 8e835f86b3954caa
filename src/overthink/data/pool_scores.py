"""Answers of a pool that a verifier scores, and the pool with its scores."""

from collections.abc import Collection, Mapping

import polars as pl

from overthink.data.pool import TRACE_KEY, read
from overthink.data.record import ON_TRACE, Estimand
from overthink.data.verifier_scores import AnswerKey, AnswerScore

_SCORES = pl.Schema(
    {
        "task": pl.String,
        "arm": pl.String,
        "question": pl.String,
        "draw": pl.Int64,
        "source": pl.Int64,
        "score": pl.Float64,
        "tokens": pl.Int64,
        "is_scored": pl.Boolean,
    }
)


def is_forced() -> pl.Expr:
    """Return whether a row is a forced answer of the ladder, and no control."""
    is_answer = (pl.col("estimand") == str(Estimand.FORCED)) & pl.col("requested_tokens").is_not_null()
    return is_answer & ~pl.col("scorer").str.ends_with(ON_TRACE)


def answers_of(pool: pl.LazyFrame, arms: Collection[str]) -> frozenset[AnswerKey]:
    """Return the keys of the answers of some arms, without those that were carried forward from a lower rung.

    Args:
        pool: The pool.
        arms: Labels of the arms.
    """
    own = _sources(pool, arms).filter(pl.col("source") == pl.col("requested_tokens"))
    return frozenset(read(own.select(*TRACE_KEY, "source")).iter_rows())


def with_scores(pool: pl.LazyFrame, scores: Mapping[AnswerKey, AnswerScore], arms: Collection[str]) -> pl.LazyFrame:
    """Return the pool with new scores of the arms' answers in place of earlier ones.

    An answer that was carried forward keeps the score of its source, at no cost.

    Args:
        pool: The pool.
        scores: Scores by answer.
        arms: Labels of the arms.
    """
    columns = [(*place, score.score, score.tokens, True) for place, score in scores.items()]
    scored = pl.LazyFrame(columns, schema=_SCORES, orient="row")
    answers = _sources(pool, arms).join(scored, on=[*TRACE_KEY, "source"], how="left")
    is_own = pl.col("is_scored").is_not_null() & (pl.col("source") == pl.col("requested_tokens"))
    tokens = pl.when(pl.col("error").is_null()).then(pl.when(is_own).then("tokens").otherwise(0))
    is_rescored = is_forced() & pl.col("arm").is_in(list(arms))
    new = {"verifier_score": pl.col("score"), "verifier_tokens": tokens}
    return (
        pool.join(answers, on=[*TRACE_KEY, "requested_tokens"], how="left", maintain_order="left")
        .with_columns(pl.when(is_rescored).then(column).otherwise(name).alias(name) for name, column in new.items())
        .drop("source", "score", "tokens", "is_scored")
    )


def _sources(pool: pl.LazyFrame, arms: Collection[str]) -> pl.LazyFrame:
    """Return each forced answer of a trace without an error, with the budget of its source.

    That is its own budget, or that of the lower rung from which it was carried forward.
    """
    failed = pool.filter(pl.col("error").is_not_null()).select(TRACE_KEY).unique()
    rows = pool.filter(is_forced() & pl.col("arm").is_in(list(arms))).join(failed, on=TRACE_KEY, how="anti")
    answers = rows.group_by(*TRACE_KEY, "requested_tokens").agg(  # of several scorers
        adds_nothing=(pl.col("generated_tokens") == 0).fill_null(value=False).all(),
        has_ended=pl.col("natural_end").fill_null(value=False).any(),
    )
    had_ended = pl.col("has_ended").shift(fill_value=False).over(TRACE_KEY, order_by="requested_tokens")
    own = answers.with_columns(source=pl.when(~(had_ended & pl.col("adds_nothing"))).then("requested_tokens"))
    source = pl.col("source").forward_fill().over(TRACE_KEY, order_by="requested_tokens")
    return own.select(*TRACE_KEY, "requested_tokens", source)
