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
from typing import TYPE_CHECKING, ParamSpec, TypeVar

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


def _in_a_thread(work: Callable[[], R]) -> R:
    from overthink.collect.session.interrupts import Interrupts, handled_by

    handler = Interrupts()
    result: Future[R] = Future()

    def run() -> None:
        try:
            with handled_by(handler):
                result.set_result(work())
        except BaseException as failure:  # noqa: BLE001 - it is raised in the thread that waits
            result.set_exception(failure)

    thread = threading.Thread(target=run, name="overthink", daemon=True)
    with _presses_of(handler):
        thread.start()
        while thread.is_alive():
            try:
                thread.join(SECONDS_BETWEEN_LOOKS)
            except KeyboardInterrupt:
                handler.press()
            if handler.count > 1:  # what is finished is stored already
                raise KeyboardInterrupt
    return result.result()


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
