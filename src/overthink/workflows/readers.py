"""Readers: components that turn a file or folder of logs or of a table into rows of the pool."""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl
from pydantic import TypeAdapter, ValidationError

from overthink.components.base import component, failure_text
from overthink.components.registry import Registry, referenced_files
from overthink.data.number_text import rounded_share
from overthink.data.oversight import oversight_frame
from overthink.data.pool import PoolReading, pool_of
from overthink.data.record import RungRecord
from overthink.data.traces import ORIGIN
from overthink.errors import InputError
from overthink.paths import file_sha256, name_text, path_kind
from overthink.plan.components import read_component
from overthink.plan.stated_tasks import StatedMeaning
from overthink.storage.formats.control_arena import ControlArenaReader
from overthink.storage.formats.every_eval_ever import EveryEvalEverReader
from overthink.storage.formats.lm_eval import LmEvalReader
from overthink.storage.formats.nemo_skills import NemoSkillsReader
from overthink.storage.formats.reader import NotedFrame, Reader
from overthink.storage.formats.samples_frame import SamplesFrameReader
from overthink.storage.formats.scout import ScoutReader
from overthink.storage.tables.table import read_table, table_of_frame
from overthink.storage.tables.table_files import TABLE_SUFFIXES, is_table

if TYPE_CHECKING:
    from overthink.workflows.sources import ReadOptions

OPTION = "--reader"
LOGS = (".eval", ".json")
_PLAIN_TABLES = tuple(suffix for suffix in TABLE_SUFFIXES if suffix not in LOGS)

_ROWS = TypeAdapter(list[RungRecord])
_COLUMNS = {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(RungRecord)}
"""Columns of the pool, and whether each is required."""


class WholeReader(Reader):
    """Reads what no reader of one tool's files claims, by rules that need the options of reading."""

    general: ClassVar[bool] = True

    @abstractmethod
    def read(self, path: Path, options: "ReadOptions") -> PoolReading:
        """Return the rows of a path as a pool, with notes.

        Args:
            path: The file or folder.
            options: Properties that logs and tables do not state.

        Raises:
            InputError: The path cannot be read.
        """


@component("logs")
class LogReader(WholeReader):
    """Logs of Inspect, a file or a folder."""

    def claims(self, path: Path) -> bool:
        """Return whether a path is a folder, or has the suffix of a log."""
        return path_kind(path) == "a folder" or (path.suffix in LOGS and not is_table(path))

    def read(self, path: Path, options: "ReadOptions") -> PoolReading:
        """Return the rows of every sample with scores."""
        from overthink.collect.inspect_logs.set_aside import SampleRules

        return self._reading(
            path,
            axis=options.axis,
            high=options.high,
            scorer=options.scorer,
            tasks=options.tasks,
            checkpoints=options.checkpoints,
            ladder=options.ladder,
            rules=SampleRules(options.errored, options.invalid),
        )

    def frame(self, path: Path) -> NotedFrame:
        """Return the rows of every sample with scores, as a pool."""
        reading = self._reading(path)
        return NotedFrame(reading.pool.collect(), reading.notes, reading.unread)

    @staticmethod
    def _reading(path: Path, **options: Any) -> PoolReading:
        from overthink.collect.inspect_logs.read import read_logs

        reading = read_logs(path, **options)
        hashes = {name: file_sha256(Path(name), follow=True) for name in dict.fromkeys(reading.files)}
        origins = pl.Series(ORIGIN, [hashes[name] for name in reading.files], dtype=pl.String)
        return PoolReading(
            pool_of(reading.records).with_columns(origins),
            reading.notes,
            reading.stated,
            reading.polarity,
            reading.unread,
        )


@component("table")
class TableReader(WholeReader):
    """A table with a row per answer."""

    def claims(self, path: Path) -> bool:
        """Return whether a path has the suffix of a table."""
        return path_kind(path) == "a file" and is_table(path)

    def read(self, path: Path, options: "ReadOptions") -> PoolReading:
        """Return the rows of the table."""
        return read_table(path, _meaning(options), max_rows=options.max_rows)

    def frame(self, path: Path) -> NotedFrame:
        """Return the rows of the table, as a pool."""
        pool, notes, *_ = read_table(path)
        return NotedFrame(pool.collect(), notes)


def _meaning(options: "ReadOptions") -> StatedMeaning:
    return StatedMeaning(options.axis, options.high, options.tasks, options.scorer)


READERS: Registry[Reader] = Registry(
    Reader,  # type: ignore[type-abstract]
    (
        *(LmEvalReader, NemoSkillsReader, EveryEvalEverReader, ControlArenaReader, SamplesFrameReader, ScoutReader),
        *(LogReader, TableReader),
    ),
    option=OPTION,
)
"""Readers by name, in the order in which they are asked: those of one tool's files first, then the general ones."""


def reader_of(path: Path) -> Reader | None:
    """Return the reader that claims a path; None where none does.

    Every reader is asked, those of installed packages included. A general one reads what no other claims.

    Raises:
        InputError: Two readers of one tool's files claim it, or it holds Inspect's logs beside such files.
    """
    claiming = [reader for reader in _readers() if reader.claims(path)]
    special = [reader for reader in claiming if not reader.general]
    if len(special) > 1:
        names = " and ".join(f"{reader.key} ({reader.summary})" for reader in special)
        raise InputError(
            f"{path} is claimed by {names}; needed: one of them, so name it with {OPTION} {special[0].key}"
        )
    if special and path_kind(path) == "a folder":
        log = next(path.rglob("*.eval"), None)
        if log is not None:
            raise InputError(
                f"{path} holds files of two kinds: logs of Inspect such as {log.name}, and {special[0].summary}; "
                "needed: a folder of one kind, or one file"
            )
    return next(iter(special or claiming), None)


