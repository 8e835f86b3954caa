"""A ledger in SQLite, for several processes of one host.

Every method is one immediate transaction with a write-ahead log. A killed process loses what it had not committed; a
lost power supply the last transactions at most, and the file stays whole: so commits wait for no disk, and a thread
copies the log into the file meanwhile (a commit that had to would wait for a tenth of a second).
"""

import contextlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np

from overthink.errors import InputError
from overthink.gateway.ledger import (
    ENDED,
    LATEST,
    STORE_VERSION,
    BusyError,
    Counter,
    Demand,
    Fingerprint,
    Grant,
    Head,
    Lapse,
    Reservation,
    SteadyClock,
    StoreError,
    family_name,
    new_id,
    require_clock,
    require_version,
    share,
)

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (counter TEXT, bucket INTEGER, amount INTEGER NOT NULL, PRIMARY KEY (counter, bucket))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams (counter TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservations (id TEXT PRIMARY KEY, expires REAL NOT NULL, reserved INTEGER NOT NULL,
  used INTEGER NOT NULL, prompt INTEGER NOT NULL, tries INTEGER NOT NULL, note TEXT NOT NULL,
  family TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_expiry ON reservations (expires);
CREATE TABLE IF NOT EXISTS holds (reservation TEXT, counter TEXT, bucket INTEGER, kind TEXT, amount INTEGER NOT NULL,
  PRIMARY KEY (reservation, counter, bucket)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lapses (id TEXT PRIMARY KEY, used INTEGER NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS families (id INTEGER PRIMARY KEY, scope TEXT, exact TEXT, family TEXT NOT NULL,
  signature BLOB NOT NULL, UNIQUE (scope, exact));
CREATE TABLE IF NOT EXISTS heads (start TEXT PRIMARY KEY, lines INTEGER NOT NULL, last TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bands (band INTEGER, id INTEGER, PRIMARY KEY (band, id)) WITHOUT ROWID;
"""
_NEAR = "SELECT band, id FROM bands WHERE band IN"
_REQUESTS = "SELECT id, family, signature FROM families WHERE id IN"
_BAND_MEMBERS = 50
"""Requests of a band, the oldest; one that more share says little."""
_PAGE_BYTES = 1_024
"""A new request changes a page for each of its bands, and each goes into the log whole."""
_HELD = (
    "SELECT (SELECT COALESCE(SUM(amount), 0) FROM sums WHERE counter = ?1 AND bucket >= ?2), "
    "COALESCE((SELECT n FROM streams WHERE counter = ?1), 0)"
)
_ADD_SUM = "INSERT INTO sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
_ADD_HOLD = "INSERT INTO holds VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
_ADD_STREAM = "INSERT INTO streams VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1"
_NOW = "UPDATE meta SET value = MAX(value, ?) WHERE name = 'now' RETURNING value"
_PATIENCE = 5.0
"""Seconds that a transaction waits for those of other processes."""
_PAUSE = 0.001
"""Seconds between two looks whether another process has ended its own."""
_MAGIC = b"SQLite format 3\x00"
_COPY_SECONDS = 1.0
_LOG_PAGES = 4_000
"""Pages after which the log begins anew."""


class SqliteLedger:
    """A ledger in a file.

    Args:
        path: The file; it is made if it is missing.
        seconds: Time after which a reservation that was not extended comes back.
        clock: Seconds since 1970.

    Raises:
        InputError: The file cannot be used, is of another version, or from another clock.
    """

    def __init__(self, path: Path, *, seconds: float, clock: Callable[[], float] | None = None) -> None:
        self._path, self._seconds, self._clock = path, seconds, clock or SteadyClock()
        self._lock = threading.Lock()
        with contextlib.ExitStack() as undo:
            try:
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                undo.callback(os.close, self._file)
                self._db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
                undo.callback(self._db.close)
                self._db.execute(f"PRAGMA page_size={_PAGE_BYTES}")
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._db.execute("PRAGMA wal_autocheckpoint=0")
                self._db.executescript(_TABLES)
                self._db.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (STORE_VERSION,))
                self._db.execute("INSERT OR IGNORE INTO meta VALUES ('salt', ?)", (secrets.token_hex(16),))
                self._db.execute("INSERT OR IGNORE INTO meta VALUES ('now', 0.0)")
                self._db.execute("PRAGMA busy_timeout=0")  # waiting is for _begin
                meta = dict(self._db.execute("SELECT name, value FROM meta"))
            except (OSError, sqlite3.Error) as failure:
                raise InputError(
                    f"{path} cannot be a store: {failure}; needed: a file that can be written"
                ) from failure
            self.salt = bytes.fromhex(str(meta["salt"]))
            require_version(str(meta["version"]), str(path))
            require_clock(float(meta["now"]), self._clock(), str(path))
            self._is_closed = threading.Event()
            self._copying = threading.Thread(target=self._copy_log, daemon=True)
            self._copying.start()
            self._undo = undo.pop_all()

    def _copy_log(self) -> None:
        """Copy the log into the file every second, while others write to it, and begin it anew where it is long."""
        db = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
        while not self._is_closed.wait(_COPY_SECONDS):
            with contextlib.suppress(sqlite3.Error):  # a file that is broken is for the next transaction to say
                _, pages, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if pages > _LOG_PAGES:
                    db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        db.close()

    @contextmanager
    def _transaction(self, *, wait: bool = True) -> Iterator[float]:
        """A transaction, at the store's time: it never goes back, whatever the clocks of the processes say."""
        if not self._lock.acquire(blocking=wait):
            raise BusyError
        try:
            self._require_file()
            self._begin(wait)
            try:
                times = self._db.execute(_NOW, (self._clock(),)).fetchall()
                if not times:
                    raise StoreError(f"{self._path} was emptied while it was in use")
                yield times[0][0]
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as failure:
            raise StoreError(f"{self._path}: {failure}") from failure
        finally:
            self._lock.release()

    def _begin(self, wait: bool) -> None:
        """Begin a transaction; where another process has one, wait for its end or raise an error at once."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as failure:
                is_busy = failure.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if is_busy and not wait:
                    raise BusyError from failure
                if not is_busy or time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
            else:
                return

    def _require_file(self) -> None:
        """Raise an error where the file was overwritten or replaced, which the pages in memory would hide at first."""
        try:
            is_own = os.path.samestat(self._path.stat(), os.fstat(self._file))
            is_whole = os.pread(self._file, len(_MAGIC), 0) == _MAGIC
        except OSError as failure:
            raise StoreError(f"{self._path}: {failure}") from failure
        if not is_own or not is_whole:
            raise StoreError(f"{self._path} was {'overwritten' if is_own else 'replaced'} while it was in use")

    def reserve(self, demand: Demand, *, wait: bool = True) -> Grant:
        """Reserve tokens and tries, or refuse."""
        with self._transaction(wait=wait) as now:
            lapses = self._reap(now)
            if demand.head is not None:
                self._anchor(demand.head)
            family, bands, counters = "", None, demand.counters
            if demand.fingerprint is not None:
                family, bands = self._family(demand.fingerprint)
                cap = demand.fingerprint.cap
                counters += (Counter(family, 2**53 if cap is None else cap, demand.fingerprint.window, tries=True),)
            tokens, tries = demand.tokens, 0
            for counter in counters:
                held, streams = self._held(counter, now)
                free = counter.cap - held
                need = demand.tries if counter.tries else demand.least + demand.prompt * counter.prompts
                if free < need:
                    return Grant("", 0, family, refusal=counter.name, open=streams, at=now, lapses=lapses)
                if counter.tries:
                    tries = held + demand.tries
                else:
                    room = free - demand.prompt * counter.prompts
                    tokens = min(tokens, max(demand.least, share(room, streams + 1, tokens, whole=demand.whole)))
            if demand.fingerprint is not None and bands is not None:
                self._add_member(demand.fingerprint, family, bands)
            reservation = new_id()
            self._db.execute(
                "INSERT INTO reservations VALUES (?, ?, ?, 0, ?, ?, ?, ?)",
                (reservation, now + self._seconds, tokens, demand.prompt, demand.tries, demand.note, family),
            )
            amounts = [
                (counter, demand.tries if counter.tries else tokens + demand.prompt * counter.prompts)
                for counter in counters
            ]
            self._add(reservation, amounts, now)
            self._db.executemany(_ADD_STREAM, [(counter.name,) for counter in counters if not counter.tries])
            return Grant(reservation, tokens, family, tries if family else 0, at=now, lapses=lapses)

    def extend(self, reservation: Reservation, *, use: int, tokens: int, wait: bool = True) -> int:
        """Report the tokens used so far, and reserve more; 0 where a cap is reached, ENDED out of time."""
        with self._transaction(wait=wait) as now:
            done = self._db.execute(
                "UPDATE reservations SET used = MAX(used, ?), expires = ? WHERE id = ?",
                (use, now + self._seconds, reservation.id),
            )
            if done.rowcount == 0:
                return ENDED
            counters = [counter for counter in reservation.counters if not counter.tries]
            for counter in counters:
                held, streams = self._held(counter, now)
                tokens = share(counter.cap - held, streams, tokens)
            if tokens > 0:
                self._db.execute(
                    "UPDATE reservations SET reserved = reserved + ? WHERE id = ?", (tokens, reservation.id)
                )
                self._add(reservation.id, [(counter, tokens) for counter in counters], now)
            return tokens

    def settle(self, reservation: Reservation, *, use: int, prompt: int, tries: int, wait: bool = True) -> None:
        """End a reservation with what was used in the end."""
        with self._transaction(wait=wait) as now:
            lapse = self._db.execute("DELETE FROM lapses WHERE id = ? RETURNING used", (reservation.id,)).fetchone()
            if lapse is None:
                self._end(reservation.id, use=use, prompt=prompt, tries=tries)
                return
            more = max(0, use - lapse[0])
            rows = [(counter.name, counter.bucket(now), more) for counter in reservation.counters if not counter.tries]
            self._db.executemany(_ADD_SUM, rows)

    def usage(self, counters: Sequence[Counter]) -> list[int]:
        """Return what each counter holds now, reservations included."""
        with self._transaction() as now:
            self._reap(now)
            return [self._held(counter, now)[0] for counter in counters]

    def families(self, scope: str, window: float | None) -> list[tuple[str, int]]:
        """Return the requests of a scope and their tries in a window, the most first, at most a hundred."""
        with self._transaction() as now:
            first = Counter("", 0, window).first_bucket(now)
            return self._db.execute(
                "SELECT f.family, COALESCE(SUM(s.amount), 0) AS n FROM (SELECT DISTINCT family FROM families "
                "WHERE scope = ?) f LEFT JOIN sums s ON s.counter = f.family AND s.bucket >= ? "
                "GROUP BY f.family ORDER BY n DESC LIMIT 100",
                (scope, first),
            ).fetchall()

    def anchor(self, head: Head) -> None:
        """Keep where a usage ledger ends."""
        with self._transaction():
            self._anchor(head)

    def heads(self) -> list[Head]:
        """Return where every usage ledger of the store ended when that was last kept."""
        with self._transaction():
            return [Head(*row) for row in self._db.execute("SELECT start, lines, last FROM heads ORDER BY start")]

    def close(self) -> None:
        """Close the file."""
        self._is_closed.set()
        self._copying.join()
        self._undo.close()  # the file's own descriptor last: that ends all locks of this process on it

    def _anchor(self, head: Head) -> None:
        self._db.execute(
            "INSERT INTO heads VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET lines = excluded.lines, last = excluded.last "
            "WHERE excluded.lines > lines",
            (head.start, head.lines, head.last),
        )

    def _held(self, counter: Counter, now: float) -> tuple[int, int]:
        """Return what a counter holds now, and its open reservations."""
        ((held, streams),) = self._db.execute(_HELD, (counter.name, counter.first_bucket(now)))
        return held, streams

    def _add(self, reservation: str, amounts: Sequence[tuple[Counter, int]], now: float) -> None:
        """Let a reservation hold more of counters."""
        rows = [(c.name, c.bucket(now), amount, _kind(c)) for c, amount in amounts]
        self._db.executemany(_ADD_SUM, [row[:3] for row in rows])
        self._db.executemany(_ADD_HOLD, [(reservation, name, bucket, kind, n) for name, bucket, n, kind in rows])
        for counter, _ in amounts:
            if counter.window is not None:  # what no window can reach again
                self._db.execute(
                    "DELETE FROM sums WHERE counter = ? AND bucket < ?", (counter.name, counter.first_bucket(now))
                )

    def _end(self, reservation: str, *, use: int, prompt: int, tries: int) -> None:
        """Put what was used in the place of what was reserved, newest bucket first; none is left below 0."""
        rows = self._db.execute(
            "SELECT counter, bucket, kind, amount FROM holds WHERE reservation = ? ORDER BY counter, bucket DESC",
            (reservation,),
        ).fetchall()
        if self._db.execute("DELETE FROM reservations WHERE id = ?", (reservation,)).rowcount == 0:
            return
        by_counter: dict[str, list[tuple[int, str, int]]] = {}
        for counter, bucket, kind, amount in rows:
            by_counter.setdefault(counter, []).append((bucket, kind, amount))
        more, less, ends = [], [], []
        for counter, holds in by_counter.items():
            final = {"tries": tries, "prompts": use + prompt, "tokens": use}[holds[0][1]]
            excess = sum(amount for _, _, amount in holds) - final
            if excess < 0:
                more.append((counter, holds[0][0], -excess))
            for bucket, _, amount in holds:
                back = max(0, min(excess, amount))
                excess -= back
                if back:
                    less.append((back, counter, bucket))
            if holds[0][1] != "tries":
                ends.append((counter,))
        self._db.executemany(_ADD_SUM, more)
        self._db.executemany("UPDATE sums SET amount = amount - ? WHERE counter = ? AND bucket = ?", less)
        self._db.executemany("UPDATE streams SET n = n - 1 WHERE counter = ?", ends)
        self._db.executemany("DELETE FROM streams WHERE counter = ? AND n <= 0", ends)
        self._db.execute("DELETE FROM holds WHERE reservation = ?", (reservation,))

    def _reap(self, now: float) -> tuple[Lapse, ...]:
        """End the reservations that ran out of time with what they had reported; their tries and prompts stay."""
        rows = self._db.execute(
            "SELECT id, used, note, family, prompt, tries FROM reservations WHERE expires < ?", (now,)
        ).fetchall()
        for reservation, use, _, _, prompt, tries in rows:
            self._end(reservation, use=use, prompt=prompt, tries=tries)
            self._db.execute("INSERT INTO lapses VALUES (?, ?, ?)", (reservation, use, now))
        if rows:
            self._db.execute("DELETE FROM lapses WHERE at < ?", (now - LATEST * self._seconds,))
        return tuple(Lapse(*row) for row in rows)

    def _family(self, fingerprint: Fingerprint) -> tuple[str, list[int] | None]:
        """Return the family of a request and the bands that are to lead to it, None where the request is a member.

        The family is that of an equal request, else of the nearest near copy, which has the bands, else a new one.
        """
        scope, exact = fingerprint.scope, fingerprint.exact
        row = self._db.execute("SELECT family FROM families WHERE scope = ? AND exact = ?", (scope, exact)).fetchone()
        if row is not None:
            return str(row[0]), None
        bands: dict[int, list[int]] = {band: [] for band in fingerprint.bands}
        for band, number in self._db.execute(f"{_NEAR} ({_marks(len(bands))}) ORDER BY id", [*bands]):
            if len(bands[band]) < _BAND_MEMBERS:
                bands[band].append(number)
        near = self._near_family(fingerprint, list(dict.fromkeys(chain.from_iterable(bands.values()))))
        if near is not None:
            return near, []
        return family_name(fingerprint), [band for band, members in bands.items() if len(members) < _BAND_MEMBERS]

    def _add_member(self, fingerprint: Fingerprint, family: str, bands: Sequence[int]) -> None:
        """Add a request that was granted to its family; a refused one leaves nothing behind."""
        added = self._db.execute(
            "INSERT INTO families VALUES (NULL, ?, ?, ?, ?)",
            (fingerprint.scope, fingerprint.exact, family, fingerprint.signature),
        )
        self._db.executemany("INSERT INTO bands VALUES (?, ?)", [(band, added.lastrowid) for band in bands])

    def _near_family(self, fingerprint: Fingerprint, numbers: Sequence[int]) -> str | None:
        """Return the family of the nearest of some requests, of two the first; None where none is near enough."""
        if not numbers:
            return None
        rows = {row[0]: row[1:] for row in self._db.execute(f"{_REQUESTS} ({_marks(len(numbers))})", numbers)}
        signatures = np.frombuffer(b"".join(rows[number][1] for number in numbers), np.uint8)
        own = np.frombuffer(fingerprint.signature, np.uint8)
        overlaps = (signatures.reshape(len(numbers), -1) == own).mean(axis=1)
        best = int(overlaps.argmax())
        return str(rows[numbers[best]][0]) if overlaps[best] >= fingerprint.threshold else None


def _marks(n: int) -> str:
    return ",".join("?" * n)


def _kind(counter: Counter) -> str:
    return "tries" if counter.tries else "prompts" if counter.prompts else "tokens"
