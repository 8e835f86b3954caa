"""Ctrl-C: the first press ends the work in an orderly way, a second does not disturb that, a third ends the process.

Python raises ``KeyboardInterrupt`` at an arbitrary point of the program. asyncio cancels its main task at the first one
instead, but raises at the second, and an exception inside a callback of a task group blocks its loop for ever.
Here nothing is raised into a loop: the first press cancels, further ones are counted.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

CODE = 130
"""Exit code of an interrupted process, as in shells."""

GRACE = 10.0
"""Seconds that the work may take to end after the second press."""

_AGAIN = b"\nending; finished traces are kept. Once more ends at once.\n"
_AT_ONCE = b"\nended at once; finished traces are kept.\n"
_SHOW_CURSOR = b"\x1b[?25h"


class Interrupts:
    """Signal handler that counts presses of Ctrl-C.

    It may run between any two instructions, so it takes no lock, prints through no buffer and starts no thread.

    Attributes:
        count: Number of presses.
    """

    def __init__(self) -> None:
        self.count = 0
        self._stop: Callable[[], object] | None = None
        self._alarm_before: Any = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle one press."""
        self.count += 1
        if self.count == 1:
            self._first()
        elif self.count == 2:
            _write(_AGAIN)
            if hasattr(signal, "setitimer"):  # Windows has none; there the third press is needed
                self._alarm_before = signal.signal(signal.SIGALRM, _end)
                signal.setitimer(signal.ITIMER_REAL, GRACE)
        else:
            _end()

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
        """Ignore further presses, which must not disturb the interpreter's shutdown."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
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
    """Handle Ctrl-C while the block runs, or share the handler of an enclosing block.

    Yields:
        The handler; None if Ctrl-C must not be handled here: in another thread, in an interactive session
        (Jupyter, IPython), or where the program handles or ignores it itself.
    """
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, Interrupts) and threading.current_thread() is threading.main_thread():
        yield handler
    elif not _is_ours_to_take():
        yield None
    else:
        counting = Interrupts()
        signal.signal(signal.SIGINT, counting)
        try:
            yield counting
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            counting.cancel_alarm()


def run_interruptible(command: Callable[[], None]) -> None:
    """Run a command that ends its process; after any number of Ctrl-C it exits with :data:`CODE`.

    Raises:
        SystemExit: The command raised it, or was interrupted.
    """
    if not _is_ours_to_take():
        return command()
    counting = Interrupts()
    signal.signal(signal.SIGINT, counting)
    atexit.register(counting.ignore_signals)  # registered first, so it runs last
    try:
        command()
    except BaseException:
        if counting.count:
            sys.exit(CODE)
        raise
    finally:
        if not counting.count:
            atexit.unregister(counting.ignore_signals)
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_ours_to_take() -> bool:
    is_main = threading.current_thread() is threading.main_thread()
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return is_main and is_default and not hasattr(sys, "ps1")


def _end(number: int = 0, frame: FrameType | None = None) -> NoReturn:
    """End the process now. Journals are synced by line and other files replaced atomically, so none is damaged."""
    _write(_AT_ONCE + (_SHOW_CURSOR if os.isatty(2) else b""))
    os._exit(CODE)


def _write(message: bytes) -> None:
    with suppress(OSError):  # stderr may be closed
        os.write(2, message)
