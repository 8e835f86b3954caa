"""Mutations of documents: bytes, JSON, and columns of a Parquet file. A mutation is the new content and a few words."""

import copy
import io
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

import polars as pl

RAW = (
    "null", "true", "0", "-1", "3.0", "1e308", "1e999", "NaN", "-Infinity", "1" + "0" * 30, "1" * 5000, '"3"', '""',
    '"\\ud800"', '"\\u0000"', '"no such word"', '"' + "x" * 100_000 + '"', "[]", "{}", "[" * 3000 + "]" * 3000,
)  # fmt: skip
"""JSON texts that replace a value."""

_BASE = [{"label": "base", "parts": ["base"], "settings": {}}]
_DEFAULTS = (None, False, 0, [], {}, True, 0.95, 0.05, 0.8, 8, 32, "plain", "every", _BASE)
"""What a field of a study means that is not there."""

_HOLE = "\x01hole\x01"


class Mutation(NamedTuple):
    """A document that was changed.

    Attributes:
        content: Its bytes.
        words: What was done.
        names: Names of the fields on the way to the change; empty where no field was aimed at.
        is_same: Whether it means what it meant.
    """

    content: bytes
    words: str
    names: tuple[str, ...] = ()
    is_same: bool = False


def of_bytes(content: bytes, dice: Random) -> Mutation:
    """Flip, cut, insert or duplicate bytes."""
    how = dice.choice(("flip", "cut", "insert", "duplicate", "truncate"))
    at = dice.randrange(len(content))
    end = min(len(content), at + dice.choice((1, 2, 8, 64)))
    if how == "flip":
        new = content[:at] + bytes([content[at] ^ (1 << dice.randrange(8))]) + content[at + 1 :]
    elif how == "cut":
        new = content[:at] + content[end:]
    elif how == "insert":
        new = content[:at] + dice.choice((b"\x00", b"\xff", b"\xed\xa0\x80", b"{", b'"', b"[" * 5000)) + content[at:]
    elif how == "duplicate":
        new = content[:end] + content[at:]
    else:
        new = content[:at]
    return Mutation(new, f"{how} at {at}", is_same=_is_same(content, new))


def of_json(content: bytes, dice: Random) -> Mutation:
    """Replace, change, remove, repeat or add a field of a JSON document."""
    document = json.loads(content)
    places = list(_places(document))
    path = dice.choice(places)
    names = tuple(str(part) for part in path if isinstance(part, str))
    how = dice.choice(("replace", "replace", "change", "remove", "repeat", "add"))
    old = _at(document, path)
    if how == "change":
        raw = json.dumps(_changed(old, dice))
    elif how == "replace":
        raw = dice.choice(RAW)
    elif how == "repeat" and isinstance(path[-1], str):
        raw = f"{json.dumps(old)}, {json.dumps(path[-1])}: {dice.choice(RAW)}"
    elif how == "add" and isinstance(path[-1], str):
        raw = f'{json.dumps(old)}, "mood": {dice.choice(RAW)}'
        names = (*names[:-1], "mood")
    else:
        how, raw = "remove", ""
    new = copy.deepcopy(document)
    holder = _at(new, path[:-1])
    if how == "remove":
        del holder[path[-1]]
    else:
        holder[path[-1]] = _HOLE
    text = json.dumps(new, ensure_ascii=False, separators=(",", ":")).replace(json.dumps(_HOLE), raw)
    words = f"{how} {'.'.join(map(str, path))} by {raw[:40]}"
    return Mutation(text.encode(), words, names, _is_same(content, text.encode()))


def _is_same(old: bytes, new: bytes) -> bool:
    """Whether a JSON text says what another says."""
    try:
        return _means_same(json.loads(old), json.loads(new, object_pairs_hook=_once))
    except (ValueError, RecursionError):
        return old == new


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name is there twice")
    return fields


def _means_same(old: Any, new: Any) -> bool:
    """Whether two values say the same: 3, 3.0, "3" and true differ, and a field that is left out has its default."""
    if isinstance(old, dict) and isinstance(new, dict):
        is_subset = all(name in old and _means_same(old[name], value) for name, value in new.items())
        return is_subset and all(old[name] in _DEFAULTS for name in old.keys() - new.keys())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_means_same, old, new))
    if isinstance(old, float) and type(new) is int:
        return old == new
    return json.dumps(old) == json.dumps(new)


