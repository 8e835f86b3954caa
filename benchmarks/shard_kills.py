"""Kill -9 of shards and of merges at random moments: is a trace lost, or there twice, and what do the books not know?

    PYTHONPATH=tests/support python benchmarks/shard_kills.py [--kills 50] [--seed 0] [--minutes 60]

The provider is a server on loopback that counts requests and tokens, and knows from their seeds whose they are. Four
shards are run one after the other, each killed at random moments, most of them behind a new trace, and resumed until it
is complete. Then they are merged; the merge is killed while it writes, and repeated, half of the times over an earlier
study. After every kill of a shard its journal must hold what it held before; after every kill of a merge its folder
must be as before, or hold the whole study. The merged study must have the findings of one that was never sharded, and
its books must list as unknown at least as many requests as they lack of the provider's count, and at every kill no more
than could be in flight. When all kills or minutes are spent, the last round is finished.
"""

import argparse
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from counting_server import MODEL, CountingServer
from forked import Forked

import overthink
from overthink.data.finding import Finding
from overthink.data.pool import TRACE_KEY, usage_of_pool
from overthink.data.tokens import NO_USAGE
from overthink.storage.findings import read_findings
from overthink.storage.journal import read_journal, read_unfinished

SHARDS, CONCURRENCY = 4, 4
MERGE_KILLS, SECONDS_OF_MERGE = 6, 4.0
"""In each round, and how long a merge writes at most."""

CODE = "import sys; sys.argv[0] = 'overthink'; from overthink.cli.start import main; main()"

Key = tuple[str, int]
"""Question and draw of a trace."""


