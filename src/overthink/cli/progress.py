"""Progress of a run: task, traces done of total, tokens per second, time left."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from overthink.cli import terminal
from overthink.data.record import RungRecord
from overthink.data.visible import visible
from overthink.workflows.waves import Wave

SECONDS_BETWEEN_LINES = 5.0


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
        self._task = "starting"
        self._began = time.monotonic()
        self._last_line = self._began
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}", markup=False),
            console=terminal.messages,
        )
        self._id = self._bar.add_task("starting", total=total, completed=done, pace="")
        console = terminal.messages
        self._live = Live(self._bar, console=console, refresh_per_second=4) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        elif self._done > self._done_before:
            terminal.note(self.line())

    def add_trace(self, trace: Sequence[RungRecord]) -> None:
        """Count one complete trace."""
        self.add(trace[0].task if trace else self._task, sum(row.generated_tokens or 0 for row in trace))

    def add(self, task: str, tokens: int) -> None:
        """Count one item of a task, and its tokens."""
        self._done += 1
        self._task = visible(task)
        self._tokens += tokens
        if self._live is not None:
            self._bar.update(self._id, description=self._task, completed=self._done, pace=self._pace())
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            terminal.note(self.line())

    def add_wave(self, wave: Wave) -> None:
        """Add a wave to the total, and print its description."""
        self._total = wave.traces
        self._bar.update(self._id, total=wave.traces)
        terminal.note(wave.text)

    def line(self) -> str:
        """Return the progress as one line."""
        return f"{self._task}: {self._done} of {self._total} {self._what}, {self._pace()}"

    def _pace(self) -> str:
        seconds = time.monotonic() - self._began
        new = self._done - self._done_before
        if not new or seconds <= 0:
            return ""
        remaining = (self._total - self._done) * seconds / new
        speed = f"{self._tokens / seconds:,.0f} tokens/s, " if self._tokens else ""
        return f"{speed}{_clock(remaining)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
