"""Workers: what collects the shards of one run at the same time, and where.

``processes:4`` are four processes of this machine, ``ray:4`` four workers of a Ray that is started here, and
``ray:HOST:PORT`` or ``ray:auto`` those of a Ray cluster that runs already.
"""

import re
from dataclasses import dataclass
from enum import StrEnum, auto

from overthink.errors import InputError

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
