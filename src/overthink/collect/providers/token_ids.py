"""Token ids of a prompt as one value of a message's metadata.

Inspect copies every message that it sends, walks through its metadata several times, and writes it into the log, number
by number. With a list of ids, a trace of n steps costs n² numbers. This value is one to Inspect, however long: the log
has its text, the number of tokens; the ids themselves are those that the outputs before it decoded.
"""

from collections.abc import Iterable
from typing import Any


class TokenIds(str):
    """A text that says how many tokens there are, and carries them.

    Attributes:
        ids: The token ids; at least one.

    Example:
        >>> TokenIds([5, 7]), TokenIds([5, 7]).ids
        ('2 tokens', (5, 7))
    """

    __slots__ = ("ids",)

    ids: tuple[int, ...]

    def __new__(cls, ids: Iterable[int]) -> "TokenIds":
        """Return the value of these ids."""
        own = tuple(ids)
        value = super().__new__(cls, f"{len(own)} tokens")
        value.ids = own
        return value

    def __copy__(self) -> "TokenIds":
        """Return itself: nothing in it can be changed."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "TokenIds":
        """Return itself: nothing in it can be changed."""
        return self
