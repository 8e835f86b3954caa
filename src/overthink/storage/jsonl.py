"""Append-only files of JSON lines, each synced to the disk before the next one is written.

A run that was killed while writing leaves at most one torn line, which the next opening cuts off. A full disk
leaves none: the written part is cut off at once, and nothing is written behind it.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from overthink.errors import InputError, StoppedError
from overthink.storage.files import storage_errors
from overthink.storage.json_documents import all_faults

_T = TypeVar("_T")


class LineFile:
    """An append-only file of lines under a header. Use it as a context manager, or close it.

    Args:
        path: The file; created if missing.
        header: Its first line, with its kind and version.

    Raises:
        InputError: The file is of another kind or version, or cannot be written to.
        StoppedError: The disk is full.
    """

    def __init__(self, path: Path, header: dict[str, int]) -> None:
        self._path = path
        self._whole = _whole_lines(path, header) if path.exists() else 0
        self._failure: StoppedError | None = None
        with storage_errors(path):
            path.parent.mkdir(exist_ok=True)
            self._file = path.open("ab", buffering=0)  # a buffer would write the rest of a failed write later
            self._file.truncate(self._whole)
        if not self._whole:
            self.write(header)

    def write(self, content: object) -> None:
        """Store one line; on the disk when this returns.

        Raises:
            StoppedError: The disk is full, or was full before: a line behind a lost one would hide the loss.
        """
        if self._failure is not None:
            raise self._failure
        line = as_line(content)
        try:
            with storage_errors(self._path):
                written = 0
                while written < len(line):
                    written += self._file.write(line[written:])
                os.fsync(self._file.fileno())
        except StoppedError as failure:
            self._failure = failure
            with contextlib.suppress(OSError):
                self._file.truncate(self._whole)
            raise
        self._whole += len(line)

    def close(self) -> None:
        """Close the file; appended lines are already on the disk."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_typed_lines(
    path: Path, header: dict[str, int], adapter: TypeAdapter[_T], *, behind: int = 1
) -> Iterator[tuple[int, _T]]:
    """Yield the lines of :func:`read_lines` as values of one type, each validated when it is read.

    Args:
        path: The file.
        header: Its first line.
        adapter: Adapter of the type of a line.
        behind: Number of the last line before the values: 1 is the header.

    Raises:
        InputError: The file is of another kind or version, or the line that is read is damaged.
    """
    for number, line in read_lines(path, header):
        if number <= behind:
            continue
        try:
            value = adapter.validate_json(line)
        except ValidationError as failure:
            raise InputError(f"{path}, line {number}, is damaged:\n{all_faults(failure)}") from failure
        yield number, value


def read_lines(path: Path, header: dict[str, int]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines after the header with their numbers, without opening the file for writing.

    A torn last line is left out.

    Raises:
        InputError: The file is of another kind or version.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            if number == 1:
                _check_header(path, header, line)
                continue
            yield number, line


def as_line(content: object) -> bytes:
    """A value as one line of JSON."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _whole_lines(path: Path, header: dict[str, int]) -> int:
    """Length of the file up to its last line end, in bytes. Another kind of file is refused, not cut."""
    with path.open("rb") as file:
        first = file.readline()
        if not first.endswith(b"\n") and as_line(header).startswith(first):
            return 0  # empty, or torn within the header
        _check_header(path, header, first)
        return len(first) + sum(len(line) for line in file if line.endswith(b"\n"))


def _check_header(path: Path, header: dict[str, int], line: bytes) -> None:
    if line != as_line(header):
        raise InputError(
            f"{path} begins with {line[:80]!r}; this Overthink reads files that begin with "
            f"{json.dumps(header)}: use the Overthink that wrote it, or a new --out folder"
        )
