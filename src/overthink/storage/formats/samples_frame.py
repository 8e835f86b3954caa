"""Exports of Inspect's `samples_df`: a row per sample and epoch of several logs, with a column `score_NAME` per scorer.

`id` is the question, `epoch` the draw within one log, `eval_id` the log, and `sample_id` a generated id of the sample.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from overthink.components.base import component
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.storage.formats.reader import NotedFrame, Reader, config_text, mapping, token_counts
from overthink.storage.tables.cells import object_in, word_set
from overthink.storage.tables.score_columns import PREFIX
from overthink.storage.tables.table_files import column_names, is_table, read_cells

_MARKS = frozenset({"sample_id", "eval_id", "id", "epoch"})
_OF_CONTROL_ARENA = frozenset({"eval_mode", "main_task_success"})
"""Columns by which ControlArena adds attacks to the export; it has a reader of its own."""

_UNREAD = frozenset({"input", "messages", "choices", "target", "description", "packages", "metadata"})
"""Columns of texts that are no measurement."""

_CONFIG = "model_generate_config"
_OF_RUNS = word_set(
    """model_base_url model_roles solver solver_args task_version dataset_name dataset_location dataset_samples
    sandbox_type approval message_limit token_limit turn_limit time_limit working_limit"""
)
"""Columns of `evals_df` that are settings of a run."""

_LOG_NAME = re.compile(r"\d{4}-\d\d-\d\dT[\d:-]+([-+]\d\d[-:]\d\d|Z)?_(?P<task>.+)_[^_]+\.(eval|json)")
"""Name that Inspect gives to a log."""


@component("samples-df")
class SamplesFrameReader(Reader):
    """Exports of Inspect's samples_df, as a table of any format."""

    def claims(self, path: Path) -> bool:
        """Return whether a path is a table with the columns of the export."""
        if not is_table(path):
            return False
        names = {name.strip().lower() for name in column_names(path)}
        return names >= _MARKS and not names >= _OF_CONTROL_ARENA

    def frame(self, path: Path) -> NotedFrame:
        """Return a row per sample; scores stay in their columns."""
        cells = read_cells(path, choose=_read)
        cells = cells.rename({name: name.strip() for name in cells.columns})
        missing = _MARKS - set(cells.columns)
        if missing:
            raise InputError(f"{path} has no column {', '.join(sorted(missing))}; needed: what samples_df writes")
        rows = cells.to_dicts()
        has_settings = _CONFIG in cells.columns
        models = {_text(row.get("model")) or _only_model(row) for row in rows}
        n_runs = len({row["eval_id"] for row in rows})
        apart = n_runs > 1 and not has_settings
        notes = []
        if apart:
            notes.append(
                f"The export holds {n_runs} runs (eval_id) and does not say how they were set: they are arms, not "
                f"draws of one another. With EvalModel it has a column {_CONFIG}; or analyse the logs themselves."
            )
        fallbacks = sum(_count(row.get("fallbacks")) or 0 for row in rows)
        if fallbacks:
            notes.append("Samples that another model answered (fallbacks) have no value.")
        typed = [_row(row, name_text(path.stem), keep_apart=apart, has_model=models != {None}) for row in rows]
        scores = cells.select(name for name in cells.columns if _is_score(name))
        return NotedFrame(pl.concat([_frame(typed), scores], how="horizontal"), tuple(notes))


def _read(names: Sequence[str]) -> Collection[str]:
    return [name for name in names if name.lower() not in _UNREAD and not name.lower().startswith("metadata_")]


def _is_score(name: str) -> bool:
    return name.lower().startswith(PREFIX) or name.lower() in ("score", "value", "correct")


def _row(row: Mapping[str, Any], name: str, *, keep_apart: bool, has_model: bool) -> dict[str, Any]:
    """Return a sample as a row of a plain table.

    Args:
        row: The sample's cells.
        name: Name of the task where neither a column nor the log's name states it.
        keep_apart: The run is a setting, as nothing says how it was set.
        has_model: Some sample of the table names its model.
    """
    model = _text(row.get("model")) or _only_model(row)
    usage = object_in(row.get("model_usage"))
    own = usage.get(model or "")
    settings = object_in(row.get(_CONFIG)) | dict(_run_settings(row))
    if keep_apart:
        settings["run"] = row["eval_id"]
    failure = _text(row.get("error"))
    if failure is None and (_count(row.get("fallbacks")) or 0) > 0:
        failure = "another model answered (fallback)"
    log = _text(row.get("log"))
    return {
        "question": _text(row["id"]),
        "draw": _text(row["epoch"]),
        "run_id": _text(row["eval_id"]),
        "task": _text(row.get("task_name")) or _task(log) or name,
        "model": (model or "several models") if has_model else None,
        "config": config_text(settings) or "{}",
        "limit": _text(row.get("limit")),
        "error": failure,
        "log": log,
        "seconds": row.get("working_time", row.get("total_time")),
        **token_counts(mapping(own)),
    }


def _run_settings(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if (name in _OF_RUNS or name.startswith("task_arg_")) and _text(value) is not None:
            yield name, str(value)


def _task(log: str | None) -> str | None:
    """Return the task in the name that Inspect gave to a log; None for any other name."""
    match = _LOG_NAME.fullmatch(re.split(r"[/\\]", log or "")[-1])
    return match["task"] if match else None


def _only_model(row: Mapping[str, Any]) -> str | None:
    """Return the model that a sample used; None where there were several, of which some are judges."""
    models = list(object_in(row.get("model_usage")))
    return models[0] if len(models) == 1 else None


def _text(cell: object) -> str | None:
    text = "" if cell is None else str(cell).strip()
    return None if text.lower() in ("", "nan", "none", "null", "<na>") else text


def _count(cell: object) -> int | None:
    try:
        return int(float(str(cell)))
    except (ValueError, OverflowError):
        return None


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows as a frame of texts and counts, without the columns that no row fills."""
    counts = ("thinking_tokens", "generated_tokens", "prompt_tokens")
    columns = {
        name: pl.Series(name, [row[name] for row in rows], dtype=pl.Int64)
        if name in counts
        else pl.Series(name, [_text(row[name]) for row in rows], dtype=pl.String)
        for name in rows[0]
    }
    return pl.DataFrame([cells for cells in columns.values() if cells.is_not_null().any()])
