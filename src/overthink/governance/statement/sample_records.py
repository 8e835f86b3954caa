"""Samples of a statement's curves as instance-level records of Every Eval Ever, with what its schema lacks as metadata.

The schema is `instance_level_eval.schema.json` 0.3.0 of evaleval/every_eval_ever (MIT).
"""

import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from overthink.data.pool import COLUMNS
from overthink.governance.statement.curve_schema import Curve, Point
from overthink.governance.statement.exports import EEE_VERSION
from overthink.governance.statement.wording import plain

PREFIX = "overthink:"
"""Start of the name of each field that the schema lacks."""

UNKNOWN_SCORE = -1
"""Score of a sample without a value, as the schema has it where `has_unknown_level` is true."""

_ELSEWHERE = frozenset({"question", "value", "answer", "error"})
"""Columns of the pool that are fields of the schema, text by text; all others are metadata."""

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


def with_unknown_level(record: Mapping[str, Any], tasks: Collection[str]) -> dict[str, Any]:
    """Return an aggregate record that says of which tasks a score of -1 is unknown.

    Args:
        record: The aggregate record.
        tasks: Tasks with samples that have no value.
    """
    names = {plain(task) for task in tasks}
    results = [
        {**result, "metric_config": {**result["metric_config"], "has_unknown_level": True}}
        if result["evaluation_name"] in names
        else result
        for result in record["evaluation_results"]
    ]
    return {**record, "evaluation_results": results}


def results_by_rung(curve: Curve) -> dict[int, Point]:
    """Return the points of a curve that a record has a result of, by rung."""
    return {point.rung: point for point in curve.points if point.value.estimate is not None}


def sample_record(
    record: Mapping[str, Any], curve: Curve, point: Point | None, row: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the record of a sample.

    Args:
        record: The aggregate record.
        curve: Its curve.
        point: Its rung; None where the record has no result of it, as no sample there has a value.
        row: The row of the pool.
    """
    answer, score = row["answer"], UNKNOWN_SCORE if row["value"] is None else row["value"]
    is_loop = curve.estimand == "checkpoint"
    usage = _usage(row)
    return {
        "schema_version": EEE_VERSION,
        "evaluation_id": record["evaluation_id"],
        "model_id": record["model_info"]["id"],
        "evaluation_name": plain(curve.task),
        **({} if point is None else {"evaluation_result_id": point.value.finding}),
        "sample_id": row["question"],
        "interaction_type": "agentic" if is_loop else "single_turn",
        "input": {"raw": "", "reference": []},
        **({"messages": []} if is_loop else {"output": {"raw": [] if answer is None else [answer]}}),
        "answer_attribution": [] if answer is None else [_attribution(answer)],
        "evaluation": {"score": score, "is_correct": score == 1},
        **({} if usage is None else {"token_usage": usage}),
        **({} if row["error"] is None else {"error": row["error"]}),
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
    yield "value_1_means", curve.value_1_means
    for name in COLUMNS:
        cell = row[name]
        if name not in _ELSEWHERE and cell is not None:
            yield name, str(cell).lower() if isinstance(cell, bool) else str(cell)
