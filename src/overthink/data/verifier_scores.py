"""Verifier scores of collected answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from overthink.data.phrases import Limit, Phrase, checked, component, one_of

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
