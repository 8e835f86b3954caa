"""Verifier scores of collected answers: which answers of a pool are scored, and the pool with their scores."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from overthink.data.phrases import Limit, Phrase, checked, component, one_of
from overthink.data.pool import TRACE_KEY, read
from overthink.data.record import ON_TRACE, Estimand

AnswerKey = tuple[str, str, str, int, int]
"""Key of a forced answer, independent of the ladder: task, arm, question, draw, thinking budget."""


AGGREGATES = ("last", "min", "prod", "mean")
"""How the scores of steps become one."""

SHOWN_DIGITS = 12
"""Digits of a file's SHA-256 that are shown."""

ORACLE = "; ORACLE: it knows the targets, an upper bound that nobody can use"

SCORED_BY = Limit(
    "scored by {verifier}{file}, {how}{oracle}",
    verifier=component(),
    file=one_of("", Phrase(" (file {sha256})", sha256=checked("0-9a-f", lambda text: len(text) == SHOWN_DIGITS))),
    how=one_of("the whole answer", *(f"{name} of the steps" for name in AGGREGATES)),
    oracle=one_of("", ORACLE),
)


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """A verifier's score of one answer.

    Attributes:
        place: Key of the answer.
        score: In [0, 1], higher is better; None where none was parsed.
        tokens: Prompt and decoded tokens of the verifier; None if its server did not count them.
        reason: Why there is no score.
    """

    place: AnswerKey
    score: float | None
    tokens: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class VerifierRun:
    """A verifier and the options with which it scored the answers of a study.

    Attributes:
        verifier: Name and options, as typed.
        by: Scored unit: "steps" or "answer".
        aggregate: Aggregation of the scores of steps; None for scores of answers.
        oracle: The verifier knows the targets, so its selection is an upper bound.
        models: Models that it calls beside the one under test.
        arms: The arms whose answers it scored.
        gaps: Number of answers without a score, by reason.
        file_sha256: SHA-256 of the file that the verifier comes from; None for one that is built in or installed.
    """

    verifier: str
    by: str
    aggregate: str | None
    oracle: bool
    models: tuple[str, ...]
    arms: tuple[str, ...]
    gaps: Mapping[str, int] = field(default_factory=dict)
    file_sha256: str | None = None

    def is_same(self, other: "VerifierRun") -> bool:
        """Return whether two runs have the same scoring options, whatever their gaps."""
        return replace(self, gaps={}) == replace(other, gaps={})

    @property
    def text(self) -> str:
        """Verifier and aggregation in a few words.

        Example:
            >>> VerifierRun("rollouts:n=4", "steps", "last", False, (), ("base",)).text
            'scored by rollouts:n=4, last of the steps'
        """
        how = "the whole answer" if self.aggregate is None else f"{self.aggregate} of the steps"
        file = "" if self.file_sha256 is None else f" (file {self.file_sha256[:SHOWN_DIGITS]})"
        return SCORED_BY.text(verifier=self.verifier, file=file, how=how, oracle=ORACLE if self.oracle else "")


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
