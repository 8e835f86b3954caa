"""The ledger of a gateway: what is used and what is reserved, in a store that several replicas share.

Three methods change it, each in one transaction: :meth:`Ledger.reserve` before a request goes upstream,
:meth:`Ledger.extend` while its answer streams, and :meth:`Ledger.settle` at its end. What is reserved counts as used
until it is settled, so that concurrent streams cannot together go beyond a cap. A reservation that is not extended in
its time was a crashed replica's: what it had not reported as used comes back.

A counter with a window counts in buckets of a sixtieth of it, and a window is as long as sixty-one buckets: whatever
its edge, no window of the stated length holds more than the cap.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from overthink.errors import InputError, OverthinkError

BUCKETS = 60
"""Buckets of a window."""
LATEST = 100
"""Times of a reservation for which a late report of one that lapsed is still added."""
ENDED = -1
"""Tokens of a reservation that ran out of time: its stream ends."""
STORE_VERSION = "2"
AHEAD = 60.0
"""Seconds by which a store may be ahead of this machine's clock when it is opened."""


class StoreError(OverthinkError):
    """The store cannot be reached or used while the gateway runs: nothing is let through."""


class BusyError(Exception):
    """A call that was not to wait would have waited for others, or for a network; it changed nothing."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A cap on an amount, per window or for life.

    Attributes:
        name: Name of the counter: what it counts, and whose.
        cap: Most that it may hold.
        window: Length of its window in seconds; None for the life of the store.
        tries: It counts tries, which are reserved at once; else tokens, which a stream extends.
        prompts: It counts the tokens of prompts, too.
    """

    name: str
    cap: int
    window: float | None
    tries: bool = False
    prompts: bool = False

    def bucket(self, now: float) -> int:
        """Return the bucket of a time; 0 for a lifetime counter."""
        return 0 if self.window is None else int(now / self.window * BUCKETS)

    def first_bucket(self, now: float) -> int:
        """Return the oldest bucket that a window which ends now may touch."""
        return 0 if self.window is None else self.bucket(now) - BUCKETS


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A request as it is recognised again.

    Attributes:
        scope: Whose tries are counted together.
        exact: Hash of the normalised request.
        bands: Hashes of the bands of its MinHash with its scope, of 64 bits, under which near copies are looked up.
        signature: Lowest byte of every minimum, which estimates the overlap with one that was found.
        threshold: Least share of equal bytes of a near copy.
        cap: Most tries of one request; None without a cap.
        window: Window of that cap in seconds; None for life.
    """

    scope: str
    exact: str
    bands: tuple[int, ...]
    signature: bytes
    threshold: float
    cap: int | None
    window: float | None


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain of a usage ledger ends, as the store keeps it: so that lines taken away are noticed.

    Attributes:
        start: Hash of its first line, which names it.
        lines: Its lines.
        last: Hash of the last.
    """

    start: str
    lines: int
    last: str


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request needs before it goes upstream.

    Attributes:
        counters: Caps that it counts towards.
        tries: Samples that it asks for.
        prompt: Tokens of its prompt, as estimated.
        tokens: Tokens wanted at once.
        least: Fewest tokens with which it is worth to begin.
        fingerprint: How it is recognised; None where no tries are counted per request.
        note: What is written about it where its replica dies.
        whole: Its answer is not streamed: what it gets now is all that it gets.
        head: Where its replica's usage ledger ends; None where it has no line.
    """

    counters: tuple[Counter, ...]
    tries: int
    prompt: int
    tokens: int
    least: int
    fingerprint: Fingerprint | None = None
    note: str = "{}"
    whole: bool = False
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """A reservation that ran out of time: its replica died.

    Attributes:
        id: Of the reservation.
        use: Tokens that it had reported.
        note: What was to be written about it.
        family: Of the requests that count as its own; empty where none are counted.
        prompt: Tokens of its prompt, as estimated.
        tries: Its tries, which stay.
    """

    id: str
    use: int
    note: str
    family: str
    prompt: int
    tries: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a demand.

    Attributes:
        id: Of the reservation; empty where it is refused.
        tokens: Tokens that may be used.
        family: Of the requests that count as this one; empty where none are counted.
        tries: Tries of that family, this one included.
        refusal: Name of the counter that refuses it; empty where it is granted.
        open: Reservations of that counter that are open, and may give back some of it.
        at: Time of the store, in seconds since 1970.
        lapses: Reservations that ran out of time meanwhile.
    """

    id: str
    tokens: int
    family: str = ""
    tries: int = 0
    refusal: str = ""
    open: int = 0
    at: float = 0.0
    lapses: tuple[Lapse, ...] = ()


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a replica keeps of a reservation: its id and the counters that it counts towards."""

    id: str
    counters: tuple[Counter, ...] = field(default=())


class Ledger(Protocol):
    """The ledger of three methods, one that keeps the end of a usage ledger, and three that read.

    With `wait=False` the three methods raise :class:`BusyError`, and change nothing, where they would wait for others
    or for a network: a loop can call them itself, and leaves only what would wait to a thread.

    Attributes:
        salt: Random bytes of the store, with which requests are hashed.
    """

    salt: bytes

    def reserve(self, demand: Demand, *, wait: bool = True) -> Grant:
        """Reserve tokens and tries, or refuse. All caps are checked together, and a refusal counts nowhere."""

    def extend(self, reservation: Reservation, *, use: int, tokens: int, wait: bool = True) -> int:
        """Report the tokens used so far, and reserve more.

        Returns how many more: 0 where a cap is reached, :data:`ENDED` where the reservation ran out of time.

        While a cap is near, each of the open streams gets at most half of its even share.
        """

    def settle(self, reservation: Reservation, *, use: int, prompt: int, tries: int, wait: bool = True) -> None:
        """End a reservation with what was used in the end.

        Of one that ran out of time, what had not been reported is added; one that was settled is left as it is.
        """

    def usage(self, counters: Sequence[Counter]) -> list[int]:
        """Return what each counter holds now, reservations included."""

    def families(self, scope: str, window: float | None) -> list[tuple[str, int]]:
        """Return the requests of a scope and their tries in a window, the most first, at most a hundred."""

    def anchor(self, head: Head) -> None:
        """Keep where a usage ledger ends; :meth:`reserve` does so with every demand."""

    def heads(self) -> list[Head]:
        """Return where every usage ledger of the store ended when that was last kept."""

    def close(self) -> None:
        """Close the store."""


def share(free: int, streams: int, tokens: int, *, whole: bool = False) -> int:
    """Return how many of the tokens wanted a stream gets: half its even share of what is free, and at least one.

    Half, so that the streams near a cap come to it in ever smaller steps, and little is left over; an answer that is
    not streamed gets its share at once.

    Args:
        free: Tokens below the nearest cap.
        streams: Open reservations that count towards it, at least 1.
        tokens: Tokens wanted.
        whole: The answer is not streamed.

    Example:
        >>> share(10_000, 10, 64), share(100, 10, 64), share(1, 10, 64), share(0, 10, 64)
        (64, 5, 1, 0)
    """
    return 0 if free <= 0 or tokens <= 0 else min(tokens, free, max(1, free // ((1 if whole else 2) * max(1, streams))))


class SteadyClock:
    """Seconds since 1970 that no change of the system's clock moves: the time at the start, and what has passed.

    Args:
        start: Time at the start; the system's where left out.
        passing: Clock of what has passed.
    """

    def __init__(self, start: float | None = None, passing: Callable[[], float] = time.monotonic) -> None:
        self._passing = passing
        self._offset = (time.time() if start is None else start) - passing()

    def __call__(self) -> float:
        """Return the time."""
        return self._offset + self._passing()


def new_id() -> str:
    """Return a random name of a reservation."""
    return secrets.token_hex(12)


def family_name(request: Fingerprint) -> str:
    """Return the name of the counter of the family that a request is the first of; the same for each equal request."""
    return f"tries/{request.scope}/{hashlib.sha256(request.exact.encode()).hexdigest()[:16]}"


def require_clock(last: float, now: float, store: str) -> None:
    """Raise an error where a store was last used at a time that has not come.

    Raises:
        InputError: It was.
    """
    if last > now + AHEAD:
        raise InputError(
            f"{store} was last used {last - now:,.0f} seconds from now, so one of the clocks is wrong; needed: this "
            "machine's clock set, or that time to pass"
        )


def require_version(version: str, store: str) -> None:
    """Raise an error where a store has another version.

    Raises:
        InputError: It has.
    """
    if version != STORE_VERSION:
        raise InputError(
            f"{store} is a store of version {version[:20]!r}; needed: {STORE_VERSION!r}. Name another store, or use "
            "the Overthink that made it"
        )