def _readers() -> Iterator[Reader]:
    """Yield a reader of each class that has a default for every setting."""
    for part in READERS.parts():
        if not any(field.is_required() for field in part.model_fields.values()):
            yield part()


def read_by(reader: Reader, path: Path, options: "ReadOptions", *, name: str | None = None) -> PoolReading:
    """Return the rows that a reader makes of a path.

    Args:
        reader: The reader.
        path: The file or folder.
        options: Properties that logs and tables do not state.
        name: How the reader was named, for messages; None for one that claimed the path.

    Raises:
        InputError: It fails, or its rows lack a column or hold a value of another type.
    """
    if isinstance(reader, WholeReader):
        return reader.read(path, options)
    text = reader.key if name is None else name
    try:
        made = reader.frame(path)
    except InputError:
        raise
    except (Exception, SystemExit) as fault:
        raise InputError(f"{OPTION} {text}: {path} cannot be read: {failure_text(fault)}") from fault
    frame, notes, unread, study, oversight = made if isinstance(made, NotedFrame) else NotedFrame(made)
    if not isinstance(frame, pl.DataFrame):
        raise InputError(f"{OPTION} {text} gave {type(frame).__name__}; needed: a Polars DataFrame, or a NotedFrame")
    if frame.is_empty():
        raise InputError(f"{OPTION} {text} gave no row of {path}; needed: a row for each answer")
    if options.max_rows is not None and frame.height > options.max_rows:
        raise InputError(f"{path} has {frame.height:,} rows; at most {options.max_rows:,} are read, as --max-rows says")
    if "rung" in frame.columns:
        scores = oversight_frame(oversight) if oversight else None
        return PoolReading(pool_of(_records(text, frame)), notes, unread=unread, study=study, oversight=scores)
    try:
        reading = table_of_frame(frame, _meaning(options), name=name_text(path.stem))
    except InputError as fault:
        raise InputError(f"{path}, read as {reader.summary}: {fault}") from fault
    return reading._replace(notes=(*notes, *reading.notes), unread=unread)


def read_with(text: str, path: Path, options: "ReadOptions") -> PoolReading:
    """Return the rows that a reader makes of a path.

    Args:
        text: The reader: a name, or ``FILE.py@NAME``, with settings behind a colon.
        path: The file or folder.
        options: Properties that logs and tables do not state.

    Raises:
        InputError: The reader is unknown or fails, or its rows lack a column or hold a value of another type.
    """
    reading = read_by(read_component(text, READERS, model=None, option=OPTION), path, options, name=text)
    files = "".join(f" (sha256 {sha256})" for sha256 in referenced_files([text]).values())
    return reading._replace(notes=(*reading.notes, f"Read by {name_text(text)}{files}."))


def read_claimed(path: Path, options: "ReadOptions") -> PoolReading:
    """Return the rows that the reader which claims a path makes of it.

    Raises:
        InputError: No reader claims it, or two do; or it cannot be read.
    """
    reader = reader_of(path)
    tables = _tables_in(path) if isinstance(reader, LogReader) else []
    if tables and not any(file.suffix in LOGS for file in path.rglob("*")):
        raise InputError(
            f"{path} holds tables ({', '.join(file.name for file in tables[:5])}) and no log of Inspect; "
            "needed: one table, or a folder of logs or of another tool's files, so name one of the tables"
        )
    if reader is None:
        raise InputError(
            f"{path} is not something that can be analysed; needed: an Inspect log (.eval, .json) or a folder of logs, "
            f"a study's folder, a table ({', '.join(TABLE_SUFFIXES)}), or files of another tool "
            f"({', '.join(part.key for part in READERS.parts() if not part.general)})"
        )
    reading = read_by(reader, path, options)
    if tables:
        names = ", ".join(file.name for file in tables[:5])
        reading = reading._replace(notes=(*reading.notes, f"Tables beside the logs were not read: {names}."))
    return reading if reader.general else reading._replace(notes=(f"Read as {reader.summary}.", *reading.notes))


def _tables_in(path: Path) -> list[Path]:
    """Return the tables of a folder and below it, but JSON, which may be a log; none for a file."""
    if path_kind(path) != "a folder":
        return []
    return sorted(
        file for file in path.rglob("*") if file.suffix.lower() in _PLAIN_TABLES and path_kind(file) == "a file"
    )


def _records(text: str, rows: pl.DataFrame) -> tuple[RungRecord, ...]:
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
        if row.value is not None and not 0 <= rounded_share(row.value) <= 1:
            raise InputError(f"{OPTION} {text}: row {number} has the value {row.value:g}; needed: from 0 to 1")
    return records


def _fault(text: str, error: Mapping[str, object]) -> str:
    place = error["loc"]
    assert isinstance(place, tuple)
    number, name = place[0] + 1, ".".join(map(str, place[1:]))
    return f"{OPTION} {text}: row {number} has {name} = {str(error['input'])[:60]!r}; needed: {error['msg']}"
