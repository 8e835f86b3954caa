"""Assignment of prompts to cache slots, so that a fork finds its own prefix and no other trace loses one.

A server keeps one sequence of cached tokens per slot. By default it sends a prompt to the slot with the longest
shared prefix, so a new trace overwrites an unfinished trace of the same question. Here a prompt returns to a slot
only if it continues that slot's sequence; any other prompt takes the least recently used slot.

Saved prompt states: cached slot state in files, so that a prompt is processed once for all draws of a question.

On a CPU, a small model processes prompt tokens about as slowly as it decodes tokens. The state of a
slot is a few megabytes; writing and reading it takes milliseconds.
"""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

OWN = 8
"""Shared tokens beyond a trace's first prompt that identify a prompt of that trace, if it has grown by as many."""


@dataclass(slots=True)
class _Slot:
    tokens: list[int] = field(default_factory=list)
    root: int = 0  # length of the trace's first prompt, shared by other traces of the question
    waiting: int = 0  # number of open requests
    last_use: int = 0


@dataclass(frozen=True, slots=True)
class SlotPlacement:
    """Slot assigned to a prompt.

    Attributes:
        slot: The slot.
        fresh: The prompt begins a trace that no slot holds.
        shared_tokens: Number of prompt tokens that the slot holds.
    """

    slot: int
    fresh: bool
    shared_tokens: int


class Slots:
    """Cache slots of one or more engines. Safe between threads and event loops.

    Args:
        count: Number of slots over all engines.
        engines: Slot ``i`` belongs to engine ``i % engines``.
    """

    def __init__(self, count: int, engines: int = 1) -> None:
        self._slots = [_Slot() for _ in range(count)]
        self._engines = engines
        self._lock = threading.Lock()
        self._clock = 0

    def take(self, prompt: Sequence[int]) -> SlotPlacement:
        """Assign a slot to a prompt. If all are busy, the request waits in the assigned one.

        Example:
            >>> slots = Slots(2)
            >>> first = slots.take([1, 2, 3])
            >>> slots.give_back(first.slot, [1, 2, 3, 7, 8])
            >>> slots.take([1, 2, 3, 7, 8, 9]).slot == first.slot  # it continues that trace
            True
        """
        ids = list(prompt)
        with self._lock:
            n_shared = [0 if slot.waiting else shared_prefix(ids, slot.tokens) for slot in self._slots]
            continued_slots = [
                i for i, slot in enumerate(self._slots) if continues(len(ids), n_shared[i], root=slot.root)
            ]
            if continued_slots:
                chosen = max(continued_slots, key=lambda i: (n_shared[i], self._slots[i].last_use))
                root = min(self._slots[chosen].root, len(ids))
            else:
                load = [sum(slot.waiting for slot in self._slots[e :: self._engines]) for e in range(self._engines)]
                chosen = min(
                    range(len(self._slots)),
                    key=lambda i: (self._slots[i].waiting, load[i % self._engines], self._slots[i].last_use, i),
                )
                root = len(ids)
            slot = self._slots[chosen]
            self._clock += 1
            slot.root, slot.waiting, slot.last_use = root, slot.waiting + 1, self._clock
            return SlotPlacement(chosen, fresh=not continued_slots, shared_tokens=n_shared[chosen])

    def give_back(self, index: int, tokens: Sequence[int]) -> None:
        """Release a slot after a request; it now holds these tokens (none if the request failed)."""
        with self._lock:
            slot = self._slots[index]
            self._clock += 1
            slot.tokens, slot.waiting, slot.last_use = list(tokens), slot.waiting - 1, self._clock


def continues(length: int, n_shared: int, *, root: int) -> bool:
    """Return whether a prompt continues a cached trace, rather than merely asking the same question.

    Args:
        length: Length of the prompt, in tokens.
        n_shared: Number of its tokens that the trace shares.
        root: Length of the trace's first prompt.

    Example:
        >>> continues(60, 60, root=40), continues(60, 41, root=40)
        (True, False)
    """
    if length < root:  # the trace began with a fork, and now continues from its fork point
        return n_shared == length
    grown = length - root  # a new trace of the question shares almost none of this
    return grown > 0 and n_shared - root >= min(OWN, (grown + 1) // 2)


def shared_prefix(a: list[int], b: list[int]) -> int:
    """Return the length of the longest common prefix, in tokens.

    Example:
        >>> shared_prefix([1, 2, 3], [1, 2, 4, 5])
        2
    """
    low, high = 0, min(len(a), len(b))
    while low < high:  # comparing slices by halving: thousands of tokens in microseconds
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


WORTH = 8
"""Minimum number of tokens saved for a file to be written or read."""


class SavedPrompts:
    """LRU index of saved prompt states. Safe between threads and event loops.

    Args:
        folder: Folder to which the server writes the states.
        limit: Maximum total bytes. Draws come round after round, so all questions must fit: twenty prompts of 450
            tokens of SmolLM2 take 270 MB.
    """

    def __init__(self, folder: Path, *, limit: int = 512 << 20) -> None:
        self._folder = folder
        self._limit = limit
        self._saved: OrderedDict[str, list[int]] = OrderedDict()  # file name to the tokens of its state
        self._lock = threading.Lock()
        self._names = (f"prompt-{number}" for number in itertools.count())

    def new_name(self) -> str:
        """Return an unused file name."""
        with self._lock:
            return next(self._names)

    def find(self, prompt: Sequence[int], *, already: int) -> tuple[str, int] | None:
        """Return the file with the longest shared prefix and that length in tokens; None if it saves too little.

        Args:
            prompt: Token ids.
            already: Number of its tokens that the slot holds already.
        """
        ids = list(prompt)
        with self._lock:
            lengths = {name: shared_prefix(ids, tokens) for name, tokens in self._saved.items()}
            best = max(lengths, key=lambda name: lengths[name], default=None)
            if best is None or lengths[best] < already + WORTH:
                return None
            self._saved.move_to_end(best)
            return best, lengths[best]

    def add(self, name: str, tokens: Sequence[int]) -> None:
        """Add a file that the server has written; delete the oldest files beyond the limit."""
        with self._lock:
            self._saved[name] = list(tokens)
            sizes = {file_name: (self._folder / file_name).stat().st_size for file_name in self._saved}
            while len(self._saved) > 1 and sum(sizes.values()) > self._limit:
                oldest, _ = self._saved.popitem(last=False)
                del sizes[oldest]
                (self._folder / oldest).unlink()
