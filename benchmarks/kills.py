"""Kill -9 at random moments of a simulated study, resumed each time: what is lost, what is paid twice?

    python benchmarks/kills.py [--kills 100] [--seed 0]

A study is started on the command line and killed at a moment drawn uniformly over the time that a whole run takes, from
its first import to its last file. It is resumed and killed again until it finishes; then the next study begins. The
simulated model writes down every call it serves. After each kill the journal must hold what it held before, and a
resumed run may call the model only for traces that the journal does not hold: those that were in flight at the kill
are tried again, and the table counts them. Each finished study must equal one that was never killed.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from overthink.data.pool import records_of
from overthink.storage.journal import read_journal
from overthink.storage.pool import read_pool
from overthink.storage.study_folder import StudyFolder

DRAWS, LIMIT, BUDGETS, CONCURRENCY = 5, 8, "0,8,32", 8
TRACES = 2 * DRAWS * LIMIT
TASKS = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def sums():
    samples = [Sample(input=f"{i} + {i}? End with a line ANSWER: N", target=str(2 * i)) for i in range(20)]
    return Task(dataset=samples, solver=generate(), scorer=match())
"""
"""A task that is quick to build: what is killed should mostly be the study."""

NAMES = {"capability": "sums", "safety": "overthink/secret"}

Trace = tuple[str, str, int]


@dataclass
class Tally:
    """What was seen over all kills."""

    kills: int = 0
    studies: int = 0
    lost: int = 0
    paid_twice: int = 0
    doubled: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    different: int = 0
    stages: Counter[str] = field(default_factory=Counter)


def command(folder: Path, calls: Path) -> list[str]:
    """The command line of the study, run by :func:`child`; with ``--resume`` where it was begun before."""
    options = [
        "run", "--model", "overthink/simulated", "-M", "capability=rise", "-M", "safety=decline",
        "-M", "natural_length=40", "--draws", str(DRAWS), "--limit", str(LIMIT), "--budgets", BUDGETS,
        "--concurrency", str(CONCURRENCY), "--out", str(folder),
    ]  # fmt: skip
    options += ["--capability", f"{calls.parent / 'tasks.py'}@sums", "--safety", NAMES["safety"]]
    if (folder / "plan.json").exists():
        options.append("--resume")
    return [sys.executable, __file__, "--child", str(calls), *options]


def child(calls: str, options: list[str]) -> None:
    """The command line, with a simulated model that writes down which trace each call is for."""
    from overthink.cli import main as cli
    from overthink.collect.providers.simulated.provider import SimulatedProvider

    generate = SimulatedProvider.generate
    served = os.open(calls, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def counted(self: SimulatedProvider, input: Any, *rest: Any, **more: Any) -> Any:  # noqa: A002 (Inspect's name)
        truth = input[-1].metadata["truth"]
        os.write(served, json.dumps([NAMES[truth["axis"]], truth["question"], truth["draw"]]).encode() + b"\n")
        return await generate(self, input, *rest, **more)

    SimulatedProvider.generate = counted  # type: ignore[method-assign]
    sys.argv = ["overthink", *options]
    cli.main()


def kept(folder: StudyFolder) -> list[Trace]:
    """The traces in the journal, in order."""
    if not folder.journal.exists():
        return []
    return [(trace[0].task, trace[0].question, trace[0].draw) for trace in read_journal(folder.journal)]


def called(calls: Path) -> set[Trace]:
    """The traces for which the model was called in one run."""
    lines = calls.read_bytes().splitlines() if calls.exists() else []
    return {(task, question, draw) for task, question, draw in map(json.loads, lines)}


def start(command: Sequence[str]) -> Any:
    """The command in a process of its own."""
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


Start = Callable[[Sequence[str]], Any]
"""Begins a command as the leader of a group of processes; what comes back is used as a Popen is."""


def run_once(folder: StudyFolder, calls: Path, tally: Tally, *, moment: float | None, begin: Start = start) -> bool:
    """Run the study, kill it at the moment (seconds), and see what is left. Returns whether it finished."""
    before = kept(folder)
    calls.unlink(missing_ok=True)
    with begin(command(folder.path, calls)) as running:
        try:
            _, said = running.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            _, said = running.communicate()
    killed = running.returncode == -signal.SIGKILL
    if not killed and running.returncode != 0:
        raise RuntimeError(f"the study ended with {running.returncode}: {said[-2000:]}")
    after, asked = kept(folder), called(calls)
    tally.lost += len(set(before) - set(after))
    tally.doubled += len(after) - len(set(after))
    tally.paid_twice += len(asked & set(before))
    if killed:
        flying = len(asked - set(after))
        tally.kills += 1
        tally.in_flight += flying
        tally.most_in_flight = max(tally.most_in_flight, flying)
        tally.stages[_stage(folder, after)] += 1
    return not killed


def _stage(folder: StudyFolder, after: list[Trace]) -> str:
    if not folder.plan.exists():
        return "before the plan was stored"
    if len(after) < TRACES:
        return "while traces were collected" if after else "before the first trace was kept"
    return "while results were written" if not folder.report.exists() else "after the report"


def results(folder: StudyFolder) -> tuple[object, object]:
    """Findings and pool, as they are stored; Inspect calls the logs of each run otherwise."""
    rows = [replace(row, log=None, epoch=None) for row in records_of(read_pool(folder.pool))]
    return json.loads(folder.findings.read_text())["findings"], rows


def kill_and_resume(kills: int, *, seed: int, where: Path, begin: Start = start) -> Tally:
    """Kill and resume studies until there were so many kills, and finish the last.

    Args:
        kills: How many kills.
        seed: Seed of the moments.
        where: An empty folder to work in.
        begin: What starts a command.
    """
    tally, chance = Tally(), random.Random(seed)
    (where / "tasks.py").write_text(TASKS)
    whole = StudyFolder(where / "whole" / "study")
    started = time.monotonic()
    run_once(whole, where / "calls", Tally(), moment=None, begin=begin)
    seconds, wanted = time.monotonic() - started, results(whole)
    while tally.kills < kills:
        folder = StudyFolder(where / str(tally.studies) / "study")
        finished = False
        while not finished:
            moment = chance.uniform(0, seconds) if tally.kills < kills else None
            finished = run_once(folder, where / "calls", tally, moment=moment, begin=begin)
        tally.studies += 1
        tally.different += results(folder) != wanted or len(kept(folder)) != TRACES
        tally.lost += len(set(kept(whole)) - set(kept(folder)))
        leftovers = [path.name for path in folder.path.iterdir() if path.name.endswith(".part")]
        assert not leftovers, leftovers
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as where:
        tally = kill_and_resume(given.kills, seed=given.seed, where=Path(where))
    print(f"| kills | studies of {TRACES} traces | lost | paid twice | twice in the journal | findings that differ |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {tally.kills} | {tally.studies} | {tally.lost} | {tally.paid_twice} | {tally.doubled} | {tally.different} |"
    )
    print(f"\nIn flight at a kill and tried again: {tally.in_flight} traces in all, {tally.most_in_flight} at most.")
    for stage, count in tally.stages.most_common():
        print(f"Killed {stage}: {count}")
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3:])
    else:
        main()
