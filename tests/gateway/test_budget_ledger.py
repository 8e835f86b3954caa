"""The ledger: no cap is passed by whatever order of calls, a crash gives back what it must, and both stores agree."""

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fakeredis
import pytest

from overthink.errors import InputError
from overthink.gateway.ledger import (
    ENDED,
    BusyError,
    Counter,
    Demand,
    Fingerprint,
    Ledger,
    Reservation,
    SteadyClock,
    StoreError,
)
from overthink.gateway.redis_ledger import RedisLedger
from overthink.gateway.sqlite_ledger import SqliteLedger
from overthink.gateway.stores import open_ledger

TTL = 30.0
LIFE = Counter("life", 1000, None)
WINDOW = Counter("window", 100, 60.0)
PROMPTS = Counter("prompts", 5000, 600.0, prompts=True)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def sqlite(folder: Path, clock: Clock) -> Ledger:
    return SqliteLedger(folder / "store.db", seconds=TTL, clock=clock)


def redis(_: Path, clock: Clock) -> Ledger:
    return RedisLedger(fakeredis.FakeRedis(), seconds=TTL, clock=clock)


STORES = [sqlite, redis]
Store = Callable[[Path, Clock], Ledger]
stores = pytest.mark.parametrize("store", STORES, ids=lambda store: store.__name__)


def demand(*counters: Counter, tokens: int = 10, **fields: Any) -> Demand:
    return Demand(counters, **({"tries": 1, "prompt": 0, "least": 1} | fields), tokens=tokens)


def fingerprint(text: str, cap: int | None = 3, threshold: float = 0.9) -> Fingerprint:
    """A request whose bands and signature are its letters: near copies differ in few of sixteen."""
    padded = text.ljust(16, "_")[:16]
    bands = tuple(int.from_bytes(f"{i}{padded[4 * i : 4 * i + 4]}".encode(), "big") for i in range(4))
    return Fingerprint("org", text, bands, padded.encode(), threshold, cap, None)


@stores
def test_what_is_reserved_counts_until_it_is_settled(store: Store, tmp_path: Path) -> None:
    ledger = store(tmp_path, Clock())
    grant = ledger.reserve(demand(LIFE, PROMPTS, tokens=400, prompt=50))
    assert grant.tokens == 400
    assert ledger.usage([LIFE, PROMPTS]) == [400, 450]
    ledger.settle(Reservation(grant.id), use=70, prompt=60, tries=1)
    assert ledger.usage([LIFE, PROMPTS]) == [70, 130]
    ledger.settle(Reservation(grant.id), use=999, prompt=0, tries=1)  # one that has ended
    assert ledger.usage([LIFE, PROMPTS]) == [70, 130]
    assert ledger.extend(Reservation(grant.id, (LIFE,)), use=70, tokens=5) == ENDED


@stores
def test_a_stream_that_used_more_than_it_had_is_counted_in_full(store: Store, tmp_path: Path) -> None:
    ledger = store(tmp_path, Clock())
    grant = ledger.reserve(demand(LIFE, tokens=10))
    ledger.settle(Reservation(grant.id), use=1200, prompt=0, tries=1)
    assert ledger.usage([LIFE]) == [1200]
    assert ledger.reserve(demand(LIFE)).refusal == "life"


@stores
def test_streams_in_turn_use_a_budget_to_its_last_token_and_no_more(store: Store, tmp_path: Path) -> None:
    ledger = store(tmp_path, Clock())
    grants = [ledger.reserve(demand(LIFE, tokens=16)) for _ in range(20)]
    open_streams = {grant.id: grant.tokens for grant in grants if grant.id}
    while open_streams:
        for name in list(open_streams):
            more = ledger.extend(Reservation(name, (LIFE,)), use=open_streams[name], tokens=16)
            if more == 0:
                ledger.settle(Reservation(name), use=open_streams.pop(name), prompt=0, tries=1)
            else:
                open_streams[name] += more
    assert ledger.usage([LIFE]) == [1000]


