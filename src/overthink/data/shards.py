"""Shards: the part of a study's questions that one process collects, found from task and question alone.

No shard needs to know another: the same question is in the same shard wherever it is asked.
"""

import hashlib
import re
from dataclasses import dataclass

from overthink.errors import InputError

MOST_SHARDS = 1_000_000
"""Shards of a study."""

_TEXT = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of a study's questions.

    Attributes:
        number: Its number, from 1.
        of: Number of shards.

    Example:
        >>> Shard(2, 4).holds("sums", "q1"), Shard(3, 4).holds("sums", "q1")
        (True, False)
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def name(self) -> str:
        """Its name as a folder."""
        return f"{self.number}-of-{self.of}"

    def holds(self, task: str, question: str) -> bool:
        """Whether a question is in it."""
        return shard_of(task, question, self.of) == self.number


def shard_of(task: str, question: str, of: int) -> int:
    """Return the number of a question's shard, from 1.

    It is the first eight bytes of the SHA-256 of task and question, with NUL between them, as one big-endian number,
    modulo the number of shards, and 1.

    Args:
        task: Name of the task in the pool.
        question: Id of the question.
        of: Number of shards.
    """
    digest = hashlib.sha256(f"{task}\0{question}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % of + 1


def read_shard(text: str) -> Shard:
    """Return the shard that a text names.

    Raises:
        InputError: The text is no shard, or there are fewer.

    Example:
        >>> read_shard("3/16")
        Shard(number=3, of=16)
    """
    match = _TEXT.fullmatch(text)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of <= MOST_SHARDS:
        fault = f"there is no shard {number} of {of}" if match else "this is not of the form i/n"
        raise InputError(
            f"shard {text[:40]!r}: {fault}; needed: i/n with i from 1 to n, as 3/16 for the third of sixteen parts "
            f"(n is at most {MOST_SHARDS:,})"
        )
    return Shard(number, of)
