"""Model shape from the header of a GGUF file.

Header of a GGUF file: metadata of the model and sizes of its tensors. The weights are not read.

The format is ggml's (docs/gguf.md of its repository), versions 2 and 3, little-endian. A file is untrusted: every
count is checked against the remaining bytes, and no memory is allocated before the data is read.
"""

import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from overthink.collect.providers.embedded.weights import check_gguf
from overthink.cost.model_shape import ModelShape, SourcedShape
from overthink.errors import InputError
from overthink.paths import name_text, open_file, path_kind

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


CACHE_BYTES = 2
"""Bytes per value of the cache: llama.cpp keeps keys and values as 16-bit floats by default."""

MOST_PARTS = 1000

_EXPERTS = re.compile(r"\.ffn_\w+_exps\.|\.ffn_\w+\.\d+\.")
_NO_WEIGHT = "rope_"
"""Name prefix of tensors without parameters."""
_FIRST = re.compile(r"-00001-of-\d{5}\.gguf$")
_OTHER_ATTENTION = ("attention.kv_lora_rank", "full_attention_interval", "ssm.state_size", "ssm.conv_kernel")
"""Keys of latent attention, and of models with attention-free layers."""


def gguf_shape(path: str | Path) -> SourcedShape:
    """Read a model's shape.

    Bytes per parameter are those of the file, as quantized. The attention cost stays unknown for latent attention and
    for models with different layers.

    Args:
        path: The file; the first part of a model in several files.

    Raises:
        InputError: There is no such file, or it is truncated, damaged or forged.
    """
    file = check_gguf(path)
    first = read_header(file)
    headers = [first, *(read_header(part) for part in _other_parts(file, first.values.get("split.count", 1)))]
    values = first.values
    architecture = str(values.get("general.architecture", ""))

    def number(key: str) -> int | None:
        return _number(values.get(f"{architecture}.{key}"), f"{file}: {architecture}.{key}")

    parameters = _parameters(headers, file)
    bytes_in_all = sum(header.data_bytes for header in headers)
    heads, keys, wide = number("attention.head_count"), number("attention.key_length"), number("embedding_length")
    has_kv_heads = f"{architecture}.attention.head_count_kv" in values
    shape = ModelShape(
        parameters=parameters,
        active_parameters=_active(headers, number("expert_count"), number("expert_used_count"), parameters),
        layers=number("block_count"),
        heads=heads,
        kv_heads=number("attention.head_count_kv") if has_kv_heads else heads,  # without the key every head has its own
        hidden_size=wide,
        head_width=keys if keys == number("attention.value_length") else None,
        vocabulary=number("vocab_size") or _number(values.get("tokenizer.ggml.tokens"), f"{file}: its tokens"),
        weight_bytes=bytes_in_all / parameters,
        cache_bytes=CACHE_BYTES,
    )
    sourced_shape = SourcedShape(shape, f"the header of {name_text(file.name)}")
    uneven = heads is None or shape.kv_heads is None
    unlike = keys != number("attention.value_length")
    if uneven or unlike or any(f"{architecture}.{key}" in values for key in _OTHER_ATTENTION):
        return sourced_shape.without_attention("its layers are not alike, or attend in a way of their own")
    if number("attention.sliding_window"):
        return replace(
            sourced_shape, source=f"{sourced_shape.source}; its attention windows are counted as if they had no end"
        )
    return sourced_shape


def _number(value: GgufValue | None, what: str) -> int | None:
    """Return an integer of the header; None if it is missing, 0, or differs between layers."""
    if isinstance(value, tuple):
        value = value[0] if value and len(set(value)) == 1 else None
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{what} is {str(value)[:80]!r}; needed: a whole number; the file is damaged or made up")
    return value


def check_one_file(path: Path) -> None:
    """Check that a file holds all weights of its model.

    Raises:
        InputError: It is one of several parts, truncated, damaged or forged.
    """
    header = read_header(check_gguf(path))
    count = header.values.get("split.count", 1)
    if isinstance(count, int) and count > 1:  # a model whose parts were merged states 0
        raise InputError(f"{path} is one of {count} parts of a model; needed: a model in one file")
    _parameters([header], path)


def _other_parts(first: Path, count: GgufValue) -> list[Path]:
    """Return the other files of a split model, in llama.cpp's naming; usually none."""
    if not isinstance(count, int) or count <= 1:
        return []
    if count > MOST_PARTS or not _FIRST.search(first.name):
        raise InputError(
            f"{first} is one of {count:,} parts; needed: the first of at most {MOST_PARTS:,}, named like "
            "model-00001-of-00002.gguf"
        )
    parts = [
        first.with_name(_FIRST.sub(f"-{part:05d}-of-{count:05d}.gguf", first.name)) for part in range(2, count + 1)
    ]
    lacking = [part.name for part in parts if path_kind(part) != "a file"]
    if lacking:
        raise InputError(f"{first} is one of {count} parts, and {lacking[0]} is not beside it; needed: all of them")
    return parts


def _parameters(headers: list[GgufHeader], file: Path) -> int:
    total = sum(size for header in headers for name, size in header.tensors.items() if not name.startswith(_NO_WEIGHT))
    room = 8 * sum(header.data_bytes for header in headers)
    if not 0 < total <= room:
        raise InputError(
            f"{file} announces {total:,} parameters, and its weights have {room // 8:,} bytes; needed: a file that "
            "holds its weights. It is cut off, damaged or made up"
        )
    return total


def _active(
    headers: list[GgufHeader], experts: int | None, active_experts: int | None, parameters: int
) -> float | None:
    """Return the number of active parameters per token; of the experts only the active ones count."""
    expert = sum(size for header in headers for name, size in header.tensors.items() if _EXPERTS.search(name))
    if not expert:
        return parameters
    if experts is None or active_experts is None or active_experts > experts:
        return None
    return parameters - expert * (1 - active_experts / experts)