@stores
def test_no_window_holds_more_than_its_cap_wherever_its_edge(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    ledger, spent = store(tmp_path, clock), []
    rng = random.Random(5)
    for _ in range(300):
        clock.now += rng.choice([0.0, 0.3, 2.0, 29.0])
        grant = ledger.reserve(demand(WINDOW, tokens=rng.randint(1, 60)))
        if grant.id:
            ledger.settle(Reservation(grant.id), use=grant.tokens, prompt=0, tries=1)
            spent.append((clock.now, grant.tokens))
    held = [sum(tokens for at, tokens in spent if end - 60.0 < at <= end) for end, _ in spent]
    assert max(held) <= 100
    assert sum(held) / len(held) > 50  # it is used, too
    assert sum(tokens for _, tokens in spent) > 1000


@stores
def test_an_aligned_window_would_be_spent_twice(store: Store, tmp_path: Path) -> None:
    """The positive control: at the edge of an aligned minute 100 tokens a moment later would be free again."""
    clock = Clock()
    clock.now = 60.0 * 30_000_000 - 0.5
    ledger = store(tmp_path, clock)
    assert ledger.reserve(demand(WINDOW, tokens=100, least=100)).tokens == 100
    clock.now += 1.0
    assert ledger.reserve(demand(WINDOW, tokens=100)).refusal == "window"
    clock.now += 61.0
    assert ledger.reserve(demand(WINDOW, tokens=100)).tokens > 0


@stores
def test_a_reservation_comes_back_in_its_time_with_what_was_reported(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    ledger = store(tmp_path, clock)
    grant = ledger.reserve(demand(LIFE, tokens=300, note='{"principal": "a"}'))
    assert ledger.extend(Reservation(grant.id, (LIFE,)), use=120, tokens=0) == 0
    clock.now += TTL - 1
    assert ledger.usage([LIFE]) == [300]
    clock.now += 2
    (lapse,) = ledger.reserve(demand(LIFE, tokens=1)).lapses
    assert (lapse.id, lapse.use, lapse.note) == (grant.id, 120, '{"principal": "a"}')
    assert ledger.usage([LIFE]) == [121]
    late = Reservation(grant.id, (LIFE,))  # it was not dead, only slow
    assert ledger.extend(late, use=150, tokens=5) == ENDED
    for _ in range(2):
        ledger.settle(late, use=150, prompt=0, tries=1)
        assert ledger.usage([LIFE]) == [151]


@stores
def test_a_clock_that_goes_back_frees_nothing(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    ledger = store(tmp_path, clock)
    grant = ledger.reserve(demand(WINDOW, tokens=100, least=100))
    ledger.settle(Reservation(grant.id), use=100, prompt=0, tries=1)
    clock.now -= 7200
    assert ledger.reserve(demand(WINDOW)).refusal == "window"
    clock.now += 7200 + 62
    assert ledger.reserve(demand(WINDOW)).id


def test_a_jump_of_the_systems_clock_moves_no_process() -> None:
    passing = Clock()
    clock = SteadyClock(start=1000.0, passing=passing)
    passing.now += 5
    assert clock() == 1005.0


@stores
def test_a_refusal_counts_nowhere_and_names_its_counter(store: Store, tmp_path: Path) -> None:
    ledger = store(tmp_path, Clock())
    tight = Counter("tight", 5, None)
    refused = ledger.reserve(demand(LIFE, tight, tokens=10, least=10))
    assert (refused.refusal, refused.open) == ("tight", 0)
    assert ledger.usage([LIFE, tight]) == [0, 0]
    own = Reservation(ledger.reserve(demand(tight, tokens=5, least=5)).id)
    assert ledger.reserve(demand(tight)).open == 1
    ledger.settle(own, use=5, prompt=0, tries=1)
    assert ledger.reserve(demand(tight)).open == 0


@stores
def test_a_refused_request_leaves_no_family_behind(store: Store, tmp_path: Path) -> None:
    ledger = store(tmp_path, Clock())
    full = ledger.reserve(demand(LIFE, tokens=1000, least=1000))
    refusals = [ledger.reserve(demand(LIFE, fingerprint=fingerprint(f"{n:04}" * 4))).refusal for n in range(20)]
    assert refusals == ["life"] * 20
    assert ledger.families("org", None) == []
    ledger.settle(Reservation(full.id), use=0, prompt=0, tries=1)
    later = [ledger.reserve(demand(LIFE, fingerprint=fingerprint("0000" * 4))) for _ in range(2)]
    assert [grant.tries for grant in later] == [1, 2]
    assert ledger.families("org", None) == [(later[0].family, 2)]


@stores
def test_near_copies_are_tries_of_one_request(store: Store, tmp_path: Path) -> None:
    ledger = store(tmp_path, Clock())
    grants = [ledger.reserve(demand(LIFE, fingerprint=fingerprint(text))) for text in ("abcdefghijklmnop",) * 2]
    assert [grant.tries for grant in grants] == [1, 2]
    edit = ledger.reserve(demand(LIFE, fingerprint=fingerprint("abcdefghijklmnoX")))  # 15 of 16 are equal
    assert (edit.family, edit.tries) == (grants[0].family, 3)
    other = ledger.reserve(demand(LIFE, fingerprint=fingerprint("abcdefghijklXXXX")))  # 12 of 16
    assert (other.family != edit.family, other.tries) == (True, 1)
    refused = ledger.reserve(demand(LIFE, fingerprint=fingerprint("abcdefghijklmnoY")))
    assert refused.refusal == edit.family
    assert ledger.reserve(demand(LIFE, tries=3, fingerprint=fingerprint("abcdefghijklXXXX"))).refusal == other.family
    assert ledger.families("org", None) == [(edit.family, 3), (other.family, 1)]


@stores
def test_a_failed_request_gives_its_tries_back(store: Store, tmp_path: Path) -> None:
    ledger = store(tmp_path, Clock())
    total = Counter("tries", 2, None, tries=True)
    for _ in range(5):
        grant = ledger.reserve(demand(total, tries=2, fingerprint=fingerprint("a")))
        assert grant.id
        ledger.settle(Reservation(grant.id), use=0, prompt=0, tries=0)
    assert ledger.usage([total]) == [0]
    assert ledger.reserve(demand(total, tries=3)).refusal == "tries"


def test_both_stores_give_the_same_answers(tmp_path: Path) -> None:
    clock, rng = Clock(), random.Random(11)
    ledgers = [store(tmp_path, clock) for store in STORES]
    counters = (LIFE, WINDOW, PROMPTS, Counter("tries", 150, 60.0, tries=True))
    ids: list[list[str]] = []
    for _ in range(400):
        clock.now += rng.choice([0.0, 0.1, 3.0, 20.0, -5.0])
        match rng.choice(["reserve", "extend", "settle", "usage"]):
            case "reserve":
                request = demand(
                    *counters[: rng.randint(1, 4)],
                    tokens=rng.randint(1, 50),
                    prompt=rng.randint(0, 20),
                    tries=rng.randint(1, 3),
                    whole=rng.random() < 0.5,
                    fingerprint=fingerprint("".join(rng.choices("ab", k=3)) + "x" * 13, cap=40),
                )
                grants = [ledger.reserve(request) for ledger in ledgers]
                facts = [
                    (
                        bool(g.id),
                        g.tokens,
                        g.tries,
                        g.refusal.partition("/")[0],
                        g.open,
                        sorted(x.use for x in g.lapses),
                    )
                    for g in grants
                ]
                ids.append([grant.id for grant in grants])
            case "extend" if ids:
                names, used, tokens = rng.choice(ids), rng.randint(0, 40), rng.randint(0, 30)
                facts = [
                    ledger.extend(Reservation(name, counters[:2]), use=used, tokens=tokens)
                    for ledger, name in zip(ledgers, names, strict=True)
                ]
            case "settle" if ids:
                names, used = rng.choice(ids), rng.randint(0, 60)
                for ledger, name in zip(ledgers, names, strict=True):
                    ledger.settle(Reservation(name, counters[:2]), use=used, prompt=3, tries=1)
                continue
            case _:
                facts = [ledger.usage(counters) for ledger in ledgers]
        assert facts[0] == facts[1]
    assert len(ids) > 60


def test_threads_and_processes_share_one_budget(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from overthink.gateway.ledger import ENDED, Counter, Demand, Reservation
        from overthink.gateway.sqlite_ledger import SqliteLedger
        ledger, spent = SqliteLedger(Path(sys.argv[1]), seconds=30), 0
        while (grant := ledger.reserve(Demand((Counter("life", 1000, None),), 1, 0, 7, 1))).id:
            ledger.settle(Reservation(grant.id), use=grant.tokens, prompt=0, tries=1)
            spent += grant.tokens
        print(spent)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "store.db")]
    with ThreadPoolExecutor(3) as pool:
        runs = pool.map(
            lambda _: subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ), range(3)
        )
        assert sum(int(run.stdout) for run in runs) == 1000


def test_a_process_that_is_killed_keeps_what_it_had_reported_and_gives_back_the_rest(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from overthink.gateway.ledger import Counter, Demand, Reservation
        from overthink.gateway.sqlite_ledger import SqliteLedger
        ledger, life = SqliteLedger(Path(sys.argv[1]), seconds=30), (Counter("life", 10**6, None),)
        grants = [ledger.reserve(Demand(life, 1, 0, 64, 1)) for _ in range(4)]
        for use in range(1, 10**6):
            for grant in grants:
                ledger.extend(Reservation(grant.id, life), use=use, tokens=5)
            print(use, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "store.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(random.Random(7).randint(20, 40))]
        process.kill()
        reported = int((lines[-1] + process.stdout.read()).split()[-1])
    counter, now = Counter("life", 10**6, None), time.time()
    (held,) = SqliteLedger(tmp_path / "store.db", seconds=30, clock=lambda: now).usage([counter])
    assert held >= 4 * (64 + 5 * reported)
    (final,) = SqliteLedger(tmp_path / "store.db", seconds=30, clock=lambda: now + 31).usage([counter])
    assert 4 * reported <= final <= 4 * (reported + 1)


def test_a_call_that_is_not_to_wait_changes_nothing_while_another_process_writes(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "store.db", seconds=TTL)
    grant = ledger.reserve(demand(LIFE, tokens=10), wait=False)
    own = Reservation(grant.id, (LIFE,))
    with contextlib.closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for call in (
            lambda: ledger.reserve(demand(LIFE), wait=False),
            lambda: ledger.extend(own, use=3, tokens=5, wait=False),
            lambda: ledger.settle(own, use=3, prompt=0, tries=1, wait=False),
        ):
            with pytest.raises(BusyError):
                call()
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(ledger.extend, own, use=3, tokens=5)
            other.execute("ROLLBACK")
            assert waits.result() == 5
    with ledger._lock, pytest.raises(BusyError):  # nor while a thread of the same process does
        ledger.reserve(demand(LIFE), wait=False)
    assert ledger.usage([LIFE]) == [15]
    ledger.settle(own, use=3, prompt=0, tries=1, wait=False)
    assert ledger.usage([LIFE]) == [3]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_store_that_is_overwritten_or_replaced_serves_nothing_more(tmp_path: Path, replaced: bool) -> None:
    ledger = SqliteLedger(tmp_path / "store.db", seconds=TTL)
    ledger.reserve(demand(LIFE))
    if replaced:
        (tmp_path / "store.db").rename(tmp_path / "before.db")
        SqliteLedger(tmp_path / "store.db", seconds=TTL).close()
    else:
        with (tmp_path / "store.db").open("r+b") as file:
            file.write(b"garbage " * 1000)
    with pytest.raises(StoreError, match="replaced" if replaced else "overwritten"):
        ledger.reserve(demand(LIFE))
    ledger.close()


def test_a_store_that_was_emptied_serves_nothing_more(tmp_path: Path) -> None:
    own = SqliteLedger(tmp_path / "store.db", seconds=TTL)
    own._db.execute("DELETE FROM meta")
    with pytest.raises(StoreError, match="emptied"):
        own.reserve(demand(LIFE))
    own.close()
    client = fakeredis.FakeRedis()
    ledger = RedisLedger(client, seconds=TTL)
    ledger.reserve(demand(LIFE))
    client.flushall()
    with pytest.raises(StoreError, match="emptied"):
        ledger.reserve(demand(LIFE))


def test_a_store_that_cannot_be_used_is_an_error_before_anything(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(InputError, match="cannot be a store"):
        open_ledger(f"sqlite:{tmp_path / 'text'}", seconds=TTL)
    with pytest.raises(InputError, match="is of no known kind"):
        open_ledger("mysql:x", seconds=TTL)
    with pytest.raises(InputError, match="cannot be used"):
        open_ledger("redis://127.0.0.1:1/0", seconds=TTL)
    clock = Clock()
    ledger = SqliteLedger(tmp_path / "store.db", seconds=TTL, clock=clock)
    ledger.reserve(demand(LIFE))
    clock.now -= 3600
    with pytest.raises(InputError, match="one of the clocks is wrong"):
        SqliteLedger(tmp_path / "store.db", seconds=TTL, clock=clock)
    ledger._db.execute("UPDATE meta SET value = '9' WHERE name = 'version'")  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="store of version '9'"):
        SqliteLedger(tmp_path / "store.db", seconds=TTL, clock=clock)
