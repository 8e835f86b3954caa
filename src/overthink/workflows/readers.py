"""Readers: components that turn a file or folder of logs or of a table into rows of the pool."""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import polars as pl
from pydantic import TypeAdapter, ValidationError

from overthink.components.base import Component, component, failure_text
from overthink.components.files import referenced_files
from overthink.components.registry import Registry
from overthink.data.pool import PoolReading, pool_of
from overthink.data.record import RungRecord
from overthink.data.traces import ORIGIN
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.plan.components import read_component
from overthink.storage.files import file_sha256
from overthink.storage.tables.table import Meaning, read_table

if TYPE_CHECKING:
    from overthink.workflows.sources import ReadOptions

OPTION = "--reader"

_ROWS = TypeAdapter(list[RungRecord])
_COLUMNS = {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(RungRecord)}
"""Columns of the pool, and whether each is required."""


class Reader(Component):
    """Reads logs or tables of one kind."""

    role: ClassVar[str] = "reader"

    @abstractmethod
    def read(self, path: Path, options: "ReadOptions") -> PoolReading | Iterable[RungRecord] | pl.DataFrame:
        """Return the rows of a path.

        Args:
            path: The file or folder.
            options: Properties that logs and tables do not state.

        Returns:
            Rows of the pool, a frame with columns of the pool, of which those without a default are required, or a
            reading, which has notes for the report.

        Raises:
            InputError: The path cannot be read.
        """


@component("logs")
class LogReader(Reader):
    """Logs of Inspect, a file or a folder."""

    def read(self, path: Path, options: "ReadOptions") -> PoolReading:
        """Return the rows of every sample with scores."""
        from overthink.collect.inspect_logs.read import read_logs

        reading = read_logs(
            path, axis=options.axis, high=options.high, scorer=options.scorer, checkpoints=options.checkpoints
        )
        hashes = {name: file_sha256(Path(name), follow=True) for name in dict.fromkeys(reading.files)}
        origins = pl.Series(ORIGIN, [hashes[name] for name in reading.files], dtype=pl.String)
        return PoolReading(pool_of(reading.records).with_columns(origins), reading.notes)


@component("table")
class TableReader(Reader):
    """A table with a row per answer."""

    def read(self, path: Path, options: "ReadOptions") -> PoolReading:
        """Return the rows of the table."""
        return read_table(path, Meaning(options.axis, options.high, options.scorer), max_rows=options.max_rows)


READERS: Registry[Reader] = Registry(Reader, (LogReader, TableReader), option=OPTION)  # type: ignore[type-abstract]
"""Readers by name."""


def read_with(text: str, path: Path, options: "ReadOptions") -> PoolReading:
    """Return the rows that a reader makes of a path.

    Args:
        text: The reader: a name, or ``FILE.py@NAME``, with settings behind a colon.
        path: The file or folder.
        options: Properties that logs and tables do not state.

    Raises:
        InputError: The reader is unknown or fails, or its rows lack a column or hold a value of another type.
    """
    reader = read_component(text, READERS, model=None, option=OPTION)
    try:
        rows = reader.read(path, options)
        reading = rows if isinstance(rows, PoolReading) else PoolReading(pool_of(_records(text, rows)))
        is_empty = reading.pool.lazy().limit(1).collect().is_empty()
    except InputError:
        raise
    except (Exception, SystemExit) as fault:
        raise InputError(f"{OPTION} {text}: {path} cannot be read: {failure_text(fault)}") from fault
    if is_empty:
        raise InputError(f"{OPTION} {text} gave no row of {path}; needed: a row for each answer")
    files = "".join(f" (sha256 {sha256})" for sha256 in referenced_files([text]).values())
    return reading._replace(notes=(*reading.notes, f"Read by {name_text(text)}{files}."))


def _records(text: str, rows: Iterable[RungRecord] | pl.DataFrame) -> tuple[RungRecord, ...]:
    if not isinstance(rows, pl.DataFrame):
        records = tuple(rows)
        strange = next((row for row in records if not isinstance(row, RungRecord)), None)
        if strange is not None:
            raise InputError(f"{OPTION} {text} gave a row of type {type(strange).__name__}; needed: RungRecord")
        return _checked(text, [dataclasses.asdict(row) for row in records])
    missing = [name for name, is_required in _COLUMNS.items() if is_required and name not in rows.columns]
    unknown = [name for name in rows.columns if name not in _COLUMNS]
    if missing or unknown:
        required, others = ([name for name in _COLUMNS if _COLUMNS[name] is needed] for needed in (True, False))
        raise InputError(
            f"{OPTION} {text} gave a frame with missing columns: {', '.join(missing) or 'none'}; unknown columns: "
            f"{', '.join(unknown) or 'none'}; needed: {', '.join(required)}; possible, too: {', '.join(others)}"
        )
    return _checked(text, rows.to_dicts())


def _checked(text: str, rows: list[dict[str, object]]) -> tuple[RungRecord, ...]:
    """Return the rows with the types of their fields."""
    try:
        records = tuple(_ROWS.validate_python(rows))
    except ValidationError as failure:
        raise InputError(_fault(text, failure.errors()[0])) from failure
    for number, row in enumerate(records, start=1):
        if row.value is not None and not 0 <= row.value <= 1:
            raise InputError(f"{OPTION} {text}: row {number} has the value {row.value:g}; needed: from 0 to 1")
    return records


def _fault(text: str, error: Mapping[str, object]) -> str:
    place = error["loc"]
    assert isinstance(place, tuple)
    number, name = place[0] + 1, ".".join(map(str, place[1:]))
    return f"{OPTION} {text}: row {number} has {name} = {str(error['input'])[:60]!r}; needed: {error['msg']}"
