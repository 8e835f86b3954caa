"""The table on oversight on disk: ``oversight.jsonl`` row by row while it grows, ``oversight.parquet`` when it ends.

The journal is what is resumed and never paid twice; the Parquet file is made of it, sorted, and is what is analysed.

Projected activations on disk: ``projections.jsonl`` in the study's folder, appended reading by reading.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter

from overthink.data.oversight import (
    OVERSIGHT_SCHEMA,
    OVERSIGHT_VERSION,
    OversightRow,
    check_oversight,
    oversight_frame,
    oversight_rows,
)
from overthink.data.pool import first_line
from overthink.data.projections import Projection
from overthink.errors import InputError
from overthink.paths import file_sha256, is_there, open_file
from overthink.storage.files import replacing
from overthink.storage.foreign_files import silent_panics
from overthink.storage.jsonl import JsonLines
from overthink.storage.study_folder import StudyFolder

_KEY = "overthink.oversight"
_ROW = TypeAdapter(OversightRow)
_BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def oversight_journal(path: Path) -> JsonLines[OversightRow]:
    """Return the append-only file of rows; a later row replaces an earlier one with its key."""
    return JsonLines(path, {_KEY: OVERSIGHT_VERSION}, _ROW)


def read_oversight_journal(path: Path) -> tuple[OversightRow, ...]:
    """Return the rows of the journal, of each key the last; none where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    return tuple({row.key: row for _, row in oversight_journal(path).read()}.values())


def write_oversight(path: Path, rows: Iterable[OversightRow]) -> str:
    """Write the table, sorted, so that the file does not depend on the order of its rows.

    Args:
        path: The Parquet file; replaced whole.
        rows: Its rows; of rows with one key the last is stored.

    Returns:
        The SHA-256 of the file.

    Raises:
        InputError: A row holds what no row may have.
        StoppedError: The disk is full.

    Example:
        >>> import tempfile
        >>> from overthink.data.oversight import oversight_rows
        >>> from overthink.data.record import Estimand
        >>> row = OversightRow("sums", "base", "q", 0, Estimand.FORCED, 64, monitor="m", score=0.5)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sha256 = write_oversight(Path(folder, "oversight.parquet"), (row,))
        ...     list(oversight_rows(read_oversight(Path(folder, "oversight.parquet")))) == [row]
        True
    """
    table = oversight_frame(rows)
    with replacing(path) as file:
        table.write_parquet(file, metadata={_KEY: str(OVERSIGHT_VERSION)})
    return file_sha256(path)


def read_oversight(path: Path) -> pl.DataFrame:
    """Return the checked table, whose rows are those of ``oversight_rows``; an empty one where there is no such file.

    Raises:
        InputError: The file is no table on oversight, of another version, or holds what no row may have.
    """
    if not is_there(path):
        return pl.DataFrame(schema=OVERSIGHT_SCHEMA)
    try:
        with silent_panics(), open_file(path) as file:
            version = pl.read_parquet_metadata(file).get(_KEY)
            file.seek(0)
            table = pl.read_parquet(file)
    except _BROKEN as failure:
        raise InputError(
            f"{path} is not a readable Parquet file ({first_line(failure)}); needed: a table on oversight"
        ) from failure
    if version != str(OVERSIGHT_VERSION):
        raise InputError(f"{path} is of version {version!r}; this Overthink reads version {OVERSIGHT_VERSION}")
    if table.schema != OVERSIGHT_SCHEMA:
        raise InputError(f"{path}: its columns are {', '.join(table.columns)[:400]}; needed: those of its version")
    check_oversight(table, str(path))
    return table


def oversight_of(folder: StudyFolder) -> pl.DataFrame | None:
    """Return the checked table of a study; None where it has none."""
    return read_oversight(folder.oversight) if is_there(folder.oversight) else None


def oversight_sha256(folder: StudyFolder) -> str | None:
    """Return the SHA-256 of the table beside a pool; None where there is none."""
    return file_sha256(folder.oversight) if is_there(folder.oversight) else None


def store_oversight(folder: StudyFolder, table: pl.DataFrame) -> None:
    """Write a table that was read elsewhere into a study's folder, with the journal to which more rows are added.

    Raises:
        StoppedError: The disk is full.
    """
    rows = tuple(oversight_rows(table))
    oversight_journal(folder.oversight_journal).replace(rows)
    write_oversight(folder.oversight, rows)


_HEADER = {"overthink.projections": 1}
_LINE = TypeAdapter(Projection)


def projection_lines(path: Path) -> JsonLines[Projection]:
    """Return the append-only file of projections; a later line replaces an earlier one with its key."""
    return JsonLines(path, _HEADER, _LINE)


def projections_of(folder: StudyFolder) -> tuple[Projection, ...]:
    """Return the projections of a study, of each key the last; none where no probe has read it.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    return tuple({line.key: line for _, line in projection_lines(folder.projections).read()}.values())


def store_projections(folder: StudyFolder, projections: Sequence[Projection]) -> None:
    """Write projections that were read elsewhere into a study's folder.

    Raises:
        StoppedError: The disk is full.
    """
    projection_lines(folder.projections).replace(projections)
