"""Start and end of the command line: every ending is one message and one of the exit codes."""

import errno
import importlib
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overthink.cli import terminal
from overthink.cli.fault import fault_message
from overthink.cli.output import guarded_streams
from overthink.collect.session.interrupts import current_handler, run_interruptible
from overthink.errors import ExitCode, OutputClosedError, OverthinkError

_NO_ACCESS = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG,
    errno.ELOOP, errno.ENOTEMPTY, errno.EXDEV, errno.ENODEV, errno.ENXIO,
}  # fmt: skip
"""Reasons of a system for which the user can choose another file or folder."""

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main() -> None:
    """Run the command line, its imports included. The entry point of the command `overthink`."""
    start(lambda: importlib.import_module("overthink.cli.main").run_app())


def start(command: Callable[[], int]) -> None:
    """Run a command and end the process with its exit code.

    Args:
        command: Returns an exit code, or raises.

    Raises:
        SystemExit: Always, with an exit code from :class:`ExitCode`.
    """
    terminal.prepare_streams()

    def run() -> None:
        with no_tracebacks(), guarded_streams():
            code = ended(command)
        sys.exit(code)

    run_interruptible(run)


def ended(command: Callable[[], int]) -> int:
    """Run a command and return how it ended, after one message if it did not end well."""
    try:
        code = command()
        sys.stdout.flush()
    except BaseException as failure:  # noqa: BLE001 - the last place where anything can be said about it
        return _failed(failure)
    return code


def _failed(failure: BaseException) -> int:
    handler = current_handler()
    known = _known(failure)
    if isinstance(known, OutputClosedError):
        return ExitCode.PIPE
    if isinstance(known, OverthinkError):
        terminal.error(*(known.lines or (type(known).__name__,)))
        return known.exit_code
    if isinstance(known, KeyboardInterrupt) or (handler is not None and handler.count):
        terminal.ending("interrupted: every file that was written is complete. Repeat the command to start again.")
        return ExitCode.INTERRUPT
    if isinstance(known, OSError) and known.filename is not None:
        if known.errno in _DISK_FULL:
            terminal.error(f"{known.filename}: {known.strerror}. Free some space, then repeat the command.")
            return ExitCode.STOPPED
        if known.errno in _NO_ACCESS:
            terminal.error(f"{known.filename}: {known.strerror}; choose another file or folder")
            return ExitCode.INPUT
    if isinstance(known, FileNotFoundError) and not _has_working_folder():
        terminal.error(
            "the working folder is not there any more; change to a folder that exists, then repeat the command"
        )
        return ExitCode.INPUT
    terminal.error(fault_message(failure, sys.argv[1:]))
    return ExitCode.FAULT


def _has_working_folder() -> bool:
    """Return whether the folder that the process works in still exists."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _known(failure: BaseException) -> BaseException:
    """Return what an exception group is about: the first of Overthink's own errors in it, else an interrupt."""
    leaves = list(_leaves(failure))
    fitting = (leaf for kind in (OverthinkError, KeyboardInterrupt) for leaf in leaves if isinstance(leaf, kind))
    return next(fitting, failure)


def _leaves(failure: BaseException) -> Iterator[BaseException]:
    if isinstance(failure, BaseExceptionGroup):
        for part in failure.exceptions:
            yield from _leaves(part)
    else:
        yield failure


@contextmanager
def no_tracebacks() -> Iterator[None]:
    """Keep Python and libraries from printing tracebacks of what they cannot raise, while the block runs.

    Hooks for threads and destructors stay, as both also run at the interpreter's end; those of others are left alone.
    """
    before = logging.getLogRecordFactory(), logging.raiseExceptions, warnings.formatwarning

    def record(*values: Any, **more: Any) -> logging.LogRecord:
        made = before[0](*values, **more)
        if made.exc_info and made.exc_info[0] is not None:
            made.msg, made.args = f"{made.getMessage()} ({made.exc_info[0].__name__})", ()
        made.exc_info = made.exc_text = made.stack_info = None
        return made

    logging.setLogRecordFactory(record)
    logging.raiseExceptions = False
    warnings.formatwarning = lambda message, *place, **line: f"warning: {terminal.shown(str(message))}\n"
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda fault: None  # nothing can be done about it, and nothing depends on it
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda fault: terminal.note(
            f"note: a thread of a library ended by {fault.exc_type.__name__}"
        )
    try:
        yield
    finally:
        logging.setLogRecordFactory(before[0])
        logging.raiseExceptions, warnings.formatwarning = before[1], before[2]
