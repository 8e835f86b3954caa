"""What the simulated model has read of its prompts: each request reads on where an earlier one ended.

A ladder sends a trace's whole prefix with every request. Here a prefix is read once: a request finds the longest one
that its prompt continues, and reads the rest. What stays proportional to the whole prefix is done at the speed of
memory: the ids are compared with the known ones, and hashed by the sampling, whose seed comes before them. They are
never joined here: a prefix is the ids of a request, as they came, and those that it decoded.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from overthink.collect.providers.simulated.thinking import TurnReading, bytes_of, packed

MOST_PREFIXES, MOST_TOKENS = 256, 1 << 21
"""Prefixes that are remembered, and tokens of all of them, at most: 256 with 8,192 tokens each, 64 with 32,768."""

_TAIL = 8
"""Last tokens of a request that are compared before the others."""

_TAIL_BYTES = 128
"""Last bytes of a prefix, as it is hashed, by which it is remembered."""


@dataclass(frozen=True, slots=True)
class ReadPrefix:
    """A prefix that has been read.

    Attributes:
        ids: Token ids of a request.
        decoded: Those that it decoded.
        packed: Both, as they are hashed.
        reading: What their text says.
    """

    ids: tuple[int, ...] = ()
    decoded: tuple[int, ...] = ()
    packed: bytes = b""
    reading: TurnReading = field(default_factory=TurnReading)

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.ids) + len(self.decoded)

    def of(self, ids: tuple[int, ...]) -> "ReadPrefix":
        """Return the prefix of a request that continues this one; what is new alone is read."""
        more = ids[len(self) :]
        return ReadPrefix(ids, (), self.packed + packed(more), self.reading.read(bytes_of(more)))

    def then(self, decoded: list[int]) -> "ReadPrefix":
        """Return the prefix of a request with what it decoded."""
        reading = self.reading.read(bytes_of(decoded))
        return ReadPrefix(self.ids, tuple(decoded), self.packed + packed(decoded), reading)


class Prefixes:
    """The prefixes read last.

    Args:
        most_steps: Number of steps whose text is kept; None for all of them.

    Example:
        >>> prefixes = Prefixes(None)
        >>> prefixes.keep(prefixes.read((353, 354)))
        >>> prefixes.read((353, 354, 355)).reading.line
        b'abc'
    """

    def __init__(self, most_steps: int | None) -> None:
        self._nothing = ReadPrefix(reading=TurnReading(most_steps))
        self._latest: OrderedDict[tuple[int, bytes], ReadPrefix] = OrderedDict()
        self._tokens = 0

    def read(self, ids: tuple[int, ...]) -> ReadPrefix:
        """Return these token ids, read; what the latest prefix that they continue holds is not read again."""
        for prefix in reversed(self._latest.values()):
            if _continues(ids, prefix):
                return prefix.of(ids)
        return self._nothing.of(ids)

    def keep(self, prefix: ReadPrefix) -> None:
        """Remember a prefix, and forget the oldest ones: of two that are as long and end alike, the older, too."""
        key = len(prefix), prefix.packed[-_TAIL_BYTES:]
        replaced = self._latest.pop(key, self._nothing)
        self._latest[key] = prefix
        self._tokens += len(prefix) - len(replaced)
        while len(self._latest) > MOST_PREFIXES or (self._tokens > MOST_TOKENS and len(self._latest) > 1):
            self._tokens -= len(self._latest.popitem(last=False)[1])


def _continues(ids: tuple[int, ...], known: ReadPrefix) -> bool:
    n, end = len(known.ids), len(known)
    return (
        end <= len(ids)
        and ids[n:end] == known.decoded
        and ids[max(n - _TAIL, 0) : n] == known.ids[-_TAIL:]
        and ids[:n] == known.ids
    )
