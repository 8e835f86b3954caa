"""Records of Every Eval Ever that Overthink wrote: metadata hold what the schema lacks, so they are rows again."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import polars as pl

from overthink.data.pool import REQUIRED, SCHEMA
from overthink.storage.formats.reader import listing, mapping

_START = "overthink:"
_UNKNOWN_SCORE = -1
_OF_SCHEMA = ("question", "value", "answer", "error")
"""Columns that are fields of the format itself."""


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    read = float(text)
    if not isfinite(read):
        raise ValueError(text)
    return read


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text]


_CELLS: dict[object, Callable[[str], object]] = {
    pl.String: str,
    pl.Int64: _count,
    pl.Float64: _number,
    pl.Boolean: _flag,
}
"""Reading of a text of the metadata, by the type of its column."""

_COLUMNS = {name: _CELLS[kind] for name, kind in SCHEMA.items() if name not in _OF_SCHEMA}
_NEEDED = frozenset(REQUIRED) - frozenset(_OF_SCHEMA)


def fields_of(record: Mapping[str, Any]) -> dict[str, object]:
    """Return the columns of the pool in the metadata of a line; empty where they do not make a row.

    Example:
        >>> fields_of({"metadata": {"overthink:arm": "base", "note": "x"}})
        {}
    """
    metadata = mapping(record.get("metadata"))
    texts = {name: str(metadata[f"{_START}{name}"]) for name in _COLUMNS if f"{_START}{name}" in metadata}
    try:
        cells = {name: _COLUMNS[name](text) for name, text in texts.items()}
    except (ValueError, KeyError):
        return {}
    return cells if cells.keys() >= _NEEDED else {}


def rows_of(records: Sequence[Mapping[str, Any]]) -> pl.DataFrame | None:
    """Return the rows of the pool that the lines were written from; None unless Overthink wrote them all.

    Args:
        records: The lines.
    """
    rows = []
    for record in records:
        fields = fields_of(record)
        if not fields:
            return None
        score = mapping(record.get("evaluation")).get("score")
        answers = [mapping(item).get("extracted_value") for item in listing(record.get("answer_attribution"))]
        rows.append(
            {name: fields.get(name) for name in _COLUMNS}
            | {
                "question": record["sample_id"],
                "value": None if score == _UNKNOWN_SCORE else score,
                "answer": answers[0] if answers else None,
                "error": record.get("error"),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None) if rows else None
