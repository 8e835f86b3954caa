"""Parameter counts of a folder of safetensors files, from their headers. The weights are not read.

The format is Hugging Face's: eight bytes with the length of a JSON object, which lists every tensor with its type,
shape and offsets. A folder is untrusted: lengths, names and offsets are checked against the files.
"""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overthink.errors import InputError
from overthink.paths import open_file, path_kind, read_file

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"

LARGEST_HEADER = 100_000_000
"""Maximum bytes of a header; the format's own bound."""
LARGEST_INDEX = 64 << 20
MOST_FILES = 10_000
MOST_DIMENSIONS = 8
PACKED = 0.01
"""Integer share of the values above which weights count as packed (several weights per integer)."""

_BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32}
_BITS |= {"U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8}
_FIELDS = ("dtype", "shape", "data_offsets")
_EXPERTS = re.compile(r"(^|\.)(experts|block_sparse_moe\.(input|output)_linear)\.")
_INACTIVE = re.compile(
    r"(^|\.)(vision\w*|visual|audio\w*|multi_modal_projector|mm_projector|connector|embed_(vision|audio)"
    r"|mtp\w*|embed_tokens_per_layer)\."
)
"""Tensors inactive for text tokens: vision and audio towers, draft layers, looked-up tables."""
_LAYER = re.compile(r"(^|\.)layers\.(\d+)\.")
_MASK = re.compile(r"(^|\.)(attn\.(masked_)?bias|attention\.(masked_)?bias)$")
"""Attention masks that old checkpoints store as a bias with four dimensions."""
_BUFFER = re.compile(r"\.(inv_freq|(?<!moe_statics\.)e_score_correction_bias|slope_rate|(query|key|diagonal)_decay)$")
"""Buffers that are not weights: frequencies, score corrections and decays."""


@dataclass(frozen=True, slots=True)
class ParameterCount:
    """Parameter counts over all headers.

    Attributes:
        parameters: Total number.
        experts: Parameters of the experts of a mixture, which are partly active per token.
        inactive: Parameters inactive for text tokens: vision and audio towers, draft layers, and tables of which a
            token looks up one row per layer.
        bytes: Total bytes.
    """

    parameters: int
    experts: int
    inactive: int
    bytes: int


def count_parameters(folder: Path, *, layers: int | None) -> ParameterCount | str:
    """Return the parameter counts, or the reason why they cannot be counted.

    Args:
        folder: A folder in Hugging Face layout.
        layers: Number of the model's own layers if draft layers follow them; None without draft layers.

    Raises:
        InputError: A file is truncated, damaged or forged.
    """
    files = _files(folder)
    if isinstance(files, str):
        return files
    parameters = experts = inactive = in_all = whole_numbers = 0
    names: set[str] = set()
    for file in files:
        for name, kind, shape in _tensors(file):
            if name in names:
                raise InputError(f"{folder} holds tensor {name[:80]!r} twice; needed: each once")
            names.add(name)
            count = math.prod(shape)
            if _BUFFER.search(f".{name}") or (_MASK.search(name) and len(shape) != 1):
                continue
            in_all += count * _BITS[kind] // 8
            if not kind.startswith(("F", "BF")):
                whole_numbers += count
                continue
            parameters += count
            if _is_inactive(name, layers):
                inactive += count
            elif _EXPERTS.search(f"{name}."):
                experts += count
    if whole_numbers > PACKED * parameters:
        return "its weights are packed into whole numbers"
    return ParameterCount(parameters, experts, inactive, in_all)


def _is_inactive(name: str, layers: int | None) -> bool:
    layer = _LAYER.search(name)
    is_draft = layers is not None and layer is not None and int(layer[2][:9]) >= layers
    return is_draft or _INACTIVE.search(name) is not None


def _files(folder: Path) -> list[Path] | str:
    """Return the weight files: those of the index, or the single one; or the reason why there are none."""
    index = folder / INDEX
    if path_kind(index) != "a file":
        return [folder / WHOLE] if path_kind(folder / WHOLE) == "a file" else f"it has no {WHOLE}"
    document = _json(read_file(index, follow=True, most=LARGEST_INDEX), index)
    names = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InputError(f"{index} has no weight_map; needed: by tensor, the file that holds it")
    files = sorted(set(names.values()))
    strange = [name for name in files if Path(name).name != name or not name.endswith(".safetensors") or "\\" in name]
    if strange or len(files) > MOST_FILES:
        problem = f"{strange[0][:80]!r}" if strange else f"{len(files):,} files"
        raise InputError(f"{index} names {problem}; needed: at most {MOST_FILES:,} .safetensors files beside it")
    lacking = [name for name in files if not (folder / name).is_file()]
    if lacking or not files:
        return f"{len(lacking)} of its {len(files)} files with weights are not there"
    return [folder / name for name in files]


def _tensors(file: Path) -> Iterator[tuple[str, str, list[int]]]:
    """Yield name, type and shape of every tensor."""
    header, room = _header(file)
    bytes_left = room
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        kind, shape, offsets = (entry.get(key) if isinstance(entry, dict) else None for key in _FIELDS)
        counts, ends = _counts(shape, MOST_DIMENSIONS), _counts(offsets, 2)
        if not isinstance(kind, str) or kind not in _BITS or counts is None or ends is None or len(ends) < 2:
            raise _damaged_file_error(file, f"tensor {name[:80]!r} is {str(entry)[:120]}")
        bytes_left -= ends[1] - ends[0]
        if ends[1] > room or bytes_left < 0 or (ends[1] - ends[0]) * 8 != math.prod(counts) * _BITS[kind]:
            raise _damaged_file_error(file, f"tensor {name[:80]!r} does not fit its place: {str(entry)[:120]}")
        yield name, kind, counts


def _counts(value: Any, most: int) -> list[int] | None:
    """Return a short list of counts; None for anything else."""
    short = isinstance(value, list) and len(value) <= most
    return value if short and all(type(count) is int and count >= 0 for count in value) else None


def _header(file: Path) -> tuple[Mapping[str, Any], int]:
    """Return the JSON object at the beginning, and the number of bytes after it."""
    try:
        with open_file(file, follow=True) as stream:
            size = os.fstat(stream.fileno()).st_size
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > min(LARGEST_HEADER, size - 8):
                raise _damaged_file_error(file, f"it has {size:,} bytes and announces a header of {length:,}")
            document = _json(stream.read(length), file)
    except OSError as failure:
        raise InputError(
            f"{file} cannot be read ({failure.strerror or failure}); needed: a safetensors file"
        ) from failure
    if not isinstance(document, dict):
        raise _damaged_file_error(file, "its header is no JSON object")
    return document, size - 8 - length


def _json(text: bytes, file: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise _damaged_file_error(file, f"it holds no JSON ({str(failure)[:120]})") from failure


def _damaged_file_error(file: Path, problem: str) -> InputError:
    return InputError(f"{file} is cut off, damaged or made up: {problem}; needed: a file as Hugging Face writes it")
