"""Scores that a verifier gave to answers that were there already, and where they go in the pool."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from overthink.core.controls import ON_TRACE
from overthink.core.record import Estimand, RungRecord

Place = tuple[str, str, str, int, int]
"""Task, arm, question, draw, thinking budget: what names one forced answer, on whatever ladder it stands."""


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """What a verifier said of one answer.

    Attributes:
        place: Which answer.
        score: In [0, 1], higher is better; None where none could be read.
        tokens: Prompt and decoded tokens of the verifier; None if its server did not count them.
        reason: Why there is no score.
    """

    place: Place
    score: float | None
    tokens: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """Who scored the answers of a study, and how.

    Attributes:
        verifier: Name and decisions, as they were typed.
        by: "steps" or "answer": what was scored.
        aggregate: How the scores of steps became one; None for scores of answers.
        oracle: The verifier knows the targets, so what it selects is an upper bound.
        models: The models that it asked beside the one under test.
        arms: The arms whose answers it scored.
        gaps: By reason: answers that it gave no score for.
    """

    verifier: str
    by: str
    aggregate: str | None
    oracle: bool
    models: tuple[str, ...]
    arms: tuple[str, ...]
    gaps: Mapping[str, int] = field(default_factory=dict)

    def is_same(self, other: "Verified") -> bool:
        """Whether two say the same of how answers are scored, whatever became of it."""
        return replace(self, gaps={}) == replace(other, gaps={})

    @property
    def text(self) -> str:
        """Who and how, in a few words.

        Example:
            >>> Verified("rollouts:n=4", "steps", "last", False, (), ("base",)).text
            'scored by rollouts:n=4, last of the steps'
        """
        how = "the whole answer" if self.aggregate is None else f"{self.aggregate} of the steps"
        text = f"scored by {self.verifier}, {how}"
        return f"{text}; ORACLE: it knows the targets, an upper bound that nobody can use" if self.oracle else text


def place_of(row: RungRecord) -> Place:
    """Which answer a row tells of."""
    return row.task, row.arm, row.question, row.draw, row.requested_tokens or 0


def is_forced(row: RungRecord) -> bool:
    """Whether a row is of the ladder's own answer, and not of what stands beside it."""
    return row.estimand is Estimand.FORCED and row.requested_tokens is not None and not row.scorer.endswith(ON_TRACE)


def answers_of(records: Sequence[RungRecord], arms: Collection[str]) -> tuple[dict[Place, Place], frozenset[Place]]:
    """The answers of some arms.

    Args:
        records: The pool.
        arms: Labels of the arms.

    Returns:
        By forced answer of a trace without an error: the place of the answer that it is, its own, or the lower one
        that it was carried forward from; and the places of those that are their own.
    """
    failed = {place_of(row)[:-1] for row in records if row.error is not None}
    rows = [row for row in records if is_forced(row) and row.arm in arms and place_of(row)[:-1] not in failed]
    source: dict[Place, Place] = {}
    below: RungRecord | None = None
    for row in sorted(rows, key=place_of):
        place = place_of(row)
        same_trace = below is not None and place_of(below)[:-1] == place[:-1]
        carried = same_trace and below is not None and below.natural_end is True and row.generated_tokens == 0
        source[place] = source[place_of(below)] if carried and below is not None else place
        below = row
    return source, frozenset(place for place, own in source.items() if place == own)


def with_scores(
    records: Sequence[RungRecord], scores: Mapping[Place, AnswerScore], arms: Collection[str]
) -> list[RungRecord]:
    """The pool with the scores of the arms' answers in place of those that were there.

    An answer that was carried forward keeps the score from below, at no cost.

    Args:
        records: The pool.
        scores: What the verifier said, by answer.
        arms: Labels of the arms.
    """
    source, _ = answers_of(records, arms)
    scored = []
    for row in records:
        if not (is_forced(row) and row.arm in arms):
            scored.append(row)
            continue
        place = place_of(row)
        said = scores.get(source[place]) if place in source else None
        score = None if said is None else said.score
        if row.error is not None:
            tokens = None
        else:
            tokens = 0 if said is None or source[place] != place else said.tokens
        scored.append(replace(row, verifier_score=score, verifier_tokens=tokens))
    return scored
