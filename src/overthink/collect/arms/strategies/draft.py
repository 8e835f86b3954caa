"""Drafts of a chain of revisions, and the selection of the draft to answer from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from overthink.collect.scoring.judging import canonical
from overthink.collect.arms.strategies.values import charged_scores
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.arms.verifiers.base import Verifier


@dataclass(frozen=True, slots=True)
class Draft:
    """A complete draft with its answer.

    Attributes:
        path: The chain up to the draft's end.
        answer: Its answer.
    """

    path: ReasoningPath
    answer: str


class Selection(Protocol):
    """Protocol: selects the draft of a chain to answer from."""

    async def inspect(self, context: TraceContext, draft: Draft) -> Draft:
        """Inspect a new draft, once, and return it."""
        ...

    def select(self, drafts: Sequence[Draft]) -> Draft:
        """Return the draft to answer from, of at least one; the last of ties."""
        ...


class Majority:
    """Selects the most frequent answer; the last one of ties.

    Example:
        >>> drafts = [Draft(ReasoningPath(prefix=None), answer) for answer in ("7", "ANSWER: 42", "42.", "7", "9")]
        >>> Majority().select(drafts).answer, Majority().select(drafts[:3]).answer
        ('7', '42.')
    """

    async def inspect(self, context: TraceContext, draft: Draft) -> Draft:
        """Return the draft unchanged: only its answer counts."""
        return draft

    def select(self, drafts: Sequence[Draft]) -> Draft:
        """Return the last draft with the most frequent answer; unreadable answers have no vote."""
        votes = Counter(vote for vote in (canonical(draft.answer) for draft in drafts) if vote is not None)
        return _last_best(drafts, [votes[canonical(draft.answer) or ""] for draft in drafts])


class ByVerifier:
    """Selects the draft with the highest verifier score of its answer."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def inspect(self, context: TraceContext, draft: Draft) -> Draft:
        """Return the draft with its score."""
        scores = await charged_scores(context, self._verifier.answer(context, draft.path, draft.answer))
        return replace(draft, path=replace(draft.path, score=None if scores is None else scores[-1]))

    def select(self, drafts: Sequence[Draft]) -> Draft:
        """Return the last draft with the highest score; one without a score only if no draft has one."""
        return _last_best(drafts, [-1.0 if draft.path.score is None else draft.path.score for draft in drafts])


def _last_best(drafts: Sequence[Draft], worth: Sequence[float]) -> Draft:
    return drafts[max(range(len(drafts)), key=lambda number: (worth[number], number))]
