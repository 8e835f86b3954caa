"""The file formats of a plain table: Parquet, CSV, JSON lines, and JSON with one list of objects."""

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from overthink.errors import InputError
from overthink.storage.json_documents import MAX_ROWS, check_bytes, check_rows

FORMATS = (".parquet", ".csv", ".jsonl", ".ndjson", ".json")


def read_cells(path: Path) -> pl.DataFrame:
    """Read a table without conversion. CSV and JSON cells are texts: question "007" is not read as 7.

    Raises:
        InputError: The file is missing, too large, of another format, empty or broken.
    """
    check_bytes(path)
    try:
        table = _read(path)
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        ValueError,
        RecursionError,
    ) as failure:
        first = (str(failure).splitlines() or [""])[0][:300]
        raise InputError(f"{path} cannot be read as {path.suffix[1:]}: {first}") from failure
    if not table.height:
        raise InputError(f"{path} has no rows")
    return table


def _read(path: Path) -> pl.DataFrame:
    match path.suffix.lower():
        case ".parquet":
            check_rows(path, pl.scan_parquet(path).select(pl.len()).collect().item())
            table = pl.read_parquet(path)
            return table.with_columns(
                table[name].struct.json_encode() for name, kind in table.schema.items() if isinstance(kind, pl.Struct)
            )
        case ".csv":
            table = pl.read_csv(path, infer_schema=False, n_rows=MAX_ROWS + 1)
            check_rows(path, table.height)
            return table
        case ".jsonl" | ".ndjson":
            return _from_objects(path, _lines(path))
        case ".json":
            return _from_objects(path, json.loads(path.read_bytes()))
        case _:
            raise InputError(f"{path} is none of the tables that are read: {', '.join(FORMATS)}")


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as failure:
                    raise InputError(f"{path}, line {number}, is not JSON: {failure}") from failure


def _from_objects(path: Path, rows: Iterable[Any]) -> pl.DataFrame:
    """Table of texts from objects, one per row; a missing name gives an empty cell."""
    if isinstance(rows, dict):
        raise InputError(f"{path} holds one JSON object; needed: a list of objects, one per row")
    read = list(itertools.islice(rows, MAX_ROWS + 1))
    check_rows(path, len(read))
    for number, row in enumerate(read, start=1):
        if not isinstance(row, dict):
            raise InputError(f"{path}, row {number}, is {str(row)[:80]!r}; needed: a JSON object")
    names = list(dict.fromkeys(name for row in read for name in row))
    return pl.DataFrame(
        {name: [_text(row.get(name)) for row in read] for name in names},
        schema=dict.fromkeys(names, pl.String),
    )


def _text(cell: object) -> str | None:
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell)
