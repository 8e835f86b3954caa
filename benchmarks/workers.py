"""Runs with workers on a provider that takes its time: how much faster two are than one, and what kills cost.

    PYTHONPATH=tests/support python benchmarks/workers.py speed [--kind ray] [--seconds 2] [--draws 2]
    PYTHONPATH=tests/support python benchmarks/workers.py kills [--kind ray] [--kills 20] [--seed 0] [--minutes 60]

`--kind ray` starts a Ray on this machine, `--kind processes` processes. The provider is a server on loopback that
counts its requests, and knows from their seeds whose they are. `speed` divides the time from the first request to the
last with one worker by that with two. `kills` ends a random worker with SIGKILL at random moments until there were so
many or the minutes are over, and counts traces that were stored and lost, and requests for a trace behind the moment at
which it was stored.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from counting_server import MODEL, CountingServer

import overthink
from overthink.errors import StoppedError
from overthink.storage.journal import read_journal
from overthink.storage.study_lock import LOCK_FILE, is_held
from overthink.workflows.run_options import read_options

EVEN = {"limit": 12, "shards": 7}
"""Questions and shards that two workers share evenly: seven shards of 0 to 3 questions."""

Key = tuple[str, int]
"""Question and draw of a trace."""


def words(server: CountingServer, **more: Any) -> dict[str, Any]:
    own = {"model": MODEL, "model_args": {"base_url": server.url}, "safety": "overthink/secret", "budgets": "0,8"}
    return own | {"answer_cue": "ANSWER:", "limit": 16, "seed": 3, "progress": False} | more


def speed(kind: str, seconds: float, draws: int) -> None:
    spans = {}
    for count in (1, 2):
        server = CountingServer(seconds)
        with tempfile.TemporaryDirectory() as top:
            began = time.time()
            study = words(server, draws=draws, concurrency=4, workers=f"{kind}:{count}", out=f"{top}/s")
            overthink.experiment(**study | EVEN)
            whole = time.time() - began
        times = [request.at for request in server.requests]
        spans[count] = max(times) - min(times) + seconds
        print(
            f"{kind}:{count}: {len(times)} requests in {spans[count]:.1f} s; {whole:.1f} s with start and merge",
            flush=True,
        )
        server.close()
    print(f"two workers are {spans[1] / spans[2]:.2f} times as fast as one")


def keys_by_seed(top: Path) -> dict[int | None, Key]:
    """Which trace asks with which seeds: one after the other, in one process."""
    server, result, seen = CountingServer(0), dict[int | None, Key](), 0

    def learn(rows: Any) -> None:
        nonlocal seen
        for request in server.requests[seen:]:
            result[request.seed] = (rows[0].question, rows[0].draw)
        seen = len(server.requests)

    stated = {name: value for name, value in words(server, draws=6, concurrency=1).items() if name != "progress"}
    (plan,) = read_options(stated).plans()
    overthink.run(plan, top / "alone", on_trace=learn)
    server.close()
    return result


def stored(shards: Path) -> set[Key]:
    journals = shards.glob("*/journal.jsonl")
    return {(trace[0].question, trace[0].draw) for journal in journals for trace in read_journal(journal)}


class Killer(threading.Thread):
    """Ends workers until there were so many, and remembers what was stored when."""

    def __init__(self, shards: Path, kills: int, seed: int, minutes: float) -> None:
        super().__init__(daemon=True)
        self.end = time.monotonic() + 60 * minutes
        self.shards, self.left, self.rng = shards, kills, random.Random(seed)
        self.stored: dict[Key, float] = {}
        self.lost: set[Key] = set()

    def run(self) -> None:
        """Kill until there were so many, or the minutes are over."""
        while self.left and time.monotonic() < self.end:
            if self.rng.random() < 0.8:  # most kills meet a worker that has begun to store
                self.wait_for_traces()
            time.sleep(self.rng.uniform(0, 4))
            folders = [lock.parent for lock in self.shards.glob("*/" + LOCK_FILE) if is_held(lock.parent)]
            now, at = stored(self.shards), time.time()
            self.lost |= self.stored.keys() - now
            for key in now:
                self.stored.setdefault(key, at)
            if folders:
                pid = json.loads((self.rng.choice(folders) / LOCK_FILE).read_text())["pid"]
                os.kill(pid, signal.SIGKILL)
                self.left -= 1
                print(f"{self.left} kills to come, {len(now)} traces stored", flush=True)

    def wait_for_traces(self) -> None:
        """Wait until a trace was stored since the last look."""
        while not stored(self.shards) - self.stored.keys() and time.monotonic() < self.end:
            time.sleep(0.1)


def kills(kind: str, count: int, seed: int, seconds: float, minutes: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        of = keys_by_seed(top)
        server = CountingServer(seconds)
        study = words(server, draws=6, concurrency=2, workers=f"{kind}:2", shards=8, out=top / "s")
        killer = Killer(top / "s.shards", count, seed, minutes)
        killer.start()
        resumed = 0
        while True:
            try:
                merged = overthink.experiment(**study, resume=bool(resumed))
                break
            except StoppedError as failure:
                print(failure)
                resumed += 1
        counts = merged.frame().group_by("question", "draw", "rung").len()
        again = [request for request in server.requests if request.at > killer.stored.get(of[request.seed], 1e12)]
        extra = len(server.requests) - len({request.seed for request in server.requests})
        print(
            f"{count - killer.left} kills, {resumed} times resumed, {len(of)} calls of {len(set(of.values()))} traces: "
            f"{len(killer.lost)} lost, {(counts['len'] > 1).sum()} rows twice, {len(set(of.values()))} traces of which "
            f"{merged.frame().select('question', 'draw').n_unique()} are there; {len(again)} requests for a trace that "
            f"was stored before; {extra} requests were sent again for traces that a kill met before they were stored"
        )
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("speed", "kills"))
    parser.add_argument("--kind", choices=("ray", "processes"), default="ray")
    parser.add_argument("--seconds", type=float, default=None, help="how long an answer takes")
    parser.add_argument("--draws", type=int, default=2, help="of each of 12 questions, for speed")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0, help="at most, for kills")
    options = parser.parse_args()
    os.environ["COUNTING_API_KEY"] = "of-this-server"
    if options.what == "speed":
        speed(options.kind, options.seconds or 2.0, options.draws)
    else:
        kills(options.kind, options.kills, options.seed, options.seconds or 0.5, options.minutes)


if __name__ == "__main__":
    main()
