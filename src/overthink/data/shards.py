"""Shards, the part of a study's questions that one process collects, and the workers that collect them.

No shard needs to know another: the same question is in the same shard wherever it is asked.

``processes:4`` are four processes of this machine, ``ray:4`` four workers of a Ray that is started here, and
``ray:HOST:PORT`` or ``ray:auto`` those of a Ray cluster that runs already.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum, auto

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


MOST_WORKERS = 1024
"""Workers on one machine."""

AUTO = "auto"
"""Address of the cluster that this machine is a part of."""

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_NEEDED = "processes or processes:N, or ray, ray:N, ray:HOST:PORT or ray:auto"


class WorkerKind(StrEnum):
    """What workers are."""

    PROCESSES = auto()
    RAY = auto()


@dataclass(frozen=True, slots=True)
class Workers:
    """Workers of a run.

    Attributes:
        kind: What they are.
        count: Their number; None for one per processor, or for those of a cluster.
        address: Address of the Ray cluster, as ``HOST:PORT`` or ``auto``; None on this machine alone.
    """

    kind: WorkerKind
    count: int | None = None
    address: str | None = None

    def __str__(self) -> str:
        place = self.address if self.count is None else self.count
        return self.kind if place is None else f"{self.kind}:{place}"


def read_workers(text: str) -> Workers:
    """Return the workers that a text names.

    Raises:
        InputError: The text names none.

    Example:
        >>> read_workers("ray:10.0.0.1:6379").address, read_workers("processes:4").count
        ('10.0.0.1:6379', 4)
    """
    name, colon, place = text.partition(":")
    if name not in [*WorkerKind] or (colon and not place):
        raise InputError(f"workers {text[:80]!r} are none; needed: {_NEEDED}")
    kind = WorkerKind(name)
    if not colon:
        return Workers(kind)
    if re.fullmatch(r"[0-9]{1,4}", place):
        if not 1 <= int(place) <= MOST_WORKERS:
            raise InputError(f"workers {text[:80]!r}: {place} is no number of workers; needed: 1 to {MOST_WORKERS:,}")
        return Workers(kind, count=int(place))
    match = _ADDRESS.fullmatch(place)
    if kind is WorkerKind.RAY and (place == AUTO or (match and 0 < int(match[2]) < 65536)):
        return Workers(kind, address=place)
    raise InputError(f"workers {text[:80]!r} are none; needed: {_NEEDED}")
