"""Records of Every Eval Ever: `…_samples.jsonl` with a line per answer and metric, and the aggregate record beside it.

The schemas are `instance_level_eval.schema.json` and `eval.schema.json` of evaleval/every_eval_ever. A line has no
number of a draw: lines of one sample, metric and evaluation are draws where they are different answers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from overthink.components.base import component
from overthink.data.number_text import rounded_share
from overthink.errors import InputError
from overthink.paths import file_sha256
from overthink.storage.formats.own_records import Vouched, rows_of, study_facts
from overthink.storage.formats.reader import (
    NotedFrame,
    Reader,
    config_text,
    files_of,
    fitting_objects,
    frame_of_rows,
    is_any,
    listing,
    mapping,
    number,
    read_each,
    token_counts,
    usable_rows,
    whole_object,
)
from overthink.storage.tables.endings import REFUSED, ending_word

_MARKS = ("schema_version", "evaluation_id", "sample_id", "evaluation")
_SETTINGS = ("temperature", "top_p", "top_k", "max_tokens", "prompt_template", "reasoning", "max_attempts")


@component("every-eval-ever")
class EveryEvalEverReader(Reader):
    """Records of Every Eval Ever: an instance-level .jsonl, or a folder of them with their aggregate records."""

    def claims(self, path: Path) -> bool:
        """Return whether a path is such a file or an aggregate record, or a folder that holds instance-level ones."""
        if is_any(files_of(path, "*.jsonl"), _is_instance):
            return True
        return path.suffix == ".json" and _is_aggregate(path)

    def frame(self, path: Path) -> NotedFrame:
        """Return a row per line whose metric is a share, of which higher is better; of Overthink's own, its rows."""
        files = files_of(path, "*.jsonl")
        if not files:
            raise InputError(
                f"{path} holds aggregate scores only (evaluation_results); needed: the instance-level file beside it, "
                "which detailed_evaluation_results names"
            )
        rows: list[dict[str, Any]] = []
        faults: dict[tuple[str, str], str] = {}
        contents, unread = read_each(files, _records)
        own = rows_of([record for content in contents for record in content.records])
        if own is not None:
            facts, notes = study_facts([Vouched(content.records, content.own) for content in contents])
            return NotedFrame(own, ("Overthink wrote these records.", *notes), tuple(unread), facts)
        for content in contents:
            for record in content.records:
                aggregate = content.aggregates.get(str(record["evaluation_id"]), {})
                metric = _Metric(record, aggregate)
                if metric.fault:
                    faults[metric.task, metric.name] = metric.fault
                    continue
                rows.append(_row(record, aggregate, metric))
        rows, left_out = usable_rows(path, rows, faults)
        return NotedFrame(frame_of_rows(rows), tuple(left_out), tuple(unread))


class _Content(NamedTuple):
    """What a file and its folder hold.

    Attributes:
        aggregates: The aggregate records beside the file, by evaluation.
        own: Those of them that name the file's checksum, so that they speak of these lines.
        records: The records of its lines.
    """

    aggregates: dict[str, dict[str, Any]]
    own: dict[str, dict[str, Any]]
    records: list[dict[str, Any]]


def _records(file: Path) -> _Content:
    """Return the records of a file's lines, and the aggregate records beside it.

    Raises:
        InputError: A line holds something else.
    """
    records = fitting_objects(file, _is_instance, needed=f"{', '.join(_MARKS)}, as in instance_level_eval.schema.json")
    aggregates = _aggregates(file)
    sha256 = file_sha256(file, follow=True) if aggregates else None
    own = {
        name: record
        for name, record in aggregates.items()
        if mapping(record.get("detailed_evaluation_results")).get("checksum") == sha256
    }
    return _Content(aggregates, own, records)


def _is_instance(line: Mapping[str, Any]) -> bool:
    return all(mark in line for mark in _MARKS)


def _is_aggregate(path: Path) -> bool:
    record = whole_object(path)
    return "evaluation_results" in record and "schema_version" in record


