"""Types of a run's options: each takes what the command line gives, what TOML gives, and what Python would give.

A list may be a text with commas, as on the command line. Every type states its JSON Schema, for editors of TOML files.
"""

import json
import math
import operator
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, WithJsonSchema

from overthink.data.shards import read_shard, read_workers
from overthink.errors import InputError
from overthink.plan.distribution import read_endpoints
from overthink.plan.k_reference import LOWEST, read_k_reference

Argument = str | int | float | bool
"""Value of an argument of a model or task."""


def read_numbers(value: object, *, of: str = "tokens, as 0,512,2k") -> tuple[int, ...]:
    """Return whole numbers of a text with commas, or of a list; 2k is 2,000.

    Raises:
        ValueError: It is neither.

    Example:
        >>> read_numbers("0,512,2k"), read_numbers([0, "2k"])
        ((0, 512, 2000), (0, 2000))
    """
    try:
        return tuple(_number(word) for word in _items(value))
    except (TypeError, ValueError, OverflowError):
        text = value[:80] if isinstance(value, str) else shown(value)
        raise ValueError(f"{text} cannot be read; needed: whole numbers of {of}") from None


def _items(value: object) -> Sequence[object]:
    """Return the items of a list, a tuple, an array, or a text with commas.

    Raises:
        TypeError: It is none of these; bytes are numbers to Python, and are refused, too.
    """
    if isinstance(value, str):
        return value.split(",")
    items = value if isinstance(value, Sequence) else getattr(value, "tolist", lambda: None)()
    if not isinstance(items, Sequence) or isinstance(items, str | bytes | bytearray | memoryview):
        raise TypeError(value)
    return items


def _number(word: object) -> int:
    if isinstance(word, bool):
        raise TypeError(word)
    if not isinstance(word, str):
        return operator.index(word)  # type: ignore[arg-type]
    word = word.strip()
    return round(float(word[:-1]) * 1000) if word[-1:] in ("k", "K") else int(word)


def read_names(value: object) -> tuple[str, ...]:
    """Return names of a text with commas, or of a list; caps in tokens are names, too.

    Raises:
        ValueError: One is empty, or it is neither.

    Example:
        >>> read_names("low,high"), read_names([1024, 4096])
        (('low', 'high'), ('1024', '4096'))
    """
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, Sequence) or any(
        isinstance(word, bool) or not isinstance(word, str | int) for word in words
    ):
        raise ValueError(
            f"{shown(value)} cannot be read; needed: names with one comma between them, or a list of names"
        )
    names = tuple(str(word).strip() for word in words)
    if not all(names):
        raise ValueError(f"{value!r:.80} has an empty name; needed: names with one comma between them")
    return names


def _is_name(word: object) -> bool:
    return isinstance(word, str | int) and not isinstance(word, bool)


def read_texts(value: object) -> tuple[str, ...]:
    """Return a list of texts; one text is a list of one.

    Raises:
        ValueError: It is neither a text nor a list of texts.
    """
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{shown(value)} cannot be read; needed: a text, or a list of texts")
    return tuple(texts)


def read_arm_text(value: object) -> str:
    """Return arms as one text; a list is joined by commas.

    Raises:
        ValueError: It is neither a text nor a list of texts.
    """
    if not (texts := read_texts(value)):
        raise ValueError("names none; needed: one or more, as base")
    return ",".join(texts)


def _whole(value: object) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError(value)
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{shown(value)} cannot be read; needed: a whole number") from None


def _real(value: object) -> float:
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise ValueError(f"{shown(value)} cannot be read; needed: a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} cannot be used; needed: a finite number")
    return number


def _text(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} cannot be read; needed: a text")
    return value


def _path(value: object) -> str:
    if not (text := _text(value)):
        raise ValueError("is empty; needed: a path, such as . for this folder")
    return text


def _shard(value: object) -> str:
    try:
        return str(read_shard(_text(value)))
    except InputError as failure:
        raise ValueError(str(failure).removeprefix("shard ")) from None


def _endpoints(value: object) -> tuple[str, ...]:
    """Return addresses, each in its common form; a fault does not repeat what may hold a password."""
    try:
        return read_endpoints(read_texts(value))
    except InputError as failure:
        raise ValueError(str(failure).removeprefix("--endpoint ")) from None


def _workers(value: object) -> str:
    try:
        return str(read_workers(_text(value)))
    except InputError as failure:
        raise ValueError(str(failure).removeprefix("workers ")) from None


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} cannot be read; needed: true or false")
    return value


