"""Records of Every Eval Ever that Overthink wrote: metadata hold what the schema lacks, so they are rows again."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from overthink.storage.formats.reader import count, mapping

_START = "overthink:"
_TEXTS = ("arm", "axis", "scorer", "estimand", "verdict", "effort", "log")
_COUNTS = ("draw", "rung", "requested_tokens", "thinking_tokens", "epoch")
_REQUIRED = {"arm", "axis", "scorer", "estimand", "draw", "rung"}


def fields_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of Overthink in the metadata of a line; empty where they do not make a row.

    Example:
        >>> fields_of({"metadata": {"overthink:arm": "base", "note": "x"}})
        {}
    """
    metadata = mapping(record.get("metadata"))
    fields = {name.removeprefix(_START): str(text) for name, text in metadata.items() if name.startswith(_START)}
    numbers = (fields[name] for name in _COUNTS if name in fields)
    return fields if fields.keys() >= _REQUIRED and all(number.isdecimal() for number in numbers) else {}


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
        usage, output = mapping(record.get("token_usage")), mapping(record.get("output"))
        decoded, thinking = count(usage.get("output_tokens")), count(usage.get("reasoning_tokens"))
        texts = output.get("raw") or [None]
        rows.append(
            {name: fields.get(name) for name in _TEXTS}
            | {name: int(fields[name]) if name in fields else None for name in _COUNTS}
            | {
                "study": str(record["evaluation_id"]),
                "model": record.get("model_id"),
                "task": record.get("evaluation_name"),
                "question": record["sample_id"],
                "value": mapping(record.get("evaluation")).get("score"),
                "answer": texts[0],
                "answer_tokens": None if decoded is None or thinking is None else decoded - thinking,
                "prompt_tokens": count(usage.get("input_tokens")),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None) if rows else None