@dataclass
class Tally:
    """What was seen over all kills."""

    shard_kills: int = 0
    with_traces: int = 0
    merge_kills: int = 0
    writing: int = 0
    lost: int = 0
    twice: int = 0
    different: int = 0
    damaged: int = 0
    most_in_flight: int = 0
    most_listed: int = 0
    gaps: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Of shards and merges."""
        return self.shard_kills + self.merge_kills


def run(words: tuple[str, ...], moment: Callable[[], object] | None = None) -> int:
    """Run a command; kill it when a function returns, unless it has ended. Return how it ended."""
    with Forked(CODE, *words) as running:
        if moment is not None:
            moment()
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)
        _, messages = running.communicate(timeout=600)
        assert running.returncode in (0, -signal.SIGKILL), messages
        return running.returncode


def stored(folder: Path) -> set[Key]:
    journal = folder / "journal.jsonl"
    return {(trace[0].question, trace[0].draw) for trace in read_journal(journal)} if journal.exists() else set()


def unanswered(folder: Path) -> int:
    """The requests whose usage is unknown, by the books of a folder."""
    return sum(trace.unanswered for trace in read_unfinished(folder / "unfinished.jsonl"))


def findings(folder: Path) -> list[Finding]:
    """The findings of a study, without wall clocks."""
    return [each for each in read_findings(folder / "findings.json")[1] if "seconds" not in each.metric]


def until(is_so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)


class Round:
    """A study in shards, killed and resumed, then merged."""

    def __init__(self, top: Path, server: CountingServer, study: tuple[str, ...], rng: random.Random) -> None:
        self.server, self.study, self.rng = server, study, rng
        self.parts = [top / f"{number}-of-{SHARDS}" for number in range(1, SHARDS + 1)]
        self.out = top / "study"
        self.asked = (0, 0)
        """Requests and tokens for traces that were in flight at a kill."""
        self.listed = 0
        """Requests of these that the books list as unknown."""

    def collect(self, tally: Tally, of: dict[int | None, Key], is_over: Callable[[], bool]) -> None:
        """Collect all shards through kills, and count what the books cannot know."""
        for number, part in enumerate(self.parts, start=1):
            ended = -signal.SIGKILL
            while ended != 0:
                before, begin, listed = stored(part), len(self.server.requests), unanswered(part)
                words = (*self.study, "--shard", f"{number}/{SHARDS}", "--out", str(part))
                words += ("--resume",) if (part / "plan.json").exists() else ()
                ended = run(words, None if is_over() else lambda part=part, before=before: self.moment(part, before))
                now = stored(part)
                tally.lost += len(before - now)
                if ended != 0:
                    tally.shard_kills += 1
                    tally.with_traces += now > before
                    torn = [each for each in self.server.requests[begin:] if of[each.seed] not in now]
                    tally.most_in_flight = max(tally.most_in_flight, len({of[each.seed] for each in torn}))
                    self.asked = (self.asked[0] + len(torn), self.asked[1] + sum(each.tokens for each in torn))
                    listed = unanswered(part) - listed
                    tally.most_listed = max(tally.most_listed, listed)
                    self.listed += listed
                    print(f"{tally.kills} kills; {len(now - before)} traces, {len(torn)} requests torn", end=", ")
                    print(f"{listed} listed as unknown", flush=True)

    def moment(self, part: Path, before: set[Key]) -> None:
        """Wait until a random moment of a shard."""
        if self.rng.random() < 0.8:
            until(lambda: bool(stored(part) - before), 60)
            time.sleep(self.rng.uniform(0, 2))
        else:
            time.sleep(self.rng.uniform(0, 8))

    def merge(self, tally: Tally, whole: object, kills: int) -> overthink.Study:
        """Merge the shards through kills."""
        words = ("merge", str(self.out), *map(str, self.parts), "--quiet")
        for number in range(kills):
            if number == kills // 2:
                run(words)  # what comes behind this replaces a study
            was = (self.out / "plan.json").exists()

            def moment() -> None:
                until(lambda: any(path.name.startswith(".study") for path in self.out.parent.iterdir()), 60)
                time.sleep(self.rng.uniform(0, SECONDS_OF_MERGE))

            if run(words, moment) == 0:
                continue
            tally.merge_kills += 1
            tally.writing += bool(self.left())
            if was or (self.out / "plan.json").exists():
                tally.damaged += findings(self.out) != whole
            print(f"{tally.kills} kills; a merge was killed, which leaves {self.left()}", flush=True)
        return overthink.merge(self.out, *self.parts)

    def left(self) -> list[str]:
        """What a killed merge has left beside its study."""
        return [path.name for path in self.out.parent.iterdir() if path.name.startswith(".")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args()
    os.environ["COUNTING_API_KEY"] = "of-this-server"
    rng, tally, end = random.Random(options.seed), Tally(), time.monotonic() + 60 * options.minutes
    server = CountingServer(0.4)
    study = (
        *("run", "--model", MODEL, "-M", f"base_url={server.url}", "--safety", "overthink/secret", "--budgets"),
        *("0,8,32", "--limit", "8", "--draws", "6", "--answer-cue", "ANSWER:", "--seed", "5", "--quiet"),
    )
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        of = keys_by_seed(server, study, top / "whole")
        whole = findings(top / "whole")
        study += ("--concurrency", str(CONCURRENCY))
        rounds = 0
        while tally.kills < options.kills and time.monotonic() < end:
            rounds += 1
            server.requests.clear()
            (top / str(rounds)).mkdir()
            round_ = Round(top / str(rounds), server, study, rng)
            round_.collect(tally, of, lambda: tally.kills >= options.kills or time.monotonic() > end)
            merged = round_.merge(tally, whole, MERGE_KILLS)
            tally.twice += merged.frame().select(*TRACE_KEY, "rung").is_duplicated().sum()
            assert merged.folder is not None
            tally.different += findings(merged.folder.path) != whole
            assert unanswered(merged.folder.path) == round_.listed
            waste = sum((trace.paid for trace in read_unfinished(merged.folder.unfinished)), NO_USAGE)
            booked = usage_of_pool(merged.pool) + waste
            served = sum(request.tokens for request in server.requests)
            unknown = served - booked.prompt_tokens - booked.decoded_tokens
            tally.gaps.append((len(server.requests), *round_.asked, round_.listed, unknown))
    print(f"{tally.shard_kills} kills of shards, {tally.with_traces} of them behind new traces, and ", end="")
    print(f"{tally.merge_kills} of merges, {tally.writing} of them while they wrote, in {rounds} rounds: ", end="")
    print(f"{tally.lost} traces lost, {tally.twice} rows twice, {tally.different} studies different, ", end="")
    print(f"{tally.damaged} damaged by a killed merge; at a kill at most ", end="")
    print(f"{tally.most_in_flight} traces in flight, and {tally.most_listed} requests listed as unknown")
    for requests, torn, tokens, listed, unknown in tally.gaps:
        print(f"{requests} requests served, {torn} of them ({tokens} tokens) for traces in flight at a kill; ", end="")
        print(f"{listed} requests are listed as unknown, and {unknown} tokens are in no book")
    server.close()


def keys_by_seed(server: CountingServer, study: tuple[str, ...], out: Path) -> dict[int | None, Key]:
    """Collect the study in one process, one trace after the other, and return which trace asks with which seeds."""
    run((*study, "--out", str(out), "--concurrency", "1"))
    result: dict[int | None, Key] = {}
    requests = iter(server.requests)
    for trace in read_journal(out / "journal.jsonl"):
        for _ in range(2 * len(trace) - 1):  # an answer on every rung, and thinking before all but the first
            result[next(requests).seed] = (trace[0].question, trace[0].draw)
    assert next(requests, None) is None, "requests that belong to no trace"
    return result


if __name__ == "__main__":
    main()
