"""Records of Every Eval Ever that Overthink wrote: rows again, and the study behind them: plan, waves and analysis."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from overthink.data.number_text import count
from overthink.data.pool import REQUIRED, SCHEMA, StudyFacts
from overthink.data.waves import Waves
from overthink.errors import InputError
from overthink.storage.formats.reader import listing, mapping
from overthink.storage.json_text import typed_value

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


_HASH = re.compile(r"[0-9a-f]{64}")
_READING = TypeAdapter(tuple[str, ...])
_WAVES = TypeAdapter(dict[str, dict[str, list[int]]])


class Vouched(NamedTuple):
    """Lines of a file with the aggregate records that name its checksum, so that they speak of these very lines.

    Attributes:
        records: The lines.
        aggregates: The aggregate records, by evaluation.
    """

    records: Sequence[Mapping[str, Any]]
    aggregates: Mapping[str, Mapping[str, Any]]


def study_facts(contents: Sequence[Vouched]) -> tuple[StudyFacts, tuple[str, ...]]:
    """Return what the aggregate records say of the study, and notes on it.

    Args:
        contents: Lines that Overthink wrote.

    Raises:
        InputError: The draws of one of several evaluations were adaptive, or what a record says cannot be read.
    """
    plans = _plans(contents)
    own = {
        str(record["evaluation_id"]): content.aggregates.get(str(record["evaluation_id"]))
        for content in contents
        for record in content.records
    }
    details = [mapping(mapping(record).get("detailed_evaluation_results")) for record in own.values()]
    texts = [mapping(detail.get("additional_details")) for detail in details]
    waves = [text for own_texts in texts if isinstance(text := own_texts.get(f"{_START}waves"), str)]
    if len(own) > 1 and waves:
        raise InputError(
            f"these records are of {len(own)} evaluations, and the draws of one were adaptive: a mean over both would "
            "be biased; needed: the records of one evaluation, so name its file"
        )
    alone = texts[0] if len(own) == 1 else {}
    analysis, reading = alone.get(f"{_START}analysis"), alone.get(f"{_START}reading")
    facts = StudyFacts(
        planned=frozenset(arm for arm, of_arm in plans.items() if len(of_arm) == 1 and None not in of_arm),
        waves=_waves(waves[0]) if waves else {},
        analysis=analysis if isinstance(analysis, str) else None,
    )
    return facts, (*_reading(reading), *_notes(facts, plans))


def _reading(text: object) -> tuple[str, ...]:
    """Return the notes on how the logs or tables behind a record were read."""
    problem = "the notes on reading in the aggregate record cannot be read"
    return typed_value(_READING, text, problem) if isinstance(text, str) else ()


def _plans(contents: Sequence[Vouched]) -> dict[str, set[str | None]]:
    """Return the hashes of the plans that made the lines of each arm, None among them where no plan is named."""
    plans: dict[str, set[str | None]] = {}
    for content in contents:
        for record in content.records:
            source = mapping(mapping(content.aggregates.get(str(record["evaluation_id"]))).get("source_metadata"))
            sha256 = mapping(source.get("additional_details")).get(f"{_START}plan_sha256")
            is_hash = isinstance(sha256, str) and _HASH.fullmatch(sha256) is not None
            plans.setdefault(str(record["metadata"][f"{_START}arm"]), set()).add(sha256 if is_hash else None)
    return plans


def _waves(text: str) -> dict[str, Waves]:
    problem = "the waves of draws in the aggregate record cannot be read"
    counts = typed_value(_WAVES, text, problem)
    try:
        return {
            task: Waves(tuple(by_question), np.array(list(by_question.values()), dtype=np.int64).T)
            for task, by_question in counts.items()
        }
    except (ValueError, OverflowError) as failure:
        raise InputError(f"{problem}: {failure}") from failure


def _notes(facts: StudyFacts, plans: Mapping[str, set[str | None]]) -> Iterator[str]:
    if facts.analysis is None:
        yield (
            "How the study was analysed, and whether its draws were adaptive, is not known: that takes the lines of "
            "one evaluation, beside the aggregate record that names their checksum."
        )
    else:
        yield "Seed, level, margin, hypothesis and other options are those of the study, as its record states them."
    hashes = sorted({sha256 for of_arm in plans.values() for sha256 in of_arm if sha256 is not None})
    if facts.planned:
        yield (
            f"The record says that one plan made the runs of an arm (sha256 {', '.join(hashes)}), so that they are "
            "alike; the plan is not in it, and nothing checked it."
        )
    if facts.planned and (others := plans.keys() - facts.planned):
        yield f"No plan, or more than one, made the runs of {count(len(others), 'other arm')}."
