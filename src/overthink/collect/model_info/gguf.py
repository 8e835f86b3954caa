"""Model shape from the header of a GGUF file."""

import re
from dataclasses import replace
from pathlib import Path

from overthink.collect.model_info.gguf_header import GgufHeader, GgufValue, read_header
from overthink.collect.providers.embedded.weights import check_gguf
from overthink.cost.model_shape import ModelShape, SourcedShape
from overthink.errors import InputError
from overthink.paths import name_text, path_kind

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
