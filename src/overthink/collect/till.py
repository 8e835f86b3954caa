"""What one trace has spent so far: every request is paid here, and what was thrown away is told apart."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from overthink.collect.continuation import Segment
from overthink.core.category import Category
from overthink.core.on_the_way import COLUMNS, OnTheWay


@dataclass(frozen=True, slots=True)
class Receipt:
    """What some requests took; None where a server did not count.

    Attributes:
        decoded: Tokens that the model under test decoded, kept or not.
        prompt: Prompt tokens of its requests.
        cached: How many of them came from the server's cache.
    """

    decoded: int
    prompt: int | None
    cached: int | None


class CalledOffError(RuntimeError):
    """A request was not begun, because another one of its trace has failed."""


class Till:
    """Counts the tokens of one trace.

    Example:
        >>> till = Till()
        >>> till.pay(Segment("hm", None, tokens=7, ended=True, prompt_tokens=20, cached_tokens=None))
        >>> till.charge(Category.REJECTED, 7)
        >>> till.since(0), till.on_the_way().rejected_tokens
        (Receipt(decoded=7, prompt=20, cached=None), 7)
        >>> till.since(till.requests)
        Receipt(decoded=0, prompt=0, cached=0)
    """

    def __init__(self) -> None:
        self._receipts: list[Receipt] = []
        self._spent: dict[Category, int | None] = dict.fromkeys(COLUMNS, 0)
        self._unanswered = 0
        self._called_off = False

    @property
    def requests(self) -> int:
        """How many requests have been paid: a place in the book, for :meth:`since`."""
        return len(self._receipts)

    @property
    def unanswered(self) -> int:
        """Requests that were begun and have no answer (yet): what they took is unknown."""
        return self._unanswered

    async def paid(self, asked: Coroutine[Any, Any, Segment]) -> Segment:
        """Ask the model under test, and pay for what it decodes, whatever becomes of it.

        Args:
            asked: The request, not begun.

        Raises:
            CalledOffError: Another request of the trace has failed; this one was not begun.
            Exception: The request failed. What it took is unknown.
        """
        try:
            self.check_open()
        except CalledOffError:
            asked.close()
            raise
        self._unanswered += 1
        segment = await asked
        self._unanswered -= 1
        self.pay(segment)
        return segment

    def pay(self, segment: Segment) -> None:
        """A request that was answered."""
        self._receipts.append(Receipt(segment.tokens, segment.prompt_tokens, segment.cached_tokens))

    def charge(self, category: Category, tokens: int | None) -> None:
        """Tokens spent on the way.

        Args:
            category: On what. Decoded ones that were thrown away have been paid as a request, and are only told apart
                here; those of guards and verifiers are prompt and decoded tokens, and are paid here alone.
            tokens: How many; None if the server did not count them; below 0 to take back what turned out to be kept.
        """
        self._spent[category] = _plus(self._spent[category], tokens)

    def since(self, place: int) -> Receipt:
        """What the requests behind a place in the book took."""
        total = Receipt(0, 0, 0)
        for one in self._receipts[place:]:
            total = Receipt(
                total.decoded + one.decoded, _plus(total.prompt, one.prompt), _plus(total.cached, one.cached)
            )
        return total

    def on_the_way(self) -> OnTheWay:
        """What was spent on the way since the trace began."""
        return OnTheWay(**{COLUMNS[category]: tokens for category, tokens in self._spent.items()})

    def call_off(self) -> None:
        """Begin no request any more: the trace has failed. Those under way are let finish, for they are paid."""
        self._called_off = True

    def check_open(self) -> None:
        """Check that requests may be begun.

        Raises:
            CalledOffError: They may not.
        """
        if self._called_off:
            raise CalledOffError("another request of this trace has failed")


def _plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b
