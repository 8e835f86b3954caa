"""The header of a GGUF file: what it says of the model, and the sizes of its tensors. The weights are not read.

The format is ggml's (docs/gguf.md of its repository), versions 2 and 3, little-endian. A file is untrusted: every count
is held against what is left of it, and nothing is set aside before it was read.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from overthink.errors import InputError

LARGEST = 64 << 20
"""Most bytes of a header; those of vocabularies with 260,000 tokens have some 16 MB."""

LONGEST_LIST = 4096
"""Lists of more numbers than this, such as scores of tokens, are passed over."""

Value = str | int | float | bool | tuple[int | float | bool, ...]

_VERSIONS = (2, 3)
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9
_MOST_DIMENSIONS = 4
_LONGEST_NAME = 1 << 16


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says before its weights.

    Attributes:
        values: By key: numbers, texts, and lists of numbers; of a list of texts, how many there are.
        tensors: By tensor: how many numbers it holds.
        data_bytes: Bytes of the file behind the header.
    """

    values: Mapping[str, Value]
    tensors: Mapping[str, int]
    data_bytes: int


class _BrokenError(Exception):
    """The header is not what the format says."""


def read_header(path: Path) -> GgufHeader:
    """Read the header.

    Raises:
        InputError: The file cannot be read, is of another version, or is cut off, damaged or made up.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _header(_Cursor(file, size))
    except OSError as failure:
        raise InputError(f"{path} cannot be read ({failure.strerror or failure}); needed: a GGUF file") from failure
    except _BrokenError as failure:
        raise InputError(
            f"{path} has no GGUF header that can be read: {failure}; needed: a whole file of version 2 or 3, "
            "little-endian"
        ) from failure


class _Cursor:
    """Reads a file from its beginning, and never beyond what a header may have."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.place = 0

    @property
    def left(self) -> int:
        """Bytes of the file behind this place."""
        return self._size - self.place

    def take(self, count: int) -> bytes:
        """The next bytes."""
        self._go(count)
        taken = self._file.read(count)
        if len(taken) < count:
            raise _BrokenError("the file has become shorter")
        return taken

    def skip(self, count: int) -> None:
        """Leave out the next bytes."""
        self._go(count)
        self._file.seek(count, 1)

    def number(self, form: str) -> int | float | bool:
        """The next number."""
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return value  # type: ignore[no-any-return]

    def count(self) -> int:
        """The next count."""
        return int(self.number("<Q"))

    def text(self, longest: int) -> str:
        """The next text."""
        length = self.count()
        if length > longest:
            raise _BrokenError(f"a name of {length:,} bytes at byte {self.place:,}")
        return self.take(length).decode("utf-8", errors="replace")

    def _go(self, count: int) -> None:
        if count > self.left:
            raise _BrokenError(f"{count:,} bytes are announced at byte {self.place:,}, and {self.left:,} are left")
        self.place += count
        if self.place > LARGEST:
            raise _BrokenError(f"it has more than {LARGEST:,} bytes")


def _header(cursor: _Cursor) -> GgufHeader:
    magic = cursor.take(4)
    if magic != b"GGUF":
        raise _BrokenError(f"it begins with {magic!r}")
    version = int(cursor.number("<I"))
    if version not in _VERSIONS:
        raise _BrokenError(f"version {version}")
    tensors, pairs = cursor.count(), cursor.count()
    values: dict[str, Value] = {}
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
    return GgufHeader(values, sizes, cursor.left)


def _value(cursor: _Cursor, kind: int) -> Value | None:
    """A value of the metadata; None for a long list of numbers."""
    if kind in _NUMBERS:
        return cursor.number(_NUMBERS[kind])
    if kind == _TEXT:
        return cursor.text(LARGEST)
    if kind != _LIST:
        raise _BrokenError(f"a value of kind {kind} at byte {cursor.place:,}")
    kind, length = int(cursor.number("<I")), cursor.count()
    if kind == _TEXT:
        for _ in range(length):
            cursor.skip(cursor.count())
        return length
    if kind not in _NUMBERS:
        raise _BrokenError(f"a list of values of kind {kind} at byte {cursor.place:,}")
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
    cursor.skip(4 + 8)  # how it is stored, and where
    return name, size
