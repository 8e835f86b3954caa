"""Ctrl-C: the first press ends the work in an orderly way, a second does not disturb that, a third ends the process.

SIGTERM and SIGHUP are for the command line what the first press is; a second of them ends the process.

Python raises ``KeyboardInterrupt`` at an arbitrary point of the program. asyncio cancels its main task at the first one
instead, but raises at the second, and an exception inside a callback of a task group blocks its loop for ever.
Here nothing is raised into a loop: the first press cancels, further ones are counted.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

CODE = 130
"""Exit code of an interrupted process, as in shells."""

SIGNALS: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
"""Signals that end a command, each with the handler of a process that has not set one."""
if hasattr(signal, "SIGHUP"):  # not on Windows
    SIGNALS[signal.SIGHUP] = signal.SIG_DFL

SAME_HANGUP = 1.0
"""Seconds within which another SIGHUP is the same one: the terminal and its shell may both send it, and service
managers send it behind SIGTERM."""

GRACE = 10.0
"""Seconds that the work may take to end after the second press."""

_AGAIN = b"\nending; finished traces are kept. Once more ends at once.\n"
_AT_ONCE = b"\nended at once; finished traces are kept.\n"
_SHOW_CURSOR = b"\x1b[?25h"


_threads = threading.local()
"""Handler of each thread that has one of its own, in place of the process's."""


class Interrupts:
    """Signal handler that counts presses of Ctrl-C, and other signals that end a command.

    It may run between any two instructions, so it takes no lock, prints through no buffer and starts no thread.

    Attributes:
        count: Number of presses.
        code: Exit code of the process, once there was one.
    """

    def __init__(self) -> None:
        self.count = 0
        self.code = CODE
        self._first_at = 0.0
        self._stop: Callable[[], object] | None = None
        self._alarm_before: Any = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle one press, or one signal."""
        is_hangup = number == getattr(signal, "SIGHUP", None)
        if is_hangup and self.count and time.monotonic() - self._first_at < SAME_HANGUP:
            return
        self.count += 1
        if self.count == 1:
            self.code, self._first_at = 128 + number, time.monotonic()
            self._first()
        elif self.count == 2 and self.code == CODE and number == signal.SIGINT:
            _write(_AGAIN)
            if hasattr(signal, "setitimer"):  # Windows has none; there the third press is needed
                self._alarm_before = signal.signal(signal.SIGALRM, lambda number, frame: _end(CODE))
                signal.setitimer(signal.ITIMER_REAL, GRACE)
        else:
            _end(128 + number)

    def press(self) -> None:
        """Handle a press that another thread received: the work of this handler's own thread is stopped."""
        self.count += 1
        if self._stop is not None:
            self._stop()

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Iterator[None]:
        """While the block runs, the first press calls ``stop`` instead of raising."""
        self._stop = stop
        try:
            yield
        finally:
            self._stop = None

    def cancel_alarm(self) -> None:
        """Cancel the alarm: the work has ended in time."""
        if self._alarm_before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._alarm_before)
            self._alarm_before = None

    def ignore_signals(self) -> None:
        """Ignore further presses and signals, which must not disturb the interpreter's shutdown."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        self.cancel_alarm()

    def _first(self) -> None:
        if self._stop is not None:
            self._stop()
            return
        if "asyncio" in sys.modules:
            import asyncio

            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                pass
            else:  # a loop that only reads; its tasks end as on shutdown
                for task in asyncio.all_tasks(loop):
                    task.cancel()
                loop.call_soon_threadsafe(lambda: None)  # wakes it
                return
        raise KeyboardInterrupt


@contextmanager
def count_interrupts() -> Iterator[Interrupts | None]:
    """Handle Ctrl-C while the block runs, or share the handler of an enclosing block or of the command line.

    Yields:
        The handler; None if Ctrl-C must not be handled here: in another thread, in an interactive session
        (Jupyter, IPython), or where the program handles or ignores it itself.

    Raises:
        KeyboardInterrupt: This thread has a handler of its own, which was pressed before.
    """
    of_thread: Interrupts | None = getattr(_threads, "handler", None)
    if of_thread is not None:
        if of_thread.count:
            raise KeyboardInterrupt
        yield of_thread
        return
    handler = current_handler()
    if handler is not None and threading.current_thread() is threading.main_thread():
        yield handler
    elif not _ours_to_take(signal.SIGINT):
        yield None
    else:
        counting = Interrupts()
        signal.signal(signal.SIGINT, counting)
        try:
            yield counting
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            counting.cancel_alarm()


@contextmanager
def handled_by(handler: Interrupts) -> Iterator[None]:
    """While the block runs, the work of this thread ends when a handler is pressed in another one."""
    _threads.handler = handler
    try:
        yield
    finally:
        _threads.handler = None


def current_handler() -> Interrupts | None:
    """Return the handler that counts now, in whichever thread this is called; None if none does."""
    handlers = (signal.getsignal(number) for number in SIGNALS)
    return next((handler for handler in handlers if isinstance(handler, Interrupts)), None)


def run_interruptible(command: Callable[[], None]) -> None:
    """Run a command that ends its process; after any number of Ctrl-C, or SIGTERM or SIGHUP, it exits with their code.

    A signal that the program handles or ignores itself is left alone, as SIGHUP under ``nohup``.

    Raises:
        SystemExit: The command raised it, or was interrupted.
    """
    taken = _ours_to_take(*SIGNALS)
    if not taken:
        return command()
    counting = Interrupts()
    for number in taken:
        signal.signal(number, counting)
    atexit.register(counting.ignore_signals)  # registered first, so it runs last
    try:
        command()
    except BaseException:
        if counting.count:
            sys.exit(counting.code)
        raise
    finally:
        if not counting.count:
            atexit.unregister(counting.ignore_signals)
            for number in taken:
                signal.signal(number, SIGNALS[number])


def _ours_to_take(*numbers: int) -> list[int]:
    """Return the signals that nobody else handles or ignores; none in another thread or in an interactive session."""
    if threading.current_thread() is not threading.main_thread() or hasattr(sys, "ps1"):
        return []
    return [number for number in numbers if signal.getsignal(number) is SIGNALS[number]]


def _end(code: int) -> NoReturn:
    """End the process now. Journals are synced by line and other files replaced atomically, so none is damaged."""
    _write(_AT_ONCE + (_SHOW_CURSOR if os.isatty(2) else b""))
    os._exit(code)


def _write(message: bytes) -> None:
    with suppress(OSError):  # stderr may be closed
        os.write(2, message)