def of_lines(content: bytes, dice: Random) -> Mutation:
    """Change a line as JSON, or remove, repeat or exchange lines."""
    lines = content.splitlines(keepends=True)
    at = dice.randrange(len(lines))
    how = dice.choice(("json", "json", "json", "json", "remove", "repeat", "swap"))
    if how == "json" and lines[at].strip():
        line = of_json(lines[at], dice)
        joined = b"".join((*lines[:at], line.content, b"\n", *lines[at + 1 :]))
        return line._replace(content=joined, words=f"line {at + 1}: {line.words}")
    other = dice.randrange(len(lines))
    if how == "remove":
        del lines[at]
    elif how == "repeat":
        lines.insert(other, lines[at])
    else:
        lines[at], lines[other] = lines[other], lines[at]
    # where lines stand, and how often, means nothing in most files
    return Mutation(b"".join(lines), f"{how} line {at + 1}", is_same=True)


def of_parquet(content: bytes, dice: Random) -> Mutation:
    """Change a column of a Parquet file, its rows, or its metadata."""
    table = pl.read_parquet(content)
    metadata = {
        name: value for name, value in pl.read_parquet_metadata(io.BytesIO(content)).items() if name != "ARROW:schema"
    }
    name = dice.choice(table.columns)
    words = dice.choice(tuple(_FRAMES))
    if words == "metadata":
        metadata["overthink.pool"] = dice.choice(("3", "5", "x", ""))
    else:
        try:
            table = _FRAMES[words](table, name, dice)
        except (pl.exceptions.PolarsError, TypeError, OverflowError):
            words = "nothing"  # the column cannot hold it
    file = io.BytesIO()
    table.write_parquet(file, metadata=metadata)
    is_same = name != "value" or pl.read_parquet(content).equals(table)
    return Mutation(file.getvalue(), f"{name}: {words}", is_same=is_same)


def _first(table: pl.DataFrame, name: str, value: object, dice: Random) -> pl.DataFrame:
    column = table[name].to_list()
    column[dice.randrange(len(column))] = value
    return table.with_columns(pl.Series(name, column, dtype=table.schema[name], strict=True))


def _cell(value: object) -> Callable[[pl.DataFrame, str, Random], pl.DataFrame]:
    return lambda table, name, dice: _first(table, name, value, dice)


_FRAMES: dict[str, Callable[[pl.DataFrame, str, Random], pl.DataFrame]] = {
    "metadata": lambda table, name, dice: table,
    "drop": lambda table, name, dice: table.drop(name),
    "twice": lambda table, name, dice: pl.concat([table, table]),
    "no rows": lambda table, name, dice: table.head(0),
    "foreign": lambda table, name, dice: table.rename({name: "mood"}),
    "more": lambda table, name, dice: table.with_columns(mood=pl.lit("x")),
    "text": lambda table, name, dice: table.with_columns(pl.lit("x").alias(name)),
    "list": lambda table, name, dice: table.with_columns(pl.lit([1, 2]).alias(name)),
    "category": lambda table, name, dice: table.with_columns(pl.col(name).cast(pl.Categorical)),
    "shuffled": lambda table, name, dice: table.with_columns(pl.col(name).shuffle(seed=dice.randrange(99))),
    "constant": lambda table, name, dice: table.with_columns(pl.col(name).first().alias(name)),
    "all null": lambda table, name, dice: table.with_columns(pl.lit(None, table.schema[name]).alias(name)),
} | {
    f"cell {value!r}"[:40]: _cell(value)
    for value in (
        None, 0, 1, -1, 2**62, 2**31, 0.5, -0.1, 1.1, 1e308, float("nan"), float("inf"), "", "no word", "\x00",
        "x" * 9999, b"short", bytes(16), True,
    )
}  # fmt: skip


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield (*path, name)
        yield from _places(part, (*path, name))


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def _changed(value: Any, dice: Random) -> Any:
    """Return a value of the same type that says something else, or of a neighbouring type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return dice.choice((value + 1, value - 1, -value - 1, value * 2 + 1, float(value), str(value), [value]))
    if isinstance(value, str):
        return dice.choice((value + "x", value[1:], value.upper() + "\n", [value], value + "\u202e"))
    if isinstance(value, list):
        return dice.choice((value * 2, value[1:], [value], dict(enumerate(value))))
    return [value] if value is not None else "null"
