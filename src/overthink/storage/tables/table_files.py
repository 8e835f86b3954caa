"""The file formats of a plain table; a new one is an entry of :data:`FORMATS`."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from overthink.errors import InputError

if TYPE_CHECKING:  # the command line imports this file for its help texts
    import polars as pl


def read_cells(path: Path) -> "pl.DataFrame":
    """Read a table without conversion. CSV and JSON cells are texts: question "007" is not read as 7.

    Raises:
        InputError: The file is missing, too large, of another format, empty or broken.
    """
    import polars as pl

    from overthink.storage.json_documents import check_bytes

    check_bytes(path)
    read = next((form.read for form in FORMATS if path.suffix.lower() in form.suffixes), None)
    if read is None:
        raise InputError(f"{path} is none of the tables that are read: {', '.join(TABLE_SUFFIXES)}")
    try:
        table = read(path)
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


def is_table(path: Path) -> bool:
    """Return whether a file has the suffix of a table, in any case; JSON without a list is a log, no table."""
    if path.suffix.lower() != ".json":
        return path.suffix.lower() in TABLE_SUFFIXES
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"[")


def _parquet(path: Path) -> "pl.DataFrame":
    import polars as pl

    from overthink.storage.json_documents import check_rows

    check_rows(path, pl.scan_parquet(path).select(pl.len()).collect().item())
    table = pl.read_parquet(path)
    return table.with_columns(
        table[name].struct.json_encode() for name, kind in table.schema.items() if isinstance(kind, pl.Struct)
    )


def _csv(path: Path) -> "pl.DataFrame":
    import polars as pl

    from overthink.storage.json_documents import MAX_ROWS, check_rows

    table = pl.read_csv(path, infer_schema=False, n_rows=MAX_ROWS + 1)
    check_rows(path, table.height)
    return table


def _json_lines(path: Path) -> "pl.DataFrame":
    return _from_objects(path, _lines(path))


def _json(path: Path) -> "pl.DataFrame":
    return _from_objects(path, json.loads(path.read_bytes()))


class TableFormat(NamedTuple):
    """A file format of a table.

    Attributes:
        name: Name in help texts.
        suffixes: Suffixes of its files, in lower case.
        read: Reader of the cells.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path], "pl.DataFrame"]


FORMATS = (
    TableFormat("Parquet", (".parquet",), _parquet),
    TableFormat("CSV", (".csv",), _csv),
    TableFormat("JSON Lines", (".jsonl", ".ndjson"), _json_lines),
    TableFormat("JSON", (".json",), _json),
)

TABLE_SUFFIXES = tuple(suffix for form in FORMATS for suffix in form.suffixes)
"""Suffixes of tables, in lower case."""

FORMAT_NAMES = ", ".join(form.name for form in FORMATS)
"""Names of the formats, for help texts."""


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as failure:
                    raise InputError(f"{path}, line {number}, is not JSON: {failure}") from failure


def _from_objects(path: Path, rows: Iterable[Any]) -> "pl.DataFrame":
    """Table of texts from objects, one per row; a missing name gives an empty cell."""
    import polars as pl

    from overthink.storage.json_documents import MAX_ROWS, check_rows

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
