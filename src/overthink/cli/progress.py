"""Progress of a run: what is done at the moment, traces done of total, tokens per second, time left.

On a terminal one line lives; elsewhere plain lines come, at most one every few seconds and never much less often, so
that a log shows that the process lives and what it does.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from overthink.cli import terminal
from overthink.data.visible import visible
from overthink.workflows.progress import SECONDS_BETWEEN_LINES, Progress, clock, regular_calls

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session
    from overthink.data.record import RungRecord
    from overthink.workflows.waves import Wave

WIDE = 72
"""Columns of a terminal from which a line has a bar and a clock."""


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Say what is done while the block runs, if that takes more than a few seconds; on a terminal at once.

    Args:
        what: The work, as "loading the model".
    """
    if terminal.is_quiet():
        yield
        return
    if terminal.is_live():
        text = Text(terminal.as_printed(visible(what)))
        text.truncate(max(terminal.messages.width - 3, 1))
        with terminal.messages.status(text, spinner="dots" if _has_signs() else "line"):
            yield
        return
    began = time.monotonic()
    with regular_calls(lambda: terminal.note(f"{what}: {clock(time.monotonic() - began)}"), SECONDS_BETWEEN_LINES):
        yield


def _has_signs() -> bool:
    """Return whether standard error has the signs of a spinner, and an ellipsis that is one character."""
    return terminal.messages.encoding.lower().startswith("utf")


class _Rest(ProgressColumn):
    """What is done at the moment, in what the other columns leave of the line."""

    def render(self, task: Task) -> Text:
        """Return the description, which is cut where the line ends."""
        return Text(terminal.as_printed(task.description), no_wrap=True, overflow=_overflow())


def _overflow() -> Literal["crop", "ellipsis"]:
    return "ellipsis" if _has_signs() else "crop"


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    """Return the columns of a line: what counts first, and neither bar nor clock where there is no room for them."""

    def whole() -> Column:
        return Column(no_wrap=True, overflow=_overflow())

    bar = BarColumn(bar_width=20, table_column=whole()), TimeElapsedColumn(table_column=whole())
    return (
        MofNCompleteColumn(table_column=whole()),
        *(bar if width >= WIDE else ()),
        TextColumn("{task.fields[pace]}", markup=False, table_column=whole()),
        _Rest(table_column=Column()),
    )


def estimate_lines(session: "Session", out: Path | None) -> list[str]:
    """Return what a run may take, and where its report grows.

    Args:
        session: The run.
        out: The study's folder; None where no report grows in it.
    """
    lines = session.estimate().split("\n")
    if out is not None:
        lines.append(f"the report grows in {out / 'report.html'}, marked as unfinished until the run has ended")
    return lines


class Meter:
    """Context manager that counts traces and their tokens, and shows both.

    Args:
        total: Number of traces, including those done already.
        done: Number of traces done already.
        what: Noun for the counted items, plural.
    """

    def __init__(self, *, total: int, done: int, what: str = "traces") -> None:
        self._count = Progress(total=total, done=done, what=what)
        console = terminal.messages
        self._bar = Bar(*_columns(console.width), console=console)
        self._id = self._bar.add_task(self._count.task, total=total, completed=done, pace="")
        is_live = terminal.is_live() and not terminal.is_quiet()
        self._live = Live(self._bar, console=console, refresh_per_second=4) if is_live else None
        self._display: AbstractContextManager[object] = self._live or (
            nullcontext() if terminal.is_quiet() else regular_calls(self._note, SECONDS_BETWEEN_LINES)
        )

    def __enter__(self) -> Self:
        self._display.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.__exit__(None, None, None)  # it ends alike, whatever ended the block
        if self._live is None and self._count.is_new:
            self._note()

    def add_trace(self, trace: "Sequence[RungRecord]") -> None:
        """Count one complete trace of a task in an arm."""
        self._count.add_trace(trace)
        self._update()

    def add(self, task: str, tokens: int) -> None:
        """Count one item of a task, and its tokens."""
        self._count.add(task, tokens)
        self._update()

    def add_wave(self, wave: "Wave") -> None:
        """Add a wave to the total, and print its description."""
        self._count.add_wave(wave)
        self._update()
        terminal.note(wave.text)

    def line(self) -> str:
        """Return the progress as one line."""
        return self._count.line()

    def _note(self) -> None:
        terminal.note(self.line())

    def _update(self) -> None:
        if self._live is not None:
            count = self._count
            self._bar.update(
                self._id, description=count.task, total=count.total, completed=count.done, pace=count.pace()
            )
