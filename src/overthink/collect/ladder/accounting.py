"""Token usage of one trace: every request is recorded, and discarded tokens are counted by category."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from overthink.collect.providers.continuation import Segment
from overthink.data.category import Category
from overthink.data.tokens import OVERHEAD_COLUMNS, OnTheWay


@dataclass(frozen=True, slots=True)
class Receipt:
    """Token usage of some requests; None if a server did not report it.

    Attributes:
        decoded_tokens: Tokens decoded by the model under test, kept or not.
        prompt_tokens: Prompt tokens of its requests.
        cached_tokens: Prompt tokens from the server's cache.
    """

    decoded_tokens: int
    prompt_tokens: int | None
    cached_tokens: int | None


class CalledOffError(RuntimeError):
    """A request was not sent because another one of its trace has failed."""


class UsageMeter:
    """Meter of the token usage of one trace.

    Example:
        >>> meter = UsageMeter()
        >>> meter.record(Segment("hm", None, tokens=7, is_complete=True, prompt_tokens=20, cached_tokens=None))
        >>> meter.charge(Category.REJECTED, 7)
        >>> meter.since(0), meter.overhead().rejected_tokens
        (Receipt(decoded_tokens=7, prompt_tokens=20, cached_tokens=None), 7)
        >>> meter.since(meter.requests)
        Receipt(decoded_tokens=0, prompt_tokens=0, cached_tokens=0)
    """

    def __init__(self) -> None:
        self._receipts: list[Receipt] = []
        self._spent: dict[Category, int | None] = dict.fromkeys(OVERHEAD_COLUMNS, 0)
        self._unanswered = 0
        self._called_off = False

    @property
    def requests(self) -> int:
        """Number of recorded requests: a position for :meth:`since`."""
        return len(self._receipts)

    @property
    def n_pending(self) -> int:
        """Number of requests without an answer (yet), whose usage is unknown."""
        return self._unanswered

    async def send(self, request: Coroutine[Any, Any, Segment]) -> Segment:
        """Send a request to the model under test and record its usage, kept or not.

        Args:
            request: The request, not started.

        Raises:
            CalledOffError: Another request of the trace has failed; this one was not sent.
            Exception: The request failed. Its usage is unknown.
        """
        try:
            self.check_open()
        except CalledOffError:
            request.close()
            raise
        self._unanswered += 1
        segment = await request
        self._unanswered -= 1
        self.record(segment)
        return segment

    def record(self, segment: Segment) -> None:
        """Record an answered request."""
        self._receipts.append(Receipt(segment.tokens, segment.prompt_tokens, segment.cached_tokens))

    def charge(self, category: Category, tokens: int | None) -> None:
        """Charge overhead tokens.

        Args:
            category: Their category. Discarded decoded tokens are part of a recorded request and are only classified
                here; those of guards and verifiers are prompt and decoded tokens, recorded only here.
            tokens: Number of tokens; None if the server did not report it; negative to undo an earlier charge.
        """
        self._spent[category] = _plus(self._spent[category], tokens)

    def since(self, first: int) -> Receipt:
        """Return the usage of the requests from a position on."""
        total = Receipt(0, 0, 0)
        for receipt in self._receipts[first:]:
            total = Receipt(
                total.decoded_tokens + receipt.decoded_tokens,
                _plus(total.prompt_tokens, receipt.prompt_tokens),
                _plus(total.cached_tokens, receipt.cached_tokens),
            )
        return total

    def overhead(self) -> OnTheWay:
        """Return the overhead tokens since the trace began."""
        return OnTheWay(**{OVERHEAD_COLUMNS[category]: tokens for category, tokens in self._spent.items()})

    def call_off(self) -> None:
        """Refuse further requests: the trace has failed. Open requests finish, so that their usage is recorded."""
        self._called_off = True

    def check_open(self) -> None:
        """Check that requests may be sent.

        Raises:
            CalledOffError: They may not.
        """
        if self._called_off:
            raise CalledOffError("another request of this trace has failed")


def _plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b
