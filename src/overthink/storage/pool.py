"""The pool on disk: Parquet, one row per question, draw and rung, columns in the order of ``RungRecord``."""

import dataclasses
import io
import types
import typing
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

import polars as pl

from overthink.data.record import POOL_VERSION, Axis, Estimand, RungRecord, Verdict
from overthink.errors import InputError
from overthink.storage.files import file_sha256, replacing
from overthink.storage.json_documents import check_bytes, check_rows

_VERSION_KEY = "overthink.pool"
_DTYPES: dict[type, type[pl.DataType]] = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
_ENUMS: dict[str, type[StrEnum]] = {"axis": Axis, "estimand": Estimand, "verdict": Verdict}
_ROW_KEY = ("task", "axis", "scorer", "arm", "estimand", "question", "draw", "rung", "study")
"""Unique key of a row, and sort order of the stored rows."""


def _dtype(annotation: object) -> type[pl.DataType]:
    options = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    (kind,) = (option for option in options if option is not types.NoneType)
    return pl.String if issubclass(kind, StrEnum) else _DTYPES[kind]


_HINTS = typing.get_type_hints(RungRecord)
_COLUMNS = tuple(field.name for field in dataclasses.fields(RungRecord))
_REQUIRED = tuple(f.name for f in dataclasses.fields(RungRecord) if f.default is dataclasses.MISSING)
_SCHEMA = pl.Schema({name: _dtype(_HINTS[name]) for name in _COLUMNS})


def write_pool(path: Path, records: Iterable[RungRecord]) -> str:
    """Write the records as a pool, sorted, so that the file does not depend on their order.

    Args:
        path: The Parquet file; replaced whole.
        records: Rows in any order. A NaN is stored as null.

    Returns:
        The SHA-256 of the file.

    Raises:
        InputError: Two rows hold the same question, draw and rung of a curve, or a value is not in [0, 1].
        StoppedError: The disk is full.

    Example:
        >>> import tempfile
        >>> record = RungRecord(study="s", arm="base", axis=Axis.CAPABILITY, task="sums", scorer="match",
        ...                     question="1", draw=0, rung=0, estimand=Estimand.NATURAL, value=1.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sha256 = write_pool(Path(folder, "pool.parquet"), [record])
        ...     read_pool(Path(folder, "pool.parquet")) == [record]
        True
    """
    rows = list(records)
    columns = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
    for name in _ENUMS:
        columns[name] = [None if value is None else str(value) for value in columns[name]]
    try:
        table = pl.DataFrame(columns, schema=_SCHEMA, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as failure:
        raise InputError(f"{path}: a record holds a value of the wrong type ({_first_line(failure)})") from failure
    table = table.with_columns(pl.col(pl.Float64).fill_nan(None)).sort(_ROW_KEY)
    _check_rows(path, table)
    content = io.BytesIO()  # Polars has an error of its own for a full disk, and does not say that the disk is full
    table.write_parquet(content, metadata={_VERSION_KEY: str(POOL_VERSION)})
    with replacing(path) as scratch:
        scratch.write_bytes(content.getbuffer())
    return file_sha256(path)


def is_pool(path: Path) -> bool:
    """Whether a file is a pool of any version: Parquet with its mark; False for one that cannot be read."""
    try:
        return path.suffix.lower() == ".parquet" and _VERSION_KEY in pl.read_parquet_metadata(path)
    except (pl.exceptions.PolarsError, OSError):
        return False


def read_pool(path: Path) -> list[RungRecord]:
    """Read a pool and check all of it: version, columns, types, closed lists, ranges, doubles.

    Raises:
        InputError: The file is missing, is not a pool, or has content unknown to this version.
    """
    check_bytes(path)
    # For some broken files Polars raises a PanicException, which is no Exception; both become one message.
    try:
        metadata = pl.read_parquet_metadata(path)
        schema = pl.Schema(pl.read_parquet_schema(path))
        _check_version(path, metadata)
        _check_schema(path, schema)
        check_rows(path, pl.scan_parquet(path).select(pl.len()).collect().item())
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as failure:
        raise InputError(f"{path} is not a readable Parquet file ({_first_line(failure)}); needed: a pool") from failure
    _check_rows(path, table)
    enums = {
        name: [None if value is None else kind(value) for value in table[name].to_list()]
        for name, kind in _ENUMS.items()
    }
    lists = [enums[name] if name in enums else table[name].to_list() for name in _COLUMNS]
    return [RungRecord(*row) for row in zip(*lists, strict=True)]


def _check_version(path: Path, metadata: dict[str, str]) -> None:
    version = metadata.get(_VERSION_KEY)
    if version is None:
        raise InputError(
            f"{path} carries no {_VERSION_KEY!r} mark, so it is not a pool; "
            f"`overthink analyse` takes it where it is a plain table"
        )
    if version != str(POOL_VERSION):
        raise InputError(
            f"{path} is a pool of version {version!r}; this Overthink reads version {POOL_VERSION}: "
            f"use the Overthink that wrote it, or a newer one"
        )


def _check_schema(path: Path, schema: pl.Schema) -> None:
    missing = [name for name in _COLUMNS if name not in schema]
    unknown = [name for name in schema if name not in _SCHEMA]
    if missing or unknown:
        raise InputError(
            f"{path}: columns missing: {_names(missing)}; unknown: {_names(unknown)}; a pool of version "
            f"{POOL_VERSION} holds exactly: {', '.join(_COLUMNS)}"
        )
    wrong = [f"{name} is {schema[name]}, needed {_SCHEMA[name]}" for name in _COLUMNS if schema[name] != _SCHEMA[name]]
    if wrong:
        raise InputError(f"{path}: {'; '.join(wrong)}")


def _check_rows(path: Path, table: pl.DataFrame) -> None:
    """Raise an error for missing required values, unknown words, values outside [0, 1], and duplicate rows."""
    empty = [name for name in _REQUIRED if table[name].null_count()]
    if empty:
        raise InputError(f"{path}: empty cells in {', '.join(empty)}; every row needs them")
    for name, kind in _ENUMS.items():
        members = [str(member) for member in kind]
        strange = table[name].filter(table[name].is_not_null() & ~table[name].is_in(members)).unique().sort()
        if len(strange):
            raise InputError(f"{path}: {name} {_names(strange.to_list())}; this version knows: {', '.join(members)}")
    outside = table.filter(~pl.col("value").is_between(0, 1) | (pl.col("draw") < 0) | (pl.col("rung") < 0))
    if outside.height:
        raise InputError(
            f"{path}: {outside.height} rows with a value outside [0, 1], or a negative draw or rung; "
            f"first: {_row(outside)}"
        )
    duplicates = table.filter(pl.struct(_ROW_KEY).is_duplicated())
    if duplicates.height:
        raise InputError(
            f"{path}: {duplicates.height} rows repeat a question, draw and rung of one curve; first: {_row(duplicates)}"
        )


def _row(table: pl.DataFrame) -> str:
    return ", ".join(f"{name}={table[name][0]!r}"[:120] for name in (*_ROW_KEY, "value"))


def _names(values: Sequence[object]) -> str:
    examples = ", ".join(repr(value)[:80] for value in values[:8])
    return (examples + (f" and {len(values) - 8} more" if len(values) > 8 else "")) or "none"


def _first_line(failure: BaseException) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0][:300]
