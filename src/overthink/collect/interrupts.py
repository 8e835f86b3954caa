"""Ctrl-C. The first one ends the work in good order; later ones cannot disturb that, and the third ends the process.

Python raises ``KeyboardInterrupt`` wherever the program happens to be. asyncio cancels its main task at the first one
instead, but raises at the second, and an exception inside a callback of a task group leaves its loop waiting for ever.
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
"""Exit code of a process that was interrupted, as shells have it."""

GRACE = 10.0
"""Seconds that the work may still take to end after the second press."""

_AGAIN = b"\nending; finished traces are kept. Once more ends at once.\n"
_AT_ONCE = b"\nended at once; finished traces are kept.\n"
_SHOW_CURSOR = b"\x1b[?25h"


class Interrupts:
    """Counts presses of Ctrl-C: a signal handler.

    It may run between any two instructions, so it takes no lock, prints through no buffer and starts no thread.

    Attributes:
        count: How often it was pressed.
    """

    def __init__(self) -> None:
        self.count = 0
        self._stop: Callable[[], object] | None = None
        self._alarm_before: Any = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take one press."""
        self.count += 1
        if self.count == 1:
            self._first()
        elif self.count == 2:
            _tell(_AGAIN)
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

    def call_off(self) -> None:
        """Everything has ended in time."""
        if self._alarm_before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._alarm_before)
            self._alarm_before = None

    def go_deaf(self) -> None:
        """Nothing is left to end: what still comes must not disturb the interpreter's own end."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.call_off()

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
            else:  # a loop that only reads; its tasks end as they do when it is shut down
                for task in asyncio.all_tasks(loop):
                    task.cancel()
                loop.call_soon_threadsafe(lambda: None)  # wakes it
                return
        raise KeyboardInterrupt


@contextmanager
def counted() -> Iterator[Interrupts | None]:
    """Take Ctrl-C over while the block runs, or share it where that is done already.

    Yields:
        Who counts; None where it is not ours to take: in another thread, in a session of somebody who types
        (Jupyter, IPython), or where the program handles or ignores it itself.
    """
    there = signal.getsignal(signal.SIGINT)
    if isinstance(there, Interrupts) and threading.current_thread() is threading.main_thread():
        yield there
    elif not _is_ours_to_take():
        yield None
    else:
        counting = Interrupts()
        signal.signal(signal.SIGINT, counting)
        try:
            yield counting
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            counting.call_off()


def counted_to_the_end(command: Callable[[], None]) -> None:
    """Run a command that ends its process. Once Ctrl-C was pressed it ends with :data:`CODE`, however often.

    Raises:
        SystemExit: The command says so, or it was interrupted.
    """
    if not _is_ours_to_take():
        return command()
    counting = Interrupts()
    signal.signal(signal.SIGINT, counting)
    atexit.register(counting.go_deaf)  # the first that is registered, so the last to run
    try:
        command()
    except BaseException:
        if counting.count:
            sys.exit(CODE)
        raise
    finally:
        if not counting.count:
            atexit.unregister(counting.go_deaf)
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_ours_to_take() -> bool:
    is_main = threading.current_thread() is threading.main_thread()
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return is_main and is_default and not hasattr(sys, "ps1")


def _end(number: int = 0, frame: FrameType | None = None) -> NoReturn:
    """End the process now. Journals are synced line by line and other files are replaced whole, so nothing tears."""
    _tell(_AT_ONCE + (_SHOW_CURSOR if os.isatty(2) else b""))
    os._exit(CODE)


def _tell(message: bytes) -> None:
    with suppress(OSError):  # nobody may be listening any more
        os.write(2, message)
