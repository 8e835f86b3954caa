"""A call that is killed at a line of its own choosing: what it leaves is what a power cut or ``kill -9`` leaves."""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any


def killed_after(lines: int | None, call: Callable[[], object], *, inside: str) -> int:
    """Run a call in a fork of this process, and kill it with SIGKILL before a line is executed.

    Args:
        lines: Number of executed lines after which it is killed; None for never.
        call: The call.
        inside: Part of the path of the files whose lines count.

    Returns:
        The lines that it executed.
    """
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads in the parent: no lock of theirs is used here
        pid = os.fork()
    if pid == 0:
        _traced(lines, call, inside, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        executed = int.from_bytes(pipe.read()[-4:], "little")
    status = os.waitpid(pid, 0)[1]
    ended = os.WTERMSIG(status) == signal.SIGKILL if lines is not None and os.WIFSIGNALED(status) else status == 0
    assert ended, f"the fork ended with the status {status}"
    return executed


def _traced(lines: int | None, call: Callable[[], object], inside: str, writer: int) -> None:
    executed = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal executed
        if inside not in frame.f_code.co_filename:
            return None
        if event == "line":
            executed += 1
            if executed == lines:
                os.write(writer, executed.to_bytes(4, "little"))
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    code = 1
    try:
        sys.settrace(trace)
        call()
        sys.settrace(None)
        os.write(writer, executed.to_bytes(4, "little"))
        code = 0
    finally:
        os._exit(code)
