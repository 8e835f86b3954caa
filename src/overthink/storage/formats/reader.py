"""What a reader of another tool's files is: it claims paths, and makes frames of them."""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

import polars as pl

from overthink.components.base import Component
from overthink.data.oversight import OversightRow
from overthink.data.pool import StudyFacts
from overthink.errors import InputError
from overthink.paths import open_file, path_kind
from overthink.storage.foreign_files import check_file
from overthink.storage.tables.table_files import FIRST_LINE_BYTES, JSON_EXPANSION, cell_text, json_lines

T = TypeVar("T")

_LARGEST = 2**53
"""Largest count that is read."""

_FILES_LOOKED_INTO = 20
"""Files of a folder that are looked into to know of what kind it is."""


class NotedFrame(NamedTuple):
    """A frame with notes on how it was read.

    Attributes:
        frame: The rows.
        notes: One sentence each for the report: an assumption, rows that were left out.
        unread: What is wrong with each file that could not be read.
        study: What the rows say of the study that they are of.
        oversight: Rows of the table on oversight, such as scores of monitors.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    study: StudyFacts = StudyFacts()
    oversight: tuple[OversightRow, ...] = ()


class Reader(Component):
    """Reads files of one kind."""

    role: ClassVar[str] = "reader"

    general: ClassVar[bool] = False
    """Whether it reads what no reader of one tool's files claims."""

    def claims(self, path: Path) -> bool:
        """Return whether a file or folder is of this kind, from its names and the beginning of its files.

        A reader that claims nothing is used where it is named.
        """
        return False

    @abstractmethod
    def frame(self, path: Path) -> pl.DataFrame | NotedFrame:
        """Return the rows of a file or folder, one per answer and scorer.

        Args:
            path: The file or folder.

        Returns:
            A frame with the columns of a plain table (docs/formats.md), which is read by the rules of tables; or one
            with the columns of the pool, of which those without a default are required. With or without notes.

        Raises:
            InputError: The path cannot be read.
        """


_SCHEMA: Mapping[str, type[pl.DataType]] = (
    dict.fromkeys(("question", "task", "arm", "scorer", "run_id", "config", "answer", "response"), pl.String)
    | dict.fromkeys(("reasoning", "finish_reason", "limit", "error", "log"), pl.String)
    | dict.fromkeys(("draw", "thinking_tokens", "generated_tokens", "prompt_tokens"), pl.Int64)
    | dict.fromkeys(("value", "seconds"), pl.Float64)
)
"""Columns of a plain table that the readers here fill."""