def _reference(value: object) -> float | None:
    """Return a stated reference; None for the lowest budget, which a plan without one has."""
    try:
        reference = read_k_reference(value) if isinstance(value, str) else _real(value)
        return None if reference == LOWEST else float(reference)
    except InputError as failure:
        raise ValueError(str(failure).removeprefix("--k-reference ")) from failure


def _hypothesis(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and value and all(isinstance(part, str) for part in value):
        return ",".join(value)
    return ",".join(map(str, read_numbers(value, of="thinking tokens, or a text with directions, as up@2k,down")))


def _resample(value: object) -> str:
    text = str(value) if isinstance(value, str) else str(_whole(value))
    times, _, where = text.partition(":")
    if not times.isdecimal() or where not in ("", "every", "bisect"):
        raise ValueError(f"{text} cannot be read; needed: a whole number, as 8, or 8:bisect")
    return text


def _arguments(value: object) -> dict[str, Argument]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{shown(value)} cannot be read; needed: a table of names and values")
    arguments = {name: each.item() if isinstance(each, np.generic) else each for name, each in value.items()}
    for name, each in arguments.items():
        if not isinstance(name, str) or not isinstance(each, str | int | float | bool):
            raise ValueError(f"{name} = {shown(each)} cannot be read; needed: a text, a number, or true or false")
        if isinstance(each, float) and not math.isfinite(each):
            raise ValueError(f"{name} = {each} cannot be used; needed: a finite number")
    return arguments


def _shapes(value: object) -> tuple[str, ...]:
    """Return MODEL=SHAPE texts; of a table, its pairs."""
    if isinstance(value, Mapping) and all(isinstance(shape, str) for shape in value.values()):
        return tuple(f"{model}={shape}" for model, shape in value.items())
    return read_texts(value)


def shown(value: object) -> str:
    """Return a value as TOML would have it, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


_A_TEXT = {"type": "string"}
_TEXT_OR_LIST: dict[str, Any] = {"anyOf": [_A_TEXT, {"type": "array", "items": _A_TEXT}]}
_NUMBERS = {"anyOf": [_A_TEXT, {"type": "array", "items": {"type": ["integer", "string"]}}]}
_VALUES = {"type": ["string", "number", "boolean"]}


Text = Annotated[str, BeforeValidator(_text), WithJsonSchema(_A_TEXT)]
PathText = Annotated[str, BeforeValidator(_path), WithJsonSchema(_A_TEXT)]
Endpoints = Annotated[tuple[str, ...], BeforeValidator(_endpoints), WithJsonSchema(_TEXT_OR_LIST)]
ShardText = Annotated[str, BeforeValidator(_shard), WithJsonSchema(_A_TEXT)]
WorkersText = Annotated[str, BeforeValidator(_workers), WithJsonSchema(_A_TEXT)]
Texts = Annotated[tuple[str, ...], BeforeValidator(read_texts), WithJsonSchema(_TEXT_OR_LIST)]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(read_names),
    WithJsonSchema({"anyOf": [_A_TEXT, {"type": "array", "items": {"type": ["string", "integer"]}}]}),
]
Numbers = Annotated[tuple[int, ...], BeforeValidator(read_numbers), WithJsonSchema(_NUMBERS)]
Turns = Annotated[
    tuple[int, ...], BeforeValidator(partial(read_numbers, of="turns, as 1,2,4,8")), WithJsonSchema(_NUMBERS)
]
LoopTokens = Annotated[
    tuple[int, ...], BeforeValidator(partial(read_numbers, of="tokens, as 1k,4k,16k")), WithJsonSchema(_NUMBERS)
]
Arms = Annotated[str, BeforeValidator(read_arm_text), WithJsonSchema(_TEXT_OR_LIST)]
Whole = Annotated[int, BeforeValidator(_whole)]
Real = Annotated[float, BeforeValidator(_real)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Reference = Annotated[float | None, BeforeValidator(_reference), WithJsonSchema({"type": ["number", "string"]})]
Hypothesis = Annotated[str, BeforeValidator(_hypothesis), WithJsonSchema(_NUMBERS)]
Resample = Annotated[str, BeforeValidator(_resample), WithJsonSchema({"type": ["integer", "string"]})]
Arguments = Annotated[
    dict[str, Argument],
    BeforeValidator(_arguments),
    WithJsonSchema({"type": "object", "additionalProperties": _VALUES}),
]
Shapes = Annotated[
    tuple[str, ...],
    BeforeValidator(_shapes),
    WithJsonSchema({"anyOf": [*_TEXT_OR_LIST["anyOf"], {"type": "object", "additionalProperties": _A_TEXT}]}),
]
