"""The file formats of a plain table; a new one is an entry of :data:`FORMATS`."""

import csv
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from overthink.errors import InputError
from overthink.paths import open_file, read_file

if TYPE_CHECKING:  # the command line imports this file for its help texts
    import polars as pl


Choice = Callable[[Sequence[str]], Collection[str]]
"""Names of the columns of a table → those that are read."""


Projection = Callable[[str, "pl.DataType"], "pl.Expr"]
"""Name and type of a column → what is read of it."""


def read_cells(
    path: Path, *, choose: Choice | None = None, project: Projection | None = None, max_rows: int | None = None
) -> "pl.DataFrame":
    """Read a table without conversion. CSV and JSON cells are texts: question "007" is not read as 7.

    Args:
        path: The table.
        choose: Columns to read, of those that the table has; None for all. Its errors pass.
        project: What to read of a column; None for its cells.
        max_rows: Most rows to read; None for as many as memory allows.

    Raises:
        InputError: The file is missing, too large, of another format, empty or broken.
    """
    import polars as pl

    from overthink.storage.foreign_files import check_file, silent_panics

    form = next((form for form in FORMATS if path.suffix.lower() in form.suffixes), None)
    check_file(path, expansion=0.0 if form is None else form.expansion, follow=True)
    if form is None:
        raise InputError(f"{path} is none of the tables that are read: {', '.join(TABLE_SUFFIXES)}")
    _refuse_wide_text(path, form)
    try:
        with silent_panics():
            table = _projected(
                path, form.read(path).lazy(), choose or (lambda names: names), project or _cells, max_rows=max_rows
            )
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        ValueError,
        RecursionError,
    ) as failure:
        first = (str(failure).splitlines() or [""])[0][:300]
        text = _other_encoding(path) if "utf-8" in first.lower() else None
        raise InputError(text or f"{path} cannot be read as {path.suffix[1:]}: {first}") from failure
    if not table.height:
        raise InputError(f"{path} has no rows")
    return table


def scan_table(path: Path) -> "pl.LazyFrame":
    """Return a table that was read before, to be read again by column."""
    return next(form for form in FORMATS if path.suffix.lower() in form.suffixes).read(path).lazy()


def is_table(path: Path) -> bool:
    """Return whether a file has the suffix of a table, in any case; JSON without a list is a log, no table."""
    if path.suffix.lower() != ".json":
        return path.suffix.lower() in TABLE_SUFFIXES
    with open_file(path, follow=True) as file:
        return file.read(64).lstrip().startswith(b"[")


def column_names(path: Path) -> list[str]:
    """Return the columns of a table from its beginning: of JSON those of its first object; none where it is broken."""
    import ijson
    import polars as pl

    from overthink.storage.foreign_files import silent_panics

    form = next((form for form in FORMATS if path.suffix.lower() in form.suffixes), None)
    if form is None:
        return []
    try:
        with silent_panics():
            if not form.expansion:
                return form.read(path).lazy().collect_schema().names()
            with open_file(path, follow=True) as file:
                lines = path.suffix.lower() != ".json"
                first = json.loads(file.readline(FIRST_LINE_BYTES)) if lines else next(ijson.items(file, "item"), {})
                return list(first) if isinstance(first, dict) else []
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, RecursionError, InputError):
        return []


def _cells(name: str, kind: "pl.DataType") -> "pl.Expr":
    import polars as pl

    return pl.col(name)


def _projected(
    path: Path, table: "pl.LazyFrame", choose: Choice, project: Projection, *, max_rows: int | None
) -> "pl.DataFrame":
    """Return the chosen columns of a table, in its order, once it is certain that memory holds them."""
    import polars as pl

    from overthink.storage.foreign_files import check_memory

    schema = table.collect_schema()
    chosen = set(choose(schema.names()))
    kinds = {name: kind for name, kind in schema.items() if name in chosen}
    for name in schema:
        first = _REPEATED.sub("", name)
        if path.suffix.lower() in _DELIMITED and first != name and first in chosen:
            raise InputError(f"{path} has several columns {first}; needed: one, so leave out or rename the others")
    rows = table.select(pl.len()).collect(engine="streaming").item()
    cells = sum(8 if kind.is_numeric() else _TEXT_BYTES for kind in kinds.values())
    check_memory(path, rows=rows, row_bytes=_COPIES * cells, max_rows=max_rows)
    return table.select(project(name, kind) for name, kind in kinds.items()).collect(engine="streaming")


_REPEATED = re.compile(r"_duplicated_\d+$")
"""What the reader of CSV appends to a name that the header has before."""

FIRST_LINE_BYTES = 64_000_000
"""Longest first line that is looked into."""

_TEXT_BYTES, _COPIES = 24, 3
"""Bytes of a text in memory; copies of a table while it becomes a pool and outcomes."""


def _parquet(path: Path) -> "pl.LazyFrame":
    import polars as pl

    with open_file(
        path, follow=True
    ) as file:  # a path would be a pattern, and the reader of schemas ignores glob=False
        table = pl.scan_parquet(file)
    structs = [name for name, kind in table.collect_schema().items() if isinstance(kind, pl.Struct)]
    return table.with_columns(pl.col(name).struct.json_encode() for name in structs)


def _csv(path: Path) -> "pl.LazyFrame":
    import polars as pl

    separator = _separator(path)
    with open_file(path, follow=True) as file:
        return pl.scan_csv(file, infer_schema=False, separator=separator)


