"""Progress of a run: what is done at the moment, traces done of total, tokens per second, time left.

On a terminal one line lives; elsewhere plain lines come, at most one every few seconds and never much less often, so
that a log shows that the process lives and what it does.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from overthink.cli import terminal
from overthink.data.record import RungRecord
from overthink.data.visible import visible
from overthink.plan.arms import BASE
from overthink.workflows.waves import Wave

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session

SECONDS_BETWEEN_LINES = 5.0

STARTING = "the first answers are awaited"
"""What is done until a trace is counted."""

ENDING = "all are there; analysing them and writing the report"
"""What is done when every trace is counted."""


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Say what is done while the block runs, if that takes more than a few seconds; on a terminal at once.

    Args:
        what: The work, as "loading the model".
    """
    if terminal.messages.is_terminal:
        with terminal.messages.status(visible(what)):
            yield
        return
    began = time.monotonic()
    with _regular_lines(lambda: f"{what}: {_clock(time.monotonic() - began)}"):
        yield


@contextmanager
def _regular_lines(line: Callable[[], str]) -> Iterator[None]:
    """Print a line every few seconds while the block runs."""
    ended = threading.Event()

    def print_lines() -> None:
        while not ended.wait(SECONDS_BETWEEN_LINES):
            terminal.note(line())

    printer = threading.Thread(target=print_lines, name="progress", daemon=True)
    printer.start()
    try:
        yield
    finally:
        ended.set()
        printer.join()


def announce(session: "Session", out: Path) -> None:
    """Print what a run may take, and where its report grows.

    Args:
        session: The run.
        out: The study's folder.
    """
    terminal.note(*session.estimate().split("\n"))
    if session.plan.efforts is None:
        terminal.note(f"the report grows in {out / 'report.html'}, marked as unfinished until the run has ended")


class Meter:
    """Context manager that counts traces and their tokens, and shows both.

    Args:
        total: Number of traces, including those done already.
        done: Number of traces done already.
        what: Noun for the counted items, plural.
    """

    def __init__(self, *, total: int, done: int, what: str = "traces") -> None:
        self._what = what
        self._total = total
        self._done_before = done
        self._done = done
        self._tokens = 0
        self._task = ENDING if done == total else STARTING
        self._began = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[pace]}", markup=False),
            console=terminal.messages,
        )
        self._id = self._bar.add_task(self._task, total=total, completed=done, pace="")
        console = terminal.messages
        self._live = Live(self._bar, console=console, refresh_per_second=4) if console.is_terminal else None
        self._display: AbstractContextManager[object] = self._live or _regular_lines(self.line)

    def __enter__(self) -> Self:
        self._display.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.__exit__(None, None, None)  # it ends alike, whatever ended the block
        if self._live is None and self._done > self._done_before:
            terminal.note(self.line())

    def add_trace(self, trace: Sequence[RungRecord]) -> None:
        """Count one complete trace of a task in an arm."""
        where = self._task
        if trace:
            where = trace[0].task if trace[0].arm == BASE.label else f"{trace[0].task}, {trace[0].arm}"
        self.add(where, sum(row.generated_tokens or 0 for row in trace))

    def add(self, task: str, tokens: int) -> None:
        """Count one item of a task, and its tokens."""
        self._done += 1
        self._task = visible(task) if self._done < self._total else ENDING
        self._tokens += tokens
        if self._live is not None:
            self._bar.update(self._id, description=self._task, completed=self._done, pace=self._pace())

    def add_wave(self, wave: Wave) -> None:
        """Add a wave to the total, and print its description."""
        self._total = wave.traces
        self._task = STARTING
        self._bar.update(self._id, total=wave.traces, description=self._task)
        terminal.note(wave.text)

    def line(self) -> str:
        """Return the progress as one line."""
        return f"{self._task}: {self._done} of {self._total} {self._what}, {self._pace()}"

    def _pace(self) -> str:
        seconds = time.monotonic() - self._began
        new = self._done - self._done_before
        if not new or seconds <= 0:
            return f"{_clock(seconds)} so far"
        remaining = (self._total - self._done) * seconds / new
        speed = f"{self._tokens / seconds:,.0f} tokens/s, " if self._tokens else ""
        return f"{speed}{_clock(remaining)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
