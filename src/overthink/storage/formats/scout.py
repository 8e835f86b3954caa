"""Results of Inspect Scout: a folder of a scan with a Parquet file per scanner, whose values become scores.

`transcript_task_id` is the question, `transcript_task_repeat` the epoch, `transcript_source_uri` the log. A scan does
not record how a run was set, so the ladder comes from the logs, where they are still there.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import polars as pl

from overthink.components.base import component
from overthink.errors import InputError
from overthink.paths import name_text, path_kind
from overthink.storage.formats.reader import (
    NotedFrame,
    Reader,
    config_text,
    frame_of_rows,
    mapping,
    read_each,
    token_counts,
    usable_rows,
    whole_object,
)
from overthink.storage.tables.cells import object_in
from overthink.storage.tables.table_files import column_names, read_cells, scan_table

SCAN = "_scan.json"
"""The file that makes a folder a scan."""

_MARKS = ("transcript_id", "scanner_key", "value", "value_type")
_COLUMNS = (
    *_MARKS,
    *(f"transcript_{name}" for name in ("source_id", "source_uri", "task_set", "task_id", "task_repeat", "model")),
    *(f"transcript_{name}" for name in ("model_options", "total_time", "error", "limit")),
    *("scanner_name", "label", "answer", "scan_error"),
)
_BOOLEANS = {"true": 1.0, "false": 0.0}
_LOGS = (".eval", ".json")


@component("scout")
class ScoutReader(Reader):
    """Results of Inspect Scout: the folder of a scan, or one that holds several."""

    def claims(self, path: Path) -> bool:
        """Return whether a path is the folder of a scan, or holds such folders."""
        return path_kind(path) == "a folder" and bool(_scans(path))

    def frame(self, path: Path) -> NotedFrame:
        """Return a row per transcript and scanner whose values are true and false, or shares."""
        scans = _scans(path) if path_kind(path) == "a folder" else []
        if not scans:
            raise InputError(f"{path} holds no {SCAN}; needed: the folder of a scan, as scans/scan_id=…")
        files = sorted(file for scan in scans for file in scan.glob("*.parquet"))
        if not files:
            raise InputError(f"{path} holds no results (SCANNER.parquet); needed: a scan that has begun")
        tables, unread = read_each(files, _table)
        logs = _Logs()
        faults: dict[tuple[str, str], str] = {}
        rows: list[dict[str, Any]] = []
        for file, table in tables:
            for cells in table.iter_rows(named=True):
                row = _row(cells, logs, file.parent)
                value, fault = _value(cells)
                if fault is not None:
                    faults[row["task"], row["scorer"]] = fault
                rows.append(row | {"value": value})
        usable, notes = usable_rows(path, rows, faults)
        notes += logs.notes()
        notes += [f"{scan.name} is not complete: transcripts are missing." for scan in scans if not _is_complete(scan)]
        return NotedFrame(frame_of_rows(usable), tuple(notes), tuple(unread))


def _scans(path: Path) -> list[Path]:
    """Return the folders of scans: the path itself, or those directly in it."""
    return sorted(file.parent for pattern in (SCAN, f"*/{SCAN}") for file in path.glob(pattern))


def _is_complete(scan: Path) -> bool:
    return whole_object(scan / "_summary.json").get("complete") is not False


def _table(file: Path) -> tuple[Path, pl.DataFrame]:
    missing = [name for name in _MARKS if name not in column_names(file)]
    if missing:
        raise InputError(f"{file} has no column {', '.join(missing)}; needed: what a scan writes")
    if not scan_table(file).select(pl.len()).collect().item():
        return file, pl.DataFrame()
    return file, read_cells(file, choose=lambda names: [name for name in names if name in _COLUMNS])


class _Logs:
    """The logs that were scanned, each opened once."""

    def __init__(self) -> None:
        self._runs: dict[Path | None, Any] = {}
        self._missing: dict[str, None] = {}

    def run_of(self, uri: str, scan: Path) -> Any:
        """Return what the log of a transcript says of its run; None where it is not there or cannot be read."""
        from overthink.collect.inspect_logs.settings import scan_run

        path = _log_path(uri, scan)
        if path not in self._runs:
            try:
                self._runs[path] = None if path is None else scan_run(path)
            except InputError:
                self._runs[path] = None
        if self._runs[path] is None:
            self._missing[name_text(Path(uri).name)] = None
        return self._runs[path]

    def notes(self) -> Iterator[str]:
        """Yield a sentence on logs that are not there."""
        names = list(self._missing)
        if names:
            first = ", ".join(names[:3]) + (", …" if names[3:] else "")
            yield (
                f"{len(names)} of the scanned logs could not be read ({first}): how their runs were set, reasoning "
                "effort included, is known from the scan alone."
            )


def _log_path(uri: str, scan: Path) -> Path | None:
    """Return the file of a log: as the scan names it, else in a folder `logs` beside the scans; None if it is gone."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return None
    stated = Path(unquote(parts.path) if parts.scheme else uri)
    beside = [folder / "logs" / stated.name for folder in scan.absolute().parents[:3]]
    return next(
        (path for path in (stated, *beside) if path.suffix in _LOGS and path_kind(path, follow=False) == "a file"), None
    )


def _row(cells: Mapping[str, Any], logs: _Logs, scan: Path) -> dict[str, Any]:
    uri, question, epoch = str(cells.get("transcript_source_uri") or ""), cells.get("transcript_task_id"), _epoch(cells)
    run = logs.run_of(uri, scan)
    settings = object_in(cells.get("transcript_model_options")) if run is None else run.settings
    usage = {} if run is None else run.usage.get((str(question), epoch), {})
    label, failure = cells.get("label"), cells.get("scan_error")  # a refusal of the scanner is none of the model
    return {
        "question": str(cells["transcript_id"] if question is None else question),
        "draw": None if epoch is None else epoch - 1,
        "task": str(cells.get("transcript_task_set") or scan.name),
        "arm": str(cells.get("transcript_model") or "base"),
        "scorer": f"{cells['scanner_key']}.{label}" if label else str(cells["scanner_key"]),
        "run_id": str(cells.get("transcript_source_id") or uri),
        "config": config_text(settings) or "{}",
        "answer": cells.get("answer"),
        **token_counts(mapping(usage)),
        "seconds": cells.get("transcript_total_time"),
        "limit": cells.get("transcript_limit") or None,
        "error": cells.get("transcript_error") or (f"the scanner failed: {failure}" if failure else None),
        "log": Path(uri).name or None,
    }


def _epoch(cells: Mapping[str, Any]) -> int | None:
    epoch = cells.get("transcript_task_repeat")
    return int(epoch) if epoch is not None and int(epoch) > 0 else None


def _value(cells: Mapping[str, Any]) -> tuple[float | None, str | None]:
    """Return the value of a result, None where there is none; and why it is no share, None where it is one."""
    value, kind = cells["value"], cells["value_type"]
    if value is None or kind in (None, "null"):
        return None, None
    text = str(value).strip().lower()
    if kind == "boolean" and text in _BOOLEANS:
        return _BOOLEANS[text], None
    try:
        share = float(text) if kind == "number" else float("nan")
    except ValueError:
        share = float("nan")
    if 0 <= share <= 1:
        return share, None
    return None, f"it holds {str(value)[:40]!r} ({kind}), which is neither true, false nor a share"
