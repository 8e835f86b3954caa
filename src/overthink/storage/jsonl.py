"""Append-only files of JSON lines, each synced to the disk before the next one is written where it matters.

A run that was killed while writing leaves at most one torn line, which the next opening cuts off. A full disk
leaves none: the written part is cut off at once, and nothing is written behind it.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BufferedReader, FileIO
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from pydantic import TypeAdapter

from overthink.errors import InputError, StoppedError
from overthink.paths import is_there, open_file
from overthink.storage.files import open_append, replacing, storage_errors
from overthink.storage.json_text import json_value, typed_value

MAX_LINE = 2**28
"""Bytes of a line; a line that is longer is no trace, and would be read into memory at once."""

_T = TypeVar("_T")


class JsonLines(Generic[_T]):
    """A file with one JSON value of one type per line, under a header. As a context manager it is open for appending.

    Opening a file that exists checks its header and cuts off a torn last line.

    Args:
        path: The file; created when it is opened.
        header: Its first line, with its kind and version.
        adapter: Adapter of the type of a line.
        dump: Conversion of a value to JSON; that of the adapter if None.
        is_synced: Whether a line is on the disk when it is appended; else a loss of power may take it.
        earlier: Another header that is read, too.

    Raises:
        InputError: On opening: the file is of another kind or version, or cannot be written to.
        StoppedError: On opening: the disk is full.
    """

    def __init__(
        self,
        path: Path,
        header: dict[str, int],
        adapter: TypeAdapter[_T],
        dump: Callable[[_T], object] | None = None,
        *,
        is_synced: bool = True,
        earlier: dict[str, int] | None = None,
    ) -> None:
        self.path = path
        self._header, self._adapter = header, adapter
        self._headers = tuple(_as_line(line) for line in (header, earlier) if line is not None)
        self._is_synced = is_synced
        self._dump = dump or partial(adapter.dump_python, mode="json")
        self._file: FileIO | None = None
        self._length = 0
        self._failure: StoppedError | None = None

    def __enter__(self) -> Self:
        self._length, self._failure = self._whole_lines() if is_there(self.path) else 0, None
        with storage_errors(self.path):
            self.path.parent.mkdir(exist_ok=True)
            self._file = open_append(self.path)  # a buffer would write the rest of a failed write later
            self._file.truncate(self._length)
        if not self._length:
            self.write(self._header)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def length(self) -> int:
        """Bytes of the open file: where the next line begins."""
        return self._length

    def append(self, value: _T) -> None:
        """Store one value; on the disk when this returns, if the file is synced.

        Raises:
            StoppedError: The disk is full, or was full before: a line behind a lost one would hide the loss.
        """
        self.write(self._dump(value))

    def write(self, content: object) -> None:
        """Store one line of any JSON content, as :meth:`append`.

        Raises:
            StoppedError: The disk is or was full.
        """
        assert self._file is not None
        if self._failure is not None:
            raise self._failure
        line = _as_line(content)
        try:
            with storage_errors(self.path):
                written = 0
                while written < len(line):
                    written += self._file.write(line[written:])
                if self._is_synced:
                    os.fsync(self._file.fileno())
        except StoppedError as failure:
            self._failure = failure
            with contextlib.suppress(OSError):
                self._file.truncate(self._length)
            raise
        self._length += len(line)

    def replace(self, values: Iterable[_T]) -> None:
        """Write the whole file atomically.

        Raises:
            StoppedError: The disk is full.
        """
        lines = [self._header, *map(self._dump, values)]
        with replacing(self.path) as file:
            file.write(b"".join(map(_as_line, lines)))

    def read(self, *, skip: int = 0) -> Iterator[tuple[int, _T]]:
        """Yield line numbers and values, each validated when it is read; nothing without a file.

        Args:
            skip: Number of lines between the header and the values.

        Raises:
            InputError: The file is of another kind or version, or the line that is read is damaged.
        """
        for number, line in self.read_lines():
            if number <= 1 + skip:
                continue
            where = f"{self.path}, line {number}"
            json_value(line, where)
            yield number, typed_value(self._adapter, line, f"{where}, is damaged")

    def read_behind(self, offset: int) -> Iterator[tuple[int, _T]]:
        """Yield the values whose line begins at this byte or behind it, each with where its line begins.

        Raises:
            InputError: As for :meth:`read`.
        """
        begin = len(self._headers[0])
        for number, line in self.read_lines():
            if begin >= offset:
                yield begin, typed_value(self._adapter, line, f"{self.path}, line {number}, is damaged")
            begin += len(line)

    def read_lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines after the header with their numbers, without a torn last line; nothing without a file.

        Raises:
            InputError: The file is of another kind or version.
        """
        if not is_there(self.path):
            return
        with open_file(self.path) as file:
            for number, line in self._bounded_lines(file):
                if not line.endswith(b"\n"):
                    break
                if number == 1:
                    self._check_header(line)
                    continue
                yield number, line

    def _whole_lines(self) -> int:
        """Length of the file up to its last line end, in bytes. Another kind of file is refused, not cut."""
        with open_file(self.path) as file:
            first = file.readline(MAX_LINE)
            if not first.endswith(b"\n") and _as_line(self._header).startswith(first):
                return 0  # empty, or torn within the header
            self._check_header(first)
            rest = self._bounded_lines(file, start=2)
            return len(first) + sum(len(line) for _, line in rest if line.endswith(b"\n"))

    def _bounded_lines(self, file: BufferedReader, *, start: int = 1) -> Iterator[tuple[int, bytes]]:
        """Yield the lines from where a file stands, with their numbers, none longer than :data:`MAX_LINE`.

        Raises:
            InputError: A line is too long.
        """
        for number, line in enumerate(iter(partial(file.readline, MAX_LINE), b""), start=start):
            if len(line) == MAX_LINE:
                raise InputError(f"{self.path}, line {number}, has {MAX_LINE:,} bytes or more; needed: fewer")
            yield number, line

    def _check_header(self, line: bytes) -> None:
        if line not in self._headers:
            raise InputError(
                f"{self.path} begins with {line[:80]!r}; this Overthink reads files that begin with "
                f"{json.dumps(self._header)}: use the Overthink that wrote it, or a new --out folder"
            )


class SettingLines(JsonLines[_T]):
    """A file of JSON lines that have one setting in common, which is the line behind the header.

    Args:
        path: The file; created when it is opened.
        header: Its first line, with its kind and version.
        adapter: Adapter of the type of a line behind these two.
        setting: What the lines have in common, as JSON.
        dump: Conversion of a value to JSON; that of the adapter if None.
    """

    def __init__(
        self,
        path: Path,
        header: dict[str, int],
        adapter: TypeAdapter[_T],
        setting: dict[str, object],
        dump: Callable[[_T], object] | None = None,
    ) -> None:
        super().__init__(path, header, adapter, dump)
        self._setting = setting

    def __enter__(self) -> Self:
        is_new = next(self.read_lines(), None) is None
        super().__enter__()
        if is_new:
            self.write(self._setting)
        return self


def _as_line(content: object) -> bytes:
    """A value as one line of JSON."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode() + b"\n"
