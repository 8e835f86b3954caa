"""Progress of a run that Python started: one line in a notebook or on a terminal, plain lines elsewhere."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from overthink.data.secrets import without_secrets
from overthink.data.visible import visible, visible_lines

if TYPE_CHECKING:
    from overthink.data.record import RungRecord
    from overthink.workflows.waves import Wave

SECONDS_BETWEEN_LINES = 5.0
"""Between two plain lines."""

SECONDS_BETWEEN_UPDATES = 0.5
"""Between two updates of a line in place."""

STARTING = "the first answers are awaited"
"""What is done until a trace is counted."""

ENDING = "all are there; analysing them and writing the report"
"""What is done when every trace is counted."""


class Progress:
    """Count of traces and their tokens.

    Args:
        total: Number of traces, including those done already.
        done: Number of traces done already.
        what: Noun for the counted items, plural.

    Example:
        >>> Progress(total=10, done=4).line().split(",")[0]
        'the first answers are awaited: 4 of 10 traces'
    """

    def __init__(self, *, total: int, done: int, what: str = "traces") -> None:
        self.total, self.done = total, done
        self.task = ENDING if done == total else STARTING
        self._what = what
        self._done_before = done
        self._tokens = 0
        self._began = time.monotonic()

    @property
    def is_new(self) -> bool:
        """Whether anything was counted since the start."""
        return self.done > self._done_before

    def add_trace(self, trace: "Sequence[RungRecord]") -> None:
        """Count one complete trace of a task in an arm."""
        from overthink.plan.arms import BASE

        where = self.task
        if trace:
            where = trace[0].task if trace[0].arm == BASE.label else f"{trace[0].task}, {trace[0].arm}"
        self.add(where, sum(row.generated_tokens or 0 for row in trace))

    def add(self, task: str, tokens: int) -> None:
        """Count one item of a task, and its tokens."""
        self.done += 1
        self.task = visible(task) if self.done < self.total else ENDING
        self._tokens += tokens

    def add_wave(self, wave: "Wave") -> None:
        """Add a wave to the total."""
        self.total = wave.traces
        self.task = STARTING

    def line(self) -> str:
        """Return the progress as one line."""
        return f"{self.task}: {self.done} of {self.total} {self._what}, {self.pace()}"

    def pace(self) -> str:
        """Return tokens per second and the time left; the time so far until something is counted."""
        seconds = time.monotonic() - self._began
        new = self.done - self._done_before
        if not new or seconds <= 0:
            return f"{clock(seconds)} so far"
        remaining = (self.total - self.done) * seconds / new
        speed = f"{self._tokens / seconds:,.0f} tokens/s, " if self._tokens else ""
        return f"{speed}{clock(remaining)} left"


def clock(seconds: float) -> str:
    """Return a duration.

    >>> clock(75), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


@contextmanager
def regular_calls(call: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call a function every few seconds in a thread while the block runs."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            call()

    caller = threading.Thread(target=repeat, name="progress", daemon=True)
    caller.start()
    try:
        yield
    finally:
        ended.set()
        caller.join()


@contextmanager
def shown_line(line: Callable[[], str]) -> Iterator[None]:
    """Show a line while the block runs: in place in a notebook or on a terminal, else anew every few seconds.

    The last state stays in a notebook and among plain lines.
    """
    in_place = _in_notebook()
    if in_place is None and sys.stderr is not None and sys.stderr.isatty():
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        console = Console(stderr=True)
        with Live(console=console, refresh_per_second=4, transient=True, get_renderable=lambda: Text(line())):
            yield
        return
    write = in_place or write_lines
    with regular_calls(lambda: write(line()), SECONDS_BETWEEN_LINES if in_place is None else SECONDS_BETWEEN_UPDATES):
        yield
    write(line())


def write_lines(text: str) -> None:
    """Write lines on standard error as the command line does: without secrets, control characters as escapes."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # closed, full, or its reader has gone: nothing depends on it
            print(visible_lines(without_secrets(text, os.environ)), file=sys.stderr, flush=True)  # noqa: T201


def _in_notebook() -> Callable[[str], None] | None:
    """Return what shows a line in place in a notebook; None where no kernel of Jupyter runs this."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import DisplayHandle

    handle: Any = DisplayHandle()
    shown: list[str] = []

    def show(line: str) -> None:
        bundle = {"text/plain": line}
        (handle.update if shown else handle.display)(bundle, raw=True)
        shown[:] = [line]

    return show
