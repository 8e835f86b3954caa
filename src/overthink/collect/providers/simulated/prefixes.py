"""What the simulated model has read of its prompts: each request reads on where an earlier one ended.

A ladder sends a trace's whole prefix with every request. Here a prefix is read once: a request finds the longest one
that its prompt continues, and reads the rest. What stays proportional to the whole prefix is done at the speed of
memory: the ids are compared with the known ones, and hashed by the sampling, whose seed comes before them.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from overthink.collect.providers.simulated.thinking import TurnReading, bytes_of, packed

MOST_PREFIXES, MOST_TOKENS = 256, 1 << 21
"""Prefixes that are remembered, and tokens of all of them, at most: 256 with 8,192 tokens each, 64 with 32,768."""

_TAIL = 8
"""Last tokens of a prefix that are compared first."""

_TAIL_BYTES = 128
"""Last bytes of a prefix, as it is hashed, by which it is remembered."""


@dataclass(frozen=True, slots=True)
class ReadPrefix:
    """A prefix that has been read.

    Attributes:
        ids: Its token ids.
        packed: The same, as they are hashed.
        reading: What its text says.
    """

    ids: tuple[int, ...] = ()
    packed: bytes = b""
    reading: TurnReading = field(default_factory=TurnReading)

    def then(self, more: tuple[int, ...]) -> "ReadPrefix":
        """Return the prefix with further tokens; they alone are read."""
        return ReadPrefix(self.ids + more, self.packed + packed(more), self.reading.read(bytes_of(more)))


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
            if _continues(ids, prefix.ids):
                n = len(prefix.ids)
                return prefix if n == len(ids) else prefix.then(ids[n:])
        return self._nothing.then(ids)

    def keep(self, prefix: ReadPrefix) -> None:
        """Remember a prefix, and forget the oldest ones: of two that are as long and end alike, the older, too."""
        key = len(prefix.ids), prefix.packed[-_TAIL_BYTES:]
        replaced = self._latest.pop(key, self._nothing)
        self._latest[key] = prefix
        self._tokens += len(prefix.ids) - len(replaced.ids)
        while len(self._latest) > MOST_PREFIXES or (self._tokens > MOST_TOKENS and len(self._latest) > 1):
            self._tokens -= len(self._latest.popitem(last=False)[1].ids)


def _continues(ids: tuple[int, ...], known: tuple[int, ...]) -> bool:
    n = len(known)
    return n <= len(ids) and ids[max(n - _TAIL, 0) : n] == known[-_TAIL:] and ids[:n] == known
