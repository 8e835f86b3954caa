"""The drafts of a chain of revisions, and which of them is answered from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from overthink.collect.judging import canonical
from overthink.collect.search.value import scored
from overthink.collect.thinking import Means, Path
from overthink.collect.verify.verifier import Verifier


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft whose answer has been read.

    Attributes:
        path: The chain up to its end.
        answer: Its answer.
    """

    path: Path
    answer: str


class Selection(Protocol):
    """Says which draft of a chain is answered from."""

    async def seen(self, means: Means, draft: Draft) -> Draft:
        """Look at a new draft, once."""
        ...

    def chosen(self, drafts: Sequence[Draft]) -> Draft:
        """The draft to answer from, of at least one; the last of equals."""
        ...


class Majority:
    """The answer that most drafts give; of equally many, the one given last.

    Example:
        >>> drafts = [Draft(Path(prefix=None), answer) for answer in ("7", "ANSWER: 42", "42.", "7", "9")]
        >>> Majority().chosen(drafts).answer, Majority().chosen(drafts[:3]).answer
        ('7', '42.')
    """

    async def seen(self, means: Means, draft: Draft) -> Draft:
        """Nothing but the answer counts."""
        return draft

    def chosen(self, drafts: Sequence[Draft]) -> Draft:
        """The last draft with the most frequent answer; what cannot be read has no vote."""
        votes = Counter(vote for vote in (canonical(draft.answer) for draft in drafts) if vote is not None)
        return _last_best(drafts, [votes[canonical(draft.answer) or ""] for draft in drafts])


class ByVerifier:
    """The draft whose answer a verifier likes best."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def seen(self, means: Means, draft: Draft) -> Draft:
        """The draft with its score."""
        said = await scored(means, self._verifier.answer(means, draft.path, draft.answer))
        return replace(draft, path=replace(draft.path, score=None if said is None else said[-1]))

    def chosen(self, drafts: Sequence[Draft]) -> Draft:
        """The last draft with the highest score; one without a score only where no draft has one."""
        return _last_best(drafts, [-1.0 if draft.path.score is None else draft.path.score for draft in drafts])


def _last_best(drafts: Sequence[Draft], worth: Sequence[float]) -> Draft:
    return drafts[max(range(len(drafts)), key=lambda number: (worth[number], number))]
