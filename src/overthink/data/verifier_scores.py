"""Verifier scores of collected answers, and their assignment to rows of the pool."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from overthink.data.record import ON_TRACE, Estimand, RungRecord

AnswerKey = tuple[str, str, str, int, int]
"""Key of a forced answer, independent of the ladder: task, arm, question, draw, thinking budget."""


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
    """

    verifier: str
    by: str
    aggregate: str | None
    oracle: bool
    models: tuple[str, ...]
    arms: tuple[str, ...]
    gaps: Mapping[str, int] = field(default_factory=dict)

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
        text = f"scored by {self.verifier}, {how}"
        return f"{text}; ORACLE: it knows the targets, an upper bound that nobody can use" if self.oracle else text


def answer_key(row: RungRecord) -> AnswerKey:
    """Return the key of a row's answer."""
    return row.task, row.arm, row.question, row.draw, row.requested_tokens or 0


def is_forced(row: RungRecord) -> bool:
    """Return whether a row is a forced answer of the ladder, and no control."""
    return row.estimand is Estimand.FORCED and row.requested_tokens is not None and not row.scorer.endswith(ON_TRACE)


def answers_of(
    records: Sequence[RungRecord], arms: Collection[str]
) -> tuple[dict[AnswerKey, AnswerKey], frozenset[AnswerKey]]:
    """Return the answers of some arms.

    Args:
        records: The pool.
        arms: Labels of the arms.

    Returns:
        For each forced answer of a trace without an error, the key of its source: its own key, or that of the lower
        rung from which it was carried forward; and the keys of answers that are their own source.
    """
    failed_traces = {answer_key(row)[:-1] for row in records if row.error is not None}
    rows = [row for row in records if is_forced(row) and row.arm in arms and answer_key(row)[:-1] not in failed_traces]
    source: dict[AnswerKey, AnswerKey] = {}
    below: RungRecord | None = None
    for row in sorted(rows, key=answer_key):
        key = answer_key(row)
        same_trace = below is not None and answer_key(below)[:-1] == key[:-1]
        is_carried = same_trace and below is not None and below.natural_end is True and row.generated_tokens == 0
        source[key] = source[answer_key(below)] if is_carried and below is not None else key
        below = row
    return source, frozenset(key for key, own in source.items() if key == own)


def with_scores(
    records: Sequence[RungRecord], scores: Mapping[AnswerKey, AnswerScore], arms: Collection[str]
) -> list[RungRecord]:
    """Return the pool with new scores of the arms' answers in place of earlier ones.

    An answer that was carried forward keeps the score of its source, at no cost.

    Args:
        records: The pool.
        scores: Scores by answer.
        arms: Labels of the arms.
    """
    source, _ = answers_of(records, arms)
    result = []
    for row in records:
        if not (is_forced(row) and row.arm in arms):
            result.append(row)
            continue
        key = answer_key(row)
        answer_score = scores.get(source[key]) if key in source else None
        score = None if answer_score is None else answer_score.score
        if row.error is not None:
            tokens = None
        else:
            tokens = 0 if answer_score is None or source[key] != key else answer_score.tokens
        result.append(replace(row, verifier_score=score, verifier_tokens=tokens))
    return result