def frame_of_rows(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return rows as a plain table, without the columns that no row fills.

    Example:
        >>> frame_of_rows([{"question": "q", "draw": 0, "value": 1.0, "answer": None}]).columns
        ['question', 'draw', 'value']
    """
    listed = list(rows)
    columns = (
        pl.Series(
            name, [cell_text(row.get(name)) if kind == pl.String else row.get(name) for row in listed], dtype=kind
        )
        for name, kind in _SCHEMA.items()
    )
    return pl.DataFrame([cells for cells in columns if cells.is_not_null().any()])


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object of a file; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def listing(value: object) -> list[Any]:
    """Return a list of a file; an empty one for anything else."""
    return value if isinstance(value, list) else []


def files_of(path: Path, pattern: str) -> list[Path]:
    """Return the files of a pattern: the path itself if it is one, or those in the folder and below, sorted.

    A link to nowhere and a FIFO are among them: they cannot be read, and reading says so.
    """
    if path_kind(path) != "a folder":
        return [path] if path.match(pattern) else []
    return sorted(file for file in path.rglob(pattern) if not file.is_dir())


def is_any(files: Sequence[Path], fits: Callable[[Mapping[str, Any]], bool]) -> bool:
    """Return whether the first object of one of the first files fits."""
    return any(fits(first_object(file)) for file in files[:_FILES_LOOKED_INTO])


def first_object(path: Path) -> dict[str, Any]:
    """Return the object on the first line of a file; empty where there is none."""
    try:
        with open_file(path, follow=True) as file:
            read = json.loads(file.readline(FIRST_LINE_BYTES))
    except (InputError, OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def whole_object(path: Path) -> dict[str, Any]:
    """Return the object that a file holds; empty where it holds none."""
    try:
        check_file(path, expansion=JSON_EXPANSION, follow=True)
        with open_file(path, follow=True) as file:
            read = json.load(file)
    except (InputError, OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def objects_of(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the object of each line of a file, with the number of its line.

    Raises:
        InputError: A line holds something else, or the file does not fit into memory.
    """
    check_file(path, expansion=JSON_EXPANSION, follow=True)
    for number, read in enumerate(json_lines(path), start=1):
        if not isinstance(read, dict):
            raise InputError(f"{path}, row {number}, is {str(read)[:80]!r}; needed: a JSON object")
        yield number, read


def fitting_objects(path: Path, fits: Callable[[Mapping[str, Any]], bool], *, needed: str) -> list[dict[str, Any]]:
    """Return the objects of a file's lines, each of which fits.

    Args:
        path: The file.
        fits: Whether an object is what the tool writes.
        needed: The fields that the tool writes, for the message.

    Raises:
        InputError: A line holds something else; it is named with its fields.
    """
    records = []
    for line, record in objects_of(path):
        if not fits(record):
            raise InputError(f"{path}, row {line}, has the fields {', '.join(record)[:200]}; needed: {needed}")
        records.append(record)
    return records


def usable_rows(
    path: Path, rows: Iterable[dict[str, Any]], faults: Mapping[tuple[str, str], str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of metrics without a fault, and a sentence on each of the others.

    Args:
        path: The file or folder, for the message.
        rows: Rows with their task and scorer.
        faults: Why a metric is no share of which higher is better, by task and scorer.

    Raises:
        InputError: No row is left.
    """
    notes = [f"Metric {scorer} of {task} was left out: {fault}." for (task, scorer), fault in faults.items()]
    usable = [row for row in rows if (row["task"], row["scorer"]) not in faults]
    if not usable:
        raise InputError(f"{path} holds no metric from 0 to 1, of which higher is better. {' '.join(notes)}")
    return usable, notes


def read_each(files: Sequence[Path], read: Callable[[Path], T]) -> tuple[list[T], list[str]]:
    """Return what is read of each file, and what is wrong with each that cannot be read.

    Args:
        files: The files.
        read: Reads one of them.

    Raises:
        InputError: None can be read.
    """
    contents: list[T] = []
    faults: list[InputError] = []
    for file in files:
        try:
            contents.append(read(file))
        except InputError as fault:
            faults.append(fault)
    if not contents and faults:
        raise faults[0]
    return contents, [str(fault) for fault in faults]


def config_text(settings: Mapping[str, object]) -> str | None:
    """Return settings of a run as a cell of the column config; None where none is stated."""
    stated = {name: value for name, value in settings.items() if value is not None}
    return json.dumps(stated, sort_keys=True, default=str) if stated else None


def token_counts(usage: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the columns of tokens from a usage with the names of Inspect; a prompt holds what caches read and wrote.

    Example:
        >>> token_counts({"input_tokens": 5, "input_tokens_cache_read": 2, "output_tokens": 7})
        {'thinking_tokens': None, 'generated_tokens': 7, 'prompt_tokens': 7}
    """
    fresh = count(usage.get("input_tokens"))
    cached = [count(usage.get(name)) or 0 for name in ("input_tokens_cache_read", "input_tokens_cache_write")]
    return {
        "thinking_tokens": count(usage.get("reasoning_tokens")),
        "generated_tokens": count(usage.get("output_tokens")),
        "prompt_tokens": None if fresh is None else fresh + sum(cached),
    }


def count(value: object) -> int | None:
    """Return a token count; None for what measures nothing, a negative one included."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST else None


def number(value: object) -> float | None:
    """Return a finite number, or 1 and 0 for true and false; None for anything else."""
    if not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < float("inf") else None
