"""Saved prompt states: cached slot state in files, so that a prompt is processed once for all draws of a question.

On a CPU, a small model processes prompt tokens about as slowly as it decodes tokens. The state of a
slot is a few megabytes; writing and reading it takes milliseconds.
"""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from overthink.collect.providers.embedded.cache import shared_prefix

WORTH = 8
"""Minimum number of tokens saved for a file to be written or read."""


class SavedPrompts:
    """LRU index of saved prompt states. Safe between threads and event loops.

    Args:
        folder: Folder to which the server writes the states.
        limit: Maximum total bytes.
    """

    def __init__(self, folder: Path, *, limit: int = 256 << 20) -> None:
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