def _aggregates(file: Path) -> dict[str, dict[str, Any]]:
    """Return the aggregate records in the folder of a file, by the id of their evaluation."""
    records = [whole_object(path) for path in sorted(file.parent.glob("*.json"))]
    return {str(record["evaluation_id"]): record for record in records if "evaluation_results" in record}


class _Metric:
    """The metric of a record, with what its aggregate record says of it.

    Attributes:
        task: Name of the evaluation.
        name: Name of the metric, or the id of the result.
        value: The score; None where it is the level that stands for unknown.
        fault: Why it is no share of which higher is better; "" where it is one.
        result: The result in the aggregate record; empty without one.
    """

    def __init__(self, record: Mapping[str, Any], aggregate: Mapping[str, Any]) -> None:
        self.task = str(record.get("evaluation_name") or "evaluation")
        own = record.get("evaluation_result_id")
        results = [mapping(result) for result in listing(aggregate.get("evaluation_results"))]
        of_task = [result for result in results if result.get("evaluation_name") == self.task]
        by_id = [result for result in results if own is not None and result.get("evaluation_result_id") == own]
        self.result: Mapping[str, Any] = (by_id or (of_task if len(of_task) == 1 else []) or [{}])[0]
        config = mapping(self.result.get("metric_config"))
        stated = config.get("metric_name") or config.get("metric_id")
        self.name = str(stated if stated and len(of_task) <= 1 else own or stated or "score")
        score = number(mapping(record.get("evaluation")).get("score"))
        is_unknown = bool(config.get("has_unknown_level")) and score == -1
        self.value = None if is_unknown or score is None else rounded_share(score)
        self.fault = self._fault(config)

    def _fault(self, config: Mapping[str, Any]) -> str:
        if config.get("lower_is_better") is True:
            return "lower is better there"
        if self.value is not None and not 0 <= self.value <= 1:
            return f"it holds {self.value:g}, which is outside [0, 1]"
        return ""


def _row(record: Mapping[str, Any], aggregate: Mapping[str, Any], metric: _Metric) -> dict[str, Any]:
    latency = number(mapping(record.get("performance")).get("latency_ms"))
    failure = str(record.get("error") or "")
    is_refusal = ending_word(failure) in REFUSED
    response, reasoning = _texts(record)
    return {
        "question": str(record["sample_id"]),
        "task": metric.task,
        "arm": str(record.get("model_id") or "base"),
        "scorer": metric.name,
        "value": metric.value,
        "run_id": str(record["evaluation_id"]),
        "config": config_text(_settings(aggregate, metric.result)) or "{}",
        "answer": _answer(record) or response,
        "response": response,
        "reasoning": reasoning,
        **token_counts(mapping(record.get("token_usage"))),
        "seconds": None if latency is None else latency / 1000,
        "finish_reason": failure if is_refusal else None,
        "error": failure if failure and not is_refusal else None,
    }


def _texts(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the last text of the model, and its reasoning."""
    output = mapping(record.get("output"))
    messages = [mapping(turn) for turn in listing(record.get("messages"))]
    turns = [turn for turn in messages if turn.get("role") == "assistant"]
    texts = _strings(output.get("raw")) or [str(turn["content"]) for turn in turns if turn.get("content")]
    thoughts = _strings(output.get("reasoning_trace")) or [
        s for turn in turns for s in _strings(turn.get("reasoning_trace"))
    ]
    return (texts[-1] if texts else None), ("\n".join(thoughts) or None)


def _strings(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [text for text in listed if isinstance(text, str)]


def _answer(record: Mapping[str, Any]) -> str | None:
    items = [mapping(item) for item in listing(record.get("answer_attribution"))]
    found = [item for item in items if item.get("is_terminal", True)]
    return str(found[-1]["extracted_value"]) if found and found[-1].get("extracted_value") else None


def _settings(aggregate: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the run that the aggregate record states."""
    generation = mapping(result.get("generation_config"))
    arguments = mapping(generation.get("generation_args"))
    settings = {name: arguments.get(name) for name in _SETTINGS}
    settings |= mapping(generation.get("additional_details"))
    library = mapping(aggregate.get("eval_library"))
    return settings | {
        "eval_library": " ".join(str(library[name]) for name in ("name", "version") if name in library) or None
    }