def _separator(path: Path) -> str:
    """Return the separator of a table of text: another than a comma where the header has no comma and only that one."""
    with open_file(path, follow=True) as file:
        header = file.readline(_HEADER_BYTES).decode("utf-8", "replace")
    columns = {separator: len(next(csv.reader([header], delimiter=separator), [])) for separator in _SEPARATORS}
    others = [separator for separator in _SEPARATORS[1:] if columns[separator] > 1]
    if path.suffix.lower() == ".tsv" and columns["\t"] > 1:
        return "\t"
    return others[0] if columns[","] == 1 and len(others) == 1 else ","


_SEPARATORS = (",", ";", "\t", "|")
_DELIMITED = (".csv", ".tsv")
_HEADER_BYTES = 1_000_000
_WIDE = {b"\xff\xfe\x00\x00": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
"""First bytes of a text file, and its encoding."""


def _refuse_wide_text(path: Path, form: "TableFormat") -> None:
    """Raise an error for a file of text in UTF-16 or UTF-32, by its first bytes.

    Raises:
        InputError: It is one; the message says how to get UTF-8.
    """
    if form.read is _parquet:
        return
    with open_file(path, follow=True) as file:
        head = file.read(64)
    encoding = next((name for start, name in _WIDE.items() if head.startswith(start)), None)
    if encoding is None and b"\0" in head[:2]:  # no mark, and a first character of one byte among several
        encoding = "UTF-16"
    if encoding is not None:
        raise InputError(f"{path} is text in {encoding}; {_TO_UTF_8.format(encoding=encoding, name=path.name)}")


def _other_encoding(path: Path) -> str | None:
    """Return what is said of text that is no UTF-8, with its first such line; None where all of it is UTF-8."""
    with open_file(path, follow=True) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as failure:
                around = line[max(0, failure.start - 20) : failure.start + 20].decode("cp1252", "replace").strip()
                return (
                    f"{path}, line {number}, holds a byte that is no UTF-8 (in Windows-1252, as Latin-1, it reads "
                    f"{around!r}); {_TO_UTF_8.format(encoding='WINDOWS-1252', name=path.name)}"
                )
    return None


_TO_UTF_8 = (
    "needed: UTF-8. Save it from the spreadsheet as 'CSV UTF-8', or convert it: "
    "iconv -f {encoding} -t UTF-8 {name} > utf-8-{name}"
)


def _json_lines(path: Path) -> "pl.DataFrame":
    return _from_objects(path, json_lines(path))


def _json(path: Path) -> "pl.DataFrame":
    return _from_objects(path, json.loads(read_file(path, follow=True), object_pairs_hook=_object))


class TableFormat(NamedTuple):
    """A file format of a table.

    Attributes:
        name: Name in help texts.
        suffixes: Suffixes of its files, in lower case.
        read: Reader of the cells; a lazy one lets memory be checked before they are read.
        expansion: Memory that a file takes over its size while all of it is read at once; 0 for a lazy reader.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path], "pl.DataFrame | pl.LazyFrame"]
    expansion: float = 0.0


JSON_EXPANSION = 8.0

FORMATS = (
    TableFormat("Parquet", (".parquet",), _parquet),
    TableFormat("CSV", _DELIMITED, _csv),
    TableFormat("JSON Lines", (".jsonl", ".ndjson"), _json_lines, JSON_EXPANSION),
    TableFormat("JSON", (".json",), _json, JSON_EXPANSION),
)

TABLE_SUFFIXES = tuple(suffix for form in FORMATS for suffix in form.suffixes)
"""Suffixes of tables, in lower case."""

FORMAT_NAMES = ", ".join(form.name for form in FORMATS)
"""Names of the formats, for help texts."""


def json_lines(path: Path) -> Iterator[Any]:
    """Yield what each line of a file holds, without blank lines.

    Raises:
        InputError: A line is not JSON; it is named.
    """
    with open_file(path, follow=True) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield json.loads(line, object_pairs_hook=_object)
                except UnicodeDecodeError as failure:
                    raise InputError(_other_encoding(path) or f"{path}, line {number}: {failure}") from failure
                except (ValueError, RecursionError) as failure:
                    raise InputError(f"{path}, line {number}, is not JSON: {failure}") from failure


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; an error where a name stands for two values, of which any may be meant."""
    cells = dict(pairs)
    if len(cells) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice[:40]!r} more than once")
    return cells


def _from_objects(path: Path, rows: Iterable[Any]) -> "pl.DataFrame":
    """Table of texts from objects, one per row; a missing name gives an empty cell."""
    import polars as pl

    if isinstance(rows, dict):
        raise InputError(f"{path} holds one JSON object; needed: a list of objects, one per row")
    read = list(rows)
    for number, row in enumerate(read, start=1):
        if not isinstance(row, dict):
            raise InputError(f"{path}, row {number}, is {str(row)[:80]!r}; needed: a JSON object")
    names = list(dict.fromkeys(name for row in read for name in row))
    return pl.DataFrame(
        {name: [cell_text(row.get(name)) for row in read] for name in names},
        schema=dict.fromkeys(names, pl.String),
    )


def cell_text(cell: object) -> str | None:
    """Return what a cell of a JSON file holds as text: a text as it is, anything else as JSON."""
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell)
