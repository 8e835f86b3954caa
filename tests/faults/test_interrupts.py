"""Ctrl-C several times, as an impatient user does: the run ends with its own code, and what was paid is kept."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from forked import Forked

from overthink.collect.session.interrupts import CODE, Interrupts, count_interrupts
from overthink.storage.journal import read_journal
from overthink.storage.json_documents import read_plan
from overthink.workflows.resume import check_folder

START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from overthink.cli.main import main; main()"
)

SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from overthink.collect.session import interrupts
interrupts.GRACE = float(sys.argv[1])

def command():
    print("begun", flush=True)
    try:
        time.sleep(60)
    finally:
        print("ending", flush=True)
        time.sleep(60)

interrupts.run_interruptible(command)
"""
"""A command that takes for ever to end."""


@pytest.fixture(autouse=True)
def _default_handler():  # type: ignore[no-untyped-def]
    """A test runner may have been started with interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


SLOW_THINKING = """
import anyio
from overthink.collect.providers.simulated.provider import SimulatedProvider as Provider
own = Provider.generate

async def generate(self, input, **more):
    if (input[-1].metadata or {}).get("truth", {}).get("phase") == "think":
        await anyio.sleep(0.05)
    return await own(self, input, **more)

Provider.generate = generate
"""
"""Traces are in flight most of their time with an answer that is paid."""

OPTIONS = ("--model", "overthink/simulated", "--safety", "overthink/secret", "--draws", "60", "--limit", "8")


def signalled(code: str, folder: Path, *signals: int, budgets: str, pause: float) -> tuple[int, str, int]:
    """Exit code, words and journaled traces of a run that gets signals while it collects."""
    with Forked(code, "run", *OPTIONS, "--budgets", budgets, cwd=folder) as running:
        journal = folder / "study" / "journal.jsonl"
        while running.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") > 5):
            time.sleep(0.05)
        for number in signals:
            running.send_signal(number)
            time.sleep(pause)
        _, told = running.communicate()
    return running.returncode, told, len(read_journal(journal))


def test_ctrl_c_twice_keeps_what_was_paid(tmp_path: Path) -> None:
    code, told, kept = signalled(START, tmp_path, signal.SIGINT, signal.SIGINT, budgets="0,8", pause=0.03)
    assert code == CODE, told
    assert 5 <= kept < 8 * 60
    assert check_folder(tmp_path / "study", read_plan(tmp_path / "study" / "plan.json"), resume=True) == kept


def test_sigterm_keeps_the_books_as_ctrl_c_does(tmp_path: Path) -> None:
    """SIGHUP is ignored, as under nohup, and stays so."""
    ignoring = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN){SLOW_THINKING}{START}"
    code, told, kept = signalled(ignoring, tmp_path, signal.SIGHUP, signal.SIGTERM, budgets="0,8,512", pause=0.05)
    assert code == 143, told
    assert "Repeat the command with --resume" in " ".join(told.split())
    assert 5 <= kept < 8 * 60
    assert (tmp_path / "study" / "unfinished.jsonl").read_bytes().count(b"\n") > 1
    assert not [path for path in (tmp_path / "study").rglob("*") if path.suffix == ".part"]
    assert check_folder(tmp_path / "study", read_plan(tmp_path / "study" / "plan.json"), resume=True) == kept


async def wound_down(ended: list[str]) -> None:
    """Work in a task group that puts things in order when it is cancelled, and is interrupted again meanwhile."""

    async def work() -> None:
        try:
            await anyio.sleep(60)
        finally:
            with anyio.CancelScope(shield=True):
                os.kill(os.getpid(), signal.SIGINT)
                await anyio.sleep(0.01)
                ended.append("in order")

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await anyio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        await anyio.sleep(60)


def test_later_presses_do_not_disturb_the_end() -> None:
    ended: list[str] = []

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        with counting.stopping(task.cancel):
            await wound_down(ended)

    with count_interrupts() as counting:
        assert counting is not None
        with pytest.raises(asyncio.CancelledError):
            anyio.run(run)
    assert (ended, counting.count) == (["in order"], 2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_asyncio_alone_raises_into_the_end() -> None:
    """The control: what happens to the same work without it."""
    ended: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        anyio.run(wound_down, ended)
    assert not ended


def test_a_loop_that_only_reads_is_shut_down() -> None:
    async def read() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 60)
            await anyio.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            await anyio.sleep(60)

    with count_interrupts() as counting, pytest.raises(asyncio.CancelledError):
        anyio.run(read)
    assert counting is not None
    with count_interrupts(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def ended(grace: str, presses: int, *, wait_for: Callable[[str], bool]) -> tuple[int, str]:
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, grace], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for number in range(presses):
            line = running.stdout.readline() if number < 2 else ""
            assert wait_for(line) or number >= 2
            time.sleep(0.1)
            running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=40)
    return running.returncode, told


@pytest.mark.parametrize(("grace", "presses"), [("0.1", 2), ("600", 3)])
def test_what_never_ends_is_ended(grace: str, presses: int) -> None:
    """After the second press it has its time; the third ends it at once."""
    code, told = ended(grace, presses, wait_for=lambda line: line in ("begun\n", "ending\n"))
    assert code == CODE
    assert "ended at once" in told


def test_nobody_elses_handler_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def in_a_thread() -> None:
        with count_interrupts() as counting:
            seen.append(counting)

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    for handler in (signal.SIG_IGN, lambda number, frame: None):
        signal.signal(signal.SIGINT, handler)
        with count_interrupts() as counting:
            seen.append(counting)
        assert signal.getsignal(signal.SIGINT) is handler
    signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)  # somebody types: Jupyter, IPython
    with count_interrupts() as counting:
        seen.append(counting)
    monkeypatch.delattr(sys, "ps1")
    assert seen == [None] * 4
    with count_interrupts() as outer, count_interrupts() as inner:
        assert isinstance(outer, Interrupts)
        assert inner is outer
