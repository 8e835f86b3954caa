"""A scan of Inspect Scout: the files and columns that version 0.6.1 writes, with the values that a test needs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

NUMBERS = {"transcript_task_repeat", "transcript_message_count", "transcript_total_tokens", "scanner_version",
           "scan_total_tokens", "transcript_total_time"}  # fmt: skip
COLUMNS = (
    "transcript_id", "transcript_source_type", "transcript_source_id", "transcript_source_uri",
    "transcript_date", "transcript_task_set", "transcript_task_id", "transcript_task_repeat",
    "transcript_agent", "transcript_agent_args", "transcript_model", "transcript_model_options",
    "transcript_score", "transcript_success", "transcript_message_count", "transcript_total_time",
    "transcript_total_tokens", "transcript_error", "transcript_limit", "transcript_metadata", "scan_id",
    "scan_tags", "scanner_key", "scanner_name", "scanner_version", "scanner_file", "scanner_params",
    "input_type", "input_ids", "input", "uuid", "label", "value", "value_type", "answer", "explanation",
    "metadata", "message_references", "event_references", "scan_error", "scan_error_traceback",
    "scan_error_type", "scan_total_tokens", "scan_model_usage", "scan_events", "timestamp",
)  # fmt: skip
"""Columns of a file of results, as inspect_scout 0.6.1 wrote them, but for those of git and of validation."""


def result(scanner: str, value: Any, *, question: str, epoch: int = 1, log: str = "", **more: Any) -> dict[str, Any]:
    """The result of a scanner on one transcript; a value is text, with its type beside it."""
    kind = {bool: "boolean", int: "number", float: "number", str: "string", list: "resultset", type(None): "null"}
    text = value if value is None or isinstance(value, str) else json.dumps(value)
    return {
        "transcript_id": f"{log}/{question}/{epoch}", "transcript_source_type": "eval_log",
        "transcript_source_id": Path(log).stem, "transcript_source_uri": log, "transcript_task_set": "sums",
        "transcript_task_id": question, "transcript_task_repeat": epoch, "transcript_model": "mockllm/model",
        "transcript_model_options": "{}", "transcript_error": "", "transcript_limit": "", "scanner_key": scanner,
        "scanner_name": scanner, "value": text, "value_type": kind[type(value)], **more,
    }  # fmt: skip


def write_scan(folder: Path, results: Iterable[Mapping[str, Any]], *, complete: bool = True) -> Path:
    """Write results into the folder of a scan, a file per scanner."""
    folder.mkdir(parents=True)
    (folder / "_scan.json").write_text(json.dumps({"scan_id": folder.name, "packages": {"inspect_scout": "0.6.1"}}))
    (folder / "_summary.json").write_text(json.dumps({"complete": complete, "scanners": {}}))
    by_scanner: dict[str, list[Mapping[str, Any]]] = {}
    for row in results:
        by_scanner.setdefault(str(row["scanner_key"]), []).append(row)
    schema = {
        name: pl.Float64 if name.endswith("_time") else pl.Int64 if name in NUMBERS else pl.String for name in COLUMNS
    }
    for name, rows in by_scanner.items():
        pl.DataFrame([{column: row.get(column) for column in COLUMNS} for row in rows], schema=schema).write_parquet(
            folder / f"{name}.parquet"
        )
    return folder


def write_logs(folder: Path, questions: int = 4, epochs: int = 2) -> dict[str, Path]:
    """Write a log of each of two efforts, as Inspect does; by effort."""
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
    from inspect_ai.model import GenerateConfig, ModelUsage

    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for effort, thinking in (("low", 4), ("high", 14)):
        usage = ModelUsage(
            input_tokens=5, output_tokens=thinking + 3, total_tokens=thinking + 8, reasoning_tokens=thinking
        )
        spec = EvalSpec(
            eval_id=effort, run_id=effort, created="2026-01-01T00:00:00+00:00", task="sums", task_id="sums",
            dataset=EvalDataset(), model="mockllm/model", config=EvalConfig(epochs=epochs),
            model_generate_config=GenerateConfig(reasoning_effort=effort),  # type: ignore[arg-type]
        )  # fmt: skip
        samples = [
            EvalSample(id=f"q{i}", epoch=epoch, input="?", target="yes", model_usage={"mockllm/model": usage})
            for i in range(questions) for epoch in range(1, epochs + 1)
        ]  # fmt: skip
        paths[effort] = folder / f"2026-01-01T00-00-00-00-00_sums_{effort}.eval"
        write_eval_log(EvalLog(status="success", eval=spec, samples=samples), str(paths[effort]))
    return paths
