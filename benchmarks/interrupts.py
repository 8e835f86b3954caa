"""Ctrl-C several times at random moments of a simulated study, resumed each time: does it end, and how?

    python benchmarks/interrupts.py [--interrupted 60] [--seed 0] [--theirs]

A study is started on the command line. When it has kept a few more traces it is interrupted twice to four times, 0 to
200 ms apart, and must end with exit code 130; then it is resumed and interrupted again, until it finishes and the next
study begins. After each interruption the journal must hold what it held before. With ``--theirs`` Ctrl-C is left to
Python and Inspect, as a control.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from overthink.storage.journal import read_journal
from overthink.storage.study_folder import StudyFolder

PATIENCE = 30.0
"""Seconds after the last press that count as a hang."""

APART = 0.2
"""Longest time between two presses, in seconds."""

OPTIONS = [
    "run", "--model", "overthink/simulated", "--safety", "overthink/secret", "--budgets", "0,8", "--draws", "120",
    "--limit", "8",
]  # fmt: skip


@dataclass
class Tally:
    """What was seen."""

    interrupted: int = 0
    hung: int = 0
    lost: int = 0
    studies: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)


def child(options: list[str], *, theirs: bool) -> None:
    """The command line; whoever started this may have had interrupts ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from overthink.cli import main as cli
    from overthink.collect.session import interrupts

    if theirs:
        interrupts._is_ours_to_take = lambda: False
    sys.argv = ["overthink", *options]
    cli.main()


def kept(folder: StudyFolder) -> set[tuple[str, int]]:
    """The traces in the journal."""
    return {(t[0].question, t[0].draw) for t in read_journal(folder.journal)} if folder.journal.exists() else set()


def interrupt_once(folder: StudyFolder, chance: random.Random, tally: Tally, *, theirs: bool) -> bool:
    """Run the study, press a few times, and see how it ends. Returns whether it had finished before."""
    before = kept(folder)
    options = [*OPTIONS, "--out", str(folder.path), *(["--resume"] if folder.plan.exists() else [])]
    command = [sys.executable, __file__, "--child", *(["--theirs"] if theirs else []), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        while running.poll() is None and len(kept(folder)) <= len(before):
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.3))
        if running.poll() is not None:
            said = running.communicate()[1].decode()
            if running.returncode != 0:
                raise RuntimeError(f"it ended with {running.returncode} before it was interrupted: {said[-600:]}")
            return True
        presses = chance.choice((2, 2, 2, 3, 4))
        for number in range(presses):
            time.sleep(chance.uniform(0, APART) if number else 0)
            running.send_signal(signal.SIGINT)
        pressed = time.monotonic()
        try:
            said = running.communicate(timeout=PATIENCE)[1].decode()
        except subprocess.TimeoutExpired:
            tally.hung += 1
            running.kill()
            said = running.communicate()[1].decode()
    tally.interrupted += 1
    if tally.interrupted % 10 == 0:
        print(f"{tally.interrupted} interrupted, {tally.hung} hung", file=sys.stderr)
    tally.seconds.append(time.monotonic() - pressed)
    tally.codes[running.returncode] += 1
    tally.lost += len(before - kept(folder))
    tally.said["ended at once" if "ended at once" in said else "ended in good order"] += 1
    if running.returncode != 130:
        print(f"exit code {running.returncode}: {said[-600:]}", file=sys.stderr)
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interrupted", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--theirs", action="store_true")
    given = parser.parse_args()
    tally, chance = Tally(), random.Random(given.seed)
    with tempfile.TemporaryDirectory() as where:
        while tally.interrupted < given.interrupted:
            folder = StudyFolder(Path(where) / str(tally.studies))
            while tally.interrupted < given.interrupted:
                if interrupt_once(folder, chance, tally, theirs=given.theirs):
                    break
            tally.studies += 1
        done = subprocess.run(
            [sys.executable, __file__, "--child", *OPTIONS, "--out", str(folder.path), "--resume"],
            capture_output=True, check=False,
        )  # fmt: skip
        finished = done.returncode == 0 and len(kept(folder)) == 8 * 120
    print("| interrupted | hung | exit codes | traces lost | the last study finished |\n|---|---|---|---|---|")
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(tally.codes.items()))
    print(f"| {tally.interrupted} | {tally.hung} | {codes} | {tally.lost} | {'yes' if finished else 'no'} |")
    print(f"\n{dict(tally.said)}; seconds to the end after the last press: at most {max(tally.seconds):.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        theirs = sys.argv[2] == "--theirs"
        child(sys.argv[3 if theirs else 2 :], theirs=theirs)
    else:
        main()
