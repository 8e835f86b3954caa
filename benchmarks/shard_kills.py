"""Kill -9 at random moments of the shards of a study, which go on and are merged: is a trace lost, or there twice?

    PYTHONPATH=tests/support python benchmarks/shard_kills.py [--kills 50] [--seed 0]

Four shards are run one after the other, each killed at random moments and resumed until it is complete; a merge is
killed, too, then repeated. After every kill the journal must hold what it held before, and the merged study must have
the findings of one that was never sharded. When all kills are spent, the last round is finished.
"""

import argparse
import random
import signal
import tempfile
import time
from pathlib import Path

from forked import Forked

import overthink
from overthink.data.missing_rungs import TraceKey
from overthink.data.pool import TRACE_KEY
from overthink.storage.findings import read_findings
from overthink.storage.journal import read_journal

SHARDS = 4
CODE = "import sys; sys.argv[0] = 'overthink'; from overthink.cli.start import main; main()"
STUDY = (
    *("run", "--model", "overthink/simulated", "--safety", "overthink/secret", "--budgets", "0,8,32", "--limit", "8"),
    *("--draws", "6", "--arms", "base,wait:rounds=2,minimum=16", "--seed", "5", "--quiet"),
)


def run(words: tuple[str, ...], seconds: float | None = None) -> int:
    """Run a command; kill it after some seconds, unless it has ended. Return how it ended."""
    with Forked(CODE, *words) as running:
        if seconds is not None:
            time.sleep(seconds)
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)
        _, messages = running.communicate(timeout=600)
        assert running.returncode in (0, -signal.SIGKILL), messages
        return running.returncode


def stored(folder: Path) -> set[TraceKey]:
    journal = folder / "journal.jsonl"
    traces = read_journal(journal) if journal.exists() else []
    return {(trace[0].task, trace[0].arm, trace[0].question, trace[0].draw) for trace in traces}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    kills = with_traces = lost = twice = different = merges = rounds = 0
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        run((*STUDY, "--out", str(top / "warm")))
        began = time.monotonic()
        run((*STUDY, "--out", str(top / "whole")))
        longest = (time.monotonic() - began) / 2
        whole = read_findings(top / "whole" / "findings.json")[1]
        while kills < options.kills:
            rounds += 1
            parts = [top / f"{rounds}-{number}-of-{SHARDS}" for number in range(1, SHARDS + 1)]
            for number, part in enumerate(parts, start=1):
                before: set[TraceKey] = set()
                ended = -signal.SIGKILL
                while ended != 0:
                    words = (*STUDY, "--shard", f"{number}/{SHARDS}", "--out", str(part))
                    words += ("--resume",) if (part / "plan.json").exists() else ()
                    ended = run(words, rng.uniform(0, longest) if kills < options.kills else None)
                    now = stored(part)
                    kills += ended != 0
                    with_traces += ended != 0 and now > before
                    lost += len(before - now)
                    before = now
            out = top / f"{rounds}-study"
            merges += run(("merge", str(out), *map(str, parts), "--quiet"), rng.uniform(0, longest)) != 0
            study = overthink.merge(out, *parts)
            twice += study.frame().select(*TRACE_KEY, "rung").is_duplicated().sum()
            different += read_findings(out / "findings.json")[1] != whole
        left = [path.name for path in top.iterdir() if path.name.startswith(".")]
    print(
        f"{kills} kills of shards, {with_traces} of them behind new traces, and {merges} of merges in {rounds} rounds"
    )
    print(f"{lost} traces lost, {twice} rows twice, {different} of {rounds} studies different, left behind: {left}")


if __name__ == "__main__":
    main()
