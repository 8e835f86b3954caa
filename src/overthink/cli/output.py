"""Standard output and standard error of the command line: what happens when they cannot be written to.

A result that cannot be printed ends the command with a code of its own. A note that cannot be printed is no reason to
end a run that is paid for.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from overthink.errors import OutputClosedError, OutputError


class _Stream:
    """A standard stream that no component can close.

    Args:
        stream: The stream behind it; None if the process was started without one.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def close(self) -> None:
        """Stay open: a component that closes it would take the result, or the message of an error, with it."""

    def isatty(self) -> bool:
        """Whether somebody sees it."""
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        if self._stream is None:
            raise AttributeError("the process was started without this stream")
        return getattr(self._stream, name)


class ResultStream(_Stream):
    """Standard output; a device that fails raises an error that no other file can raise."""

    def write(self, text: str) -> int:
        """Write a text.

        Raises:
            OutputClosedError: The reader of the pipe has gone.
            OutputError: The device is full or broken, or there is none.
        """
        if self._stream is None:
            raise OutputError("standard output is closed, so the result cannot be printed; needed: a terminal or file")
        with _output_errors():
            return self._stream.write(text)

    def flush(self) -> None:
        """Hand everything to the operating system. Raises the errors of :meth:`write`."""
        if self._stream is not None:
            with _output_errors():
                self._stream.flush()


class NoteStream(_Stream):
    """Standard error; what cannot be written is left out."""

    def write(self, text: str) -> int:
        """Write a text if that is possible. Returns its length."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand everything to the operating system if that is possible."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.flush()


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Put :class:`ResultStream` and :class:`NoteStream` before the standard streams while the block runs."""
    out, err = sys.stdout, sys.stderr
    _occupy_closed_descriptors()
    sys.stdout, sys.stderr = ResultStream(out), NoteStream(err)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
        for stream, descriptor in ((sys.__stdout__, 1), (sys.__stderr__, 2)):
            _drop_unwritten(stream, descriptor)


@contextmanager
def _output_errors() -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        if failure.errno == errno.EPIPE:
            raise OutputClosedError("the reader of standard output has gone") from failure
        raise OutputError(
            f"standard output cannot be written to: {failure.strerror or failure}. Free some space, or send the output "
            "elsewhere; files of the study are not affected"
        ) from failure


def _occupy_closed_descriptors() -> None:
    """Open the null device as descriptors 0 to 2 where they are closed.

    Else the next file of a study would be opened as one of them, and a library's note would be written into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)


def _drop_unwritten(stream: TextIO | None, descriptor: int) -> None:
    """Flush a stream; what it cannot write goes to the null device: the interpreter would try again at its end."""
    if stream is None or stream.closed:
        return
    try:
        stream.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)
        with suppress(OSError):
            stream.flush()
