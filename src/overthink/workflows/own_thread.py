"""Work that needs an event loop of its own, called where one runs already, as in a cell of Jupyter.

Loops do not nest, and patches that make them nest fail on others than asyncio's own (uvloop, trio). The work gets a
thread, with a loop of its own, and the caller waits.
"""

import asyncio
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from overthink.collect.session.interrupts import Interrupts

P = ParamSpec("P")
R = TypeVar("R")

SECONDS_BETWEEN_LOOKS = 0.25
"""Seconds between two looks of the waiting thread: how soon it hears of Ctrl-C on systems that do not wake it."""


def outside_loops(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that runs in a thread of its own where the calling thread runs an event loop.

    Ctrl-C in the calling thread stops its work as it stops a command: what is finished is stored.

    Example:
        >>> import asyncio
        >>> @outside_loops
        ... def with_a_loop():
        ...     return asyncio.run(asyncio.sleep(0, "done"))
        >>> async def cell():
        ...     return with_a_loop()
        >>> asyncio.run(cell())
        'done'
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not in_a_loop():
            return function(*args, **kwargs)
        return _in_a_thread(lambda: function(*args, **kwargs))

    return call


def in_a_loop() -> bool:
    """Return whether this thread runs an event loop, of asyncio or of trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        import sniffio

        try:
            sniffio.current_async_library()
        except sniffio.AsyncLibraryNotFoundError:
            return False
    return True


class ThreadWork(Generic[R]):
    """Work that goes on in a thread of its own.

    Args:
        work: The work; what it raises is raised by :meth:`result`.
    """

    def __init__(self, work: Callable[[], R]) -> None:
        from overthink.collect.session.interrupts import Interrupts, handled_by

        self.handler = Interrupts()
        """What ends the work in order when it is pressed."""
        self._result: Future[R] = Future()

        def run() -> None:
            try:
                with handled_by(self.handler):
                    self._result.set_result(work())
            except BaseException as failure:  # noqa: BLE001 - it is raised in the thread that waits
                self._result.set_exception(failure)

        self._thread = threading.Thread(target=run, name="overthink", daemon=True)

    def start(self) -> None:
        """Begin with the work."""
        self._thread.start()

    def is_running(self, seconds: float) -> bool:
        """Return whether the work goes on, once so many seconds have passed or it has ended."""
        self._thread.join(seconds)
        return self._thread.is_alive()

    def result(self) -> R:
        """Return what the work returned, or raise what it raised, once it has ended."""
        return self._result.result()


def _in_a_thread(function: Callable[[], R]) -> R:
    work = ThreadWork(function)
    with _presses_of(work.handler):
        work.start()
        is_running = True
        while is_running:
            try:
                is_running = work.is_running(SECONDS_BETWEEN_LOOKS)
            except KeyboardInterrupt:
                work.handler.press()
            if work.handler.count > 1:  # what is finished is stored already
                raise KeyboardInterrupt
    return work.result()


@contextmanager
def _presses_of(handler: "Interrupts") -> Iterator[None]:
    """While the block runs, Ctrl-C presses a handler, where Python or asyncio would have handled it.

    That of asyncio cancels a task, which cannot end while its thread waits. One that the program has set stays.
    """
    own = signal.getsignal(signal.SIGINT)
    module = str(getattr(getattr(own, "func", own), "__module__", ""))
    is_usual = own is signal.default_int_handler or module.startswith("asyncio")
    if threading.current_thread() is not threading.main_thread() or not is_usual:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: handler.press())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, own)
