"""Samples of a statement's curves as instance-level records of Every Eval Ever, with what its schema lacks as metadata.

The schema is `instance_level_eval.schema.json` 0.3.0 of evaleval/every_eval_ever (MIT).
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from overthink.governance.statement.curve_schema import Curve, Point
from overthink.governance.statement.exports import EEE_VERSION
from overthink.governance.statement.quoting import plain

PREFIX = "overthink:"
"""Start of the name of each field that the schema lacks."""

_PLACE = re.compile(r"[^A-Za-z0-9._-]+")


class RecordPlace(NamedTuple):
    """Where a record belongs below the folder of a collection, as the schema demands it.

    Attributes:
        record: The aggregate record.
        samples: The samples beside it.
    """

    record: str
    samples: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "RecordPlace":
        """Return the place of an aggregate record; its name follows from the evaluation, so that it is always the same.

        Args:
            record: The record.
        """
        developer, _, model = str(record["model_info"]["id"]).rpartition("/")
        digest = sha256(str(record["evaluation_id"]).encode()).digest()
        folder = f"data/overthink/{_place(developer or 'unknown')}/{_place(model)}"
        name = f"{folder}/{uuid.UUID(bytes=digest[:16], version=4)}"
        return cls(f"{name}.json", f"{name}_samples.jsonl")


def _place(name: str) -> str:
    return _PLACE.sub("_", name).strip(".") or "unknown"


def points_by_rung(curve: Curve) -> dict[int, Point]:
    """Return the points of a curve that a record has a result of, by rung."""
    return {point.rung: point for point in curve.points if point.value.estimate is not None}


def sample_record(record: Mapping[str, Any], curve: Curve, point: Point, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a sample.

    Args:
        record: The aggregate record.
        curve: Its curve.
        point: Its rung.
        row: The row of the pool, with a value.
    """
    answer = row["answer"]
    is_loop = curve.estimand == "checkpoint"
    usage = _usage(row)
    return {
        "schema_version": EEE_VERSION,
        "evaluation_id": record["evaluation_id"],
        "model_id": record["model_info"]["id"],
        "evaluation_name": plain(curve.task),
        "evaluation_result_id": point.value.finding,
        "sample_id": row["question"],
        "interaction_type": "agentic" if is_loop else "single_turn",
        "input": {"raw": "", "reference": []},
        **({"messages": []} if is_loop else {"output": {"raw": [] if answer is None else [answer]}}),
        "answer_attribution": [] if answer is None else [_attribution(answer)],
        "evaluation": {"score": row["value"], "is_correct": row["value"] == 1},
        **({} if usage is None else {"token_usage": usage}),
        "metadata": {f"{PREFIX}{name}": text for name, text in _metadata(curve, row)},
    }


def _attribution(answer: str) -> dict[str, Any]:
    return {
        "turn_idx": 0, "source": "output.raw", "extracted_value": answer, "extraction_method": "the task's scorer",
        "is_terminal": True,
    }  # fmt: skip


def _usage(row: Mapping[str, Any]) -> dict[str, int] | None:
    """Return the tokens of one attempt up to the rung; None where one of them is unknown."""
    prompt, thinking, answer = (row[name] for name in ("prompt_tokens", "thinking_tokens", "answer_tokens"))
    if prompt is None or thinking is None or answer is None:
        return None
    decoded = thinking + answer
    return {
        "input_tokens": prompt,
        "output_tokens": decoded,
        "total_tokens": prompt + decoded,
        "reasoning_tokens": thinking,
    }


def _metadata(curve: Curve, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the schema has no field for, as texts; what is unknown is left out."""
    yield from {"axis": curve.axis, "arm": curve.arm, "estimand": curve.estimand}.items()
    yield from {"scorer": curve.scorer or "unknown", "value_1_means": curve.value_1_means}.items()
    for name in ("draw", "rung", "requested_tokens", "effort", "thinking_tokens", "verdict", "log", "epoch"):
        if row[name] is not None:
            yield name, str(row[name])
