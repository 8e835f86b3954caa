"""Header of a GGUF file: metadata of the model and sizes of its tensors. The weights are not read.

The format is ggml's (docs/gguf.md of its repository), versions 2 and 3, little-endian. A file is untrusted: every count
is checked against the remaining bytes, and no memory is allocated before the data is read.
"""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from overthink.errors import InputError
from overthink.paths import open_file

MAX_HEADER_BYTES = 64 << 20
"""Maximum bytes of a header; one with a vocabulary of 260,000 tokens has about 16 MB."""

LONGEST_LIST = 4096
"""Longer lists of numbers, such as token scores, are skipped."""

GgufValue = str | int | float | bool | tuple[int | float | bool, ...]

_VERSIONS = (2, 3)
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9
_MOST_DIMENSIONS = 4
_LONGEST_NAME = 1 << 16


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Contents of a GGUF file before its weights.

    Attributes:
        values: Metadata by key: numbers, texts, and lists of numbers; for a list of texts, its length.
        tensors: Number of elements by tensor.
        data_bytes: Bytes of the file after the header.
    """

    values: Mapping[str, GgufValue]
    tensors: Mapping[str, int]
    data_bytes: int


class _BrokenError(Exception):
    """The header violates the format."""


def read_header(path: Path) -> GgufHeader:
    """Read the header.

    Raises:
        InputError: The file cannot be read, has another version, or is truncated, damaged or forged.
    """
    try:
        with open_file(path, follow=True) as file:
            return _header(_Cursor(file, os.fstat(file.fileno()).st_size))
    except OSError as failure:
        raise InputError(f"{path} cannot be read ({failure.strerror or failure}); needed: a GGUF file") from failure
    except _BrokenError as failure:
        raise InputError(
            f"{path} has no GGUF header that can be read: {failure}; needed: a whole file of version 2 or 3, "
            "little-endian"
        ) from failure


class _Cursor:
    """Sequential reader of a file, limited to the maximum size of a header."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.position = 0

    @property
    def bytes_left(self) -> int:
        """Bytes of the file after the current position."""
        return self._size - self.position

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        self._go(count)
        data = self._file.read(count)
        if len(data) < count:
            raise _BrokenError("the file has become shorter")
        return data

    def skip(self, count: int) -> None:
        """Skip the next bytes."""
        self._go(count)
        if count:
            self._file.seek(count, 1)

    def number(self, form: str) -> int | float | bool:
        """Return the next number."""
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return value  # type: ignore[no-any-return]

    def count(self) -> int:
        """Return the next count."""
        return int.from_bytes(self.take(8), "little")

    def text(self, longest: int) -> str:
        """Return the next text."""
        length = self.count()
        if length > longest:
            raise _BrokenError(f"a name of {length:,} bytes at byte {self.position:,}")
        return self.take(length).decode("utf-8", errors="replace")

    def _go(self, count: int) -> None:
        if count > self.bytes_left:
            raise _BrokenError(
                f"{count:,} bytes are announced at byte {self.position:,}, and {self.bytes_left:,} are left"
            )
        self.position += count
        if self.position > MAX_HEADER_BYTES:
            raise _BrokenError(f"it has more than {MAX_HEADER_BYTES:,} bytes")


def _header(cursor: _Cursor) -> GgufHeader:
    magic = cursor.take(4)
    if magic != b"GGUF":
        raise _BrokenError(f"it begins with {magic!r}")
    version = int(cursor.number("<I"))
    if version not in _VERSIONS:
        raise _BrokenError(f"version {version}")
    tensors, pairs = cursor.count(), cursor.count()
    values: dict[str, GgufValue] = {}
    for _ in range(pairs):
        key = cursor.text(_LONGEST_NAME)
        value = _value(cursor, int(cursor.number("<I")))
        if value is not None:
            values[key] = value
    sizes: dict[str, int] = {}
    for _ in range(tensors):
        name, size = _tensor(cursor)
        if name in sizes:
            raise _BrokenError(f"tensor {name[:80]!r} is there twice")
        sizes[name] = size
    return GgufHeader(values, sizes, cursor.bytes_left)


def _value(cursor: _Cursor, kind: int) -> GgufValue | None:
    """Return a metadata value; None for a long list of numbers."""
    if kind in _NUMBERS:
        return cursor.number(_NUMBERS[kind])
    if kind == _TEXT:
        return cursor.text(MAX_HEADER_BYTES)
    if kind != _LIST:
        raise _BrokenError(f"a value of kind {kind} at byte {cursor.position:,}")
    kind, length = int(cursor.number("<I")), cursor.count()
    if kind == _TEXT:
        for _ in range(length):
            cursor.skip(cursor.count())
        return length
    if kind not in _NUMBERS:
        raise _BrokenError(f"a list of values of kind {kind} at byte {cursor.position:,}")
    if length > LONGEST_LIST:
        cursor.skip(length * struct.calcsize(_NUMBERS[kind]))
        return None
    return tuple(cursor.number(_NUMBERS[kind]) for _ in range(length))


def _tensor(cursor: _Cursor) -> tuple[str, int]:
    name = cursor.text(_LONGEST_NAME)
    dimensions = int(cursor.number("<I"))
    if dimensions > _MOST_DIMENSIONS:
        raise _BrokenError(f"tensor {name[:80]!r} has {dimensions:,} dimensions")
    size = 1
    for _ in range(dimensions):
        size *= cursor.count()
    cursor.skip(4 + 8)  # type and offset
    return name, size
