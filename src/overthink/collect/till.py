"""What one trace has spent so far: every request is paid here, and what was thrown away is told apart."""

from dataclasses import dataclass

from overthink.collect.continuation import Segment
from overthink.core.category import Category
from overthink.core.on_the_way import COLUMNS, OnTheWay


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was paid since the last receipt; None where a server did not count.

    Attributes:
        decoded: Tokens that the model under test decoded, kept or not.
        prompt: Prompt tokens of its requests.
        cached: How many of them came from the server's cache.
    """

    decoded: int
    prompt: int | None
    cached: int | None


class Till:
    """Counts the tokens of one trace.

    Example:
        >>> till = Till()
        >>> till.pay(Segment("hm", None, tokens=7, ended=True, prompt_tokens=20, cached_tokens=None))
        >>> till.charge(Category.REJECTED, 7)
        >>> till.receipt(), till.on_the_way().rejected_tokens
        (Receipt(decoded=7, prompt=20, cached=None), 7)
    """

    def __init__(self) -> None:
        self._since = Receipt(0, 0, 0)
        self._spent: dict[Category, int | None] = dict.fromkeys(COLUMNS, 0)

    def pay(self, segment: Segment) -> None:
        """A request to the model under test, whatever becomes of what it decoded."""
        self._since = Receipt(
            self._since.decoded + segment.tokens,
            _plus(self._since.prompt, segment.prompt_tokens),
            _plus(self._since.cached, segment.cached_tokens),
        )

    def charge(self, category: Category, tokens: int | None) -> None:
        """Tokens spent on the way.

        Args:
            category: On what. Decoded ones that were thrown away have been paid as a request, and are only told apart
                here; those of guards and verifiers are prompt and decoded tokens, and are paid here alone.
            tokens: How many; None if the server did not count them; below 0 to take back what turned out to be kept.
        """
        self._spent[category] = _plus(self._spent[category], tokens)

    def receipt(self) -> Receipt:
        """What was paid since the last receipt."""
        receipt, self._since = self._since, Receipt(0, 0, 0)
        return receipt

    def on_the_way(self) -> OnTheWay:
        """What was spent on the way since the trace began."""
        return OnTheWay(**{COLUMNS[category]: tokens for category, tokens in self._spent.items()})


def _plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b
