"""The pool on disk: Parquet, one row per question, draw and rung.

Its columns are those of ``RungRecord`` in their order, and the id of the trace (:mod:`overthink.data.traces`). Columns
that a pool of an earlier version lacks are read as unknown.
"""

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overthink.data.cells import row_codes
from overthink.data.outcomes import outcome_bytes
from overthink.data.pool import ENUMS, REQUIRED, ROW_KEY, SCHEMA, Pool, first_line, in_memory, read, words_of
from overthink.data.record import OF_LOGS, POOL_VERSION
from overthink.data.traces import TRACE, TRACE_BYTES, trace_hashes
from overthink.data.visible import name_list
from overthink.errors import InputError
from overthink.paths import file_sha256, open_file
from overthink.storage.files import replacing
from overthink.storage.foreign_files import check_memory, silent_panics

_VERSION_KEY = "overthink.pool"
# By themselves Polars' queries read ahead and work on large pieces, which takes half as much memory again for the
# analysis of a million rows and is no faster. These are looked at when a query runs; who wants it otherwise sets them
# before.
os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "1")
os.environ.setdefault("POLARS_IDEAL_MORSEL_SIZE", "5000")

_ROW_GROUP = 50_000
"""Rows that are stored, and read, at once."""
_PROBE = 1 << 16
"""Bytes that are written to learn why a file could not be."""
_WITHOUT_LOGS = {name: kind for name, kind in SCHEMA.items() if name not in OF_LOGS}
_SCHEMAS = {
    POOL_VERSION: pl.Schema({**SCHEMA, TRACE: pl.Binary()}),
    4: pl.Schema({**_WITHOUT_LOGS, TRACE: pl.Binary()}),
    3: pl.Schema(_WITHOUT_LOGS),
}
"""Columns of each version that is read, the one that is written first."""
POOL_SCHEMA = _SCHEMAS[POOL_VERSION]
"""Columns of a pool that is written now."""
_COLUMNS_AT_ONCE = 6
"""Columns that are decoded at once where all are checked."""
_BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What Polars raises for a broken file; for some it is a PanicException, which is no Exception."""


def write_pool(path: Path, pool: pl.LazyFrame) -> str:
    """Write a pool, sorted, so that the file does not depend on the order of its rows.

    Args:
        path: The Parquet file; replaced whole.
        pool: Rows in any order. A NaN is stored as null, and so is a trace without an id.

    Returns:
        The SHA-256 of the file.

    Raises:
        InputError: A column is missing or has another type, two rows hold the same question, draw and rung of a curve,
            or a value is not in [0, 1].
        StoppedError: The disk is full.

    Example:
        >>> import tempfile
        >>> from overthink.data.pool import pool_of, records_of
        >>> from overthink.data.record import Axis, Estimand, RungRecord
        >>> record = RungRecord(study="s", arm="base", axis=Axis.CAPABILITY, task="sums", scorer="match",
        ...                     question="1", draw=0, rung=0, estimand=Estimand.NATURAL, value=1.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sha256 = write_pool(Path(folder, "pool.parquet"), pool_of([record]))
        ...     records_of(read_pool(Path(folder, "pool.parquet"))) == [record]
        True
    """
    schema = _SCHEMAS[POOL_VERSION]
    if TRACE not in pool.collect_schema():
        pool = pool.with_columns(pl.lit(None, pl.Binary).alias(TRACE))
    _check_schema(path, pool.collect_schema(), SCHEMA, and_more=True)
    rows = in_memory(pool.select(schema.names()).with_columns(pl.col(pl.Float64).fill_nan(None)))
    code = _check_rows(path, rows)
    if (code[1:] < code[:-1]).any():
        rows = read(rows)[np.argsort(code)]
    del code
    return sink_pool(path, rows.lazy())


def sink_pool(path: Path, pool: pl.LazyFrame) -> str:
    """Write rows that are checked and in the order of a pool; see :func:`write_pool`.

    Args:
        path: The Parquet file; replaced whole.
        pool: The rows, with the columns of :data:`POOL_SCHEMA`; they are read piece by piece.

    Returns:
        The SHA-256 of the file.

    Raises:
        StoppedError: The disk is full.
    """
    with replacing(path) as file, _disk_errors(file):
        pool.sink_parquet(file, metadata={_VERSION_KEY: str(POOL_VERSION)}, row_group_size=_ROW_GROUP)
    return file_sha256(path)


@contextmanager
def _disk_errors(file: BinaryIO) -> Iterator[None]:
    """Turn an error of Polars that comes from writing to a file into that of the system."""
    try:
        yield
    except pl.exceptions.PolarsError as failure:
        number = re.search(r"os error (\d+)", str(failure))
        if number is not None:
            raise OSError(int(number[1]), first_line(failure)) from failure
        # Some errors of writing do not name that of the system: the next bytes get it again.
        file.seek(0, os.SEEK_END)
        file.write(bytes(_PROBE))
        file.flush()
        os.fsync(file.fileno())
        raise


def is_pool(path: Path, *, follow: bool = False) -> bool:
    """Whether a file is a pool of any version: Parquet with its mark; False for one that cannot be read.

    Args:
        path: The file.
        follow: Whether it may be a link; the pool in a study's folder may not.
    """
    if path.suffix.lower() != ".parquet":
        return False
    try:
        with silent_panics(), open_file(path, follow=follow) as file:
            return _VERSION_KEY in pl.read_parquet_metadata(file)
    except (*_BROKEN, InputError):
        return False


def read_pool(path: Path, *, max_rows: int | None = None, follow: bool = False) -> pl.LazyFrame:
    """Check all of a pool: version, columns, types, closed lists, ranges, doubles; return it, to be read by column.

    Args:
        path: The Parquet file.
        max_rows: Most rows to read; None for as many as memory allows.
        follow: Whether the file may be a link; the pool in a study's folder may not.

    Raises:
        InputError: The file is missing, is not a pool, has content unknown to this version, or more rows than memory
            allows.
    """
    try:
        with silent_panics():
            return _checked_pool(path, max_rows, follow=follow)
    except _BROKEN as failure:
        raise InputError(f"{path} is not a readable Parquet file ({first_line(failure)}); needed: a pool") from failure


def _checked_pool(path: Path, max_rows: int | None, *, follow: bool) -> pl.LazyFrame:
    with open_file(path, follow=follow) as file:
        schema = _SCHEMAS[_version(path, pl.read_parquet_metadata(file))]
        file.seek(0)
        _check_schema(path, pl.Schema(pl.read_parquet_schema(file)), schema)
        file.seek(0)
        pool = _all_columns(pl.scan_parquet(file))
    check_memory(path, rows=_n_rows(pool), row_bytes=0, max_rows=max_rows)
    if not _n_rows(pool):
        raise InputError(f"{path} has no rows, so nothing can be analysed; needed: the pool of a study that ran")
    rows = in_memory(pool)  # few rows are read once: each query of a file opens it
    known = _known_columns(rows, rows.collect_schema().names())
    check_memory(path, rows=_n_rows(rows), row_bytes=outcome_bytes(known), max_rows=max_rows)
    _check_rows(path, rows)
    if TRACE in schema:
        _check_traces(path, rows)
    return rows.lazy()


def scan_pool(path: Path) -> pl.LazyFrame:
    """Return a pool that was checked before, to be read by column.

    Raises:
        InputError: The file is missing, a link, or cannot be read.
    """
    with open_file(path) as file:
        return _all_columns(pl.scan_parquet(file))


def scan_own_pool(path: Path) -> pl.LazyFrame:
    """Return a pool that this version wrote, sorted and to be read by column; its rows are not checked.

    Raises:
        InputError: The file is missing, a link, no pool, or of another version.
    """
    try:
        with silent_panics(), open_file(path) as file:
            version = _version(path, pl.read_parquet_metadata(file))
            file.seek(0)
            _check_schema(path, pl.Schema(pl.read_parquet_schema(file)), _SCHEMAS[version])
    except _BROKEN as failure:
        raise InputError(f"{path} is not a readable Parquet file ({first_line(failure)}); needed: a pool") from failure
    if version != POOL_VERSION:
        raise InputError(f"{path} is a pool of version {version}; needed: {POOL_VERSION}, of the Overthink that merges")
    return scan_pool(path)


def _all_columns(pool: pl.LazyFrame) -> pl.LazyFrame:
    """Return the pool with the columns of a row that its version lacks, empty; ids of traces stay away."""
    names = pool.collect_schema().names()
    missing = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in names]
    return pool.with_columns(missing) if missing else pool


def _known_columns(pool: Pool, names: Sequence[str]) -> list[str]:
    """Return the columns with a known cell. Every cell is decoded, few columns at a time, and none is kept."""
    known: list[str] = []
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        part = names[start : start + _COLUMNS_AT_ONCE]
        counts = read(pool.select(part).select(pl.all().count())).row(0, named=True)
        known += [name for name, count in counts.items() if count]
    return known


def _n_rows(pool: Pool) -> int:
    return int(read(pool.select(pl.len())).item())


def _version(path: Path, metadata: dict[str, str]) -> int:
    version = metadata.get(_VERSION_KEY)
    if version is None:
        raise InputError(
            f"{path} carries no {_VERSION_KEY!r} mark, so it is not a pool; "
            f"`overthink analyse` takes it where it is a plain table"
        )
    if version not in map(str, _SCHEMAS):
        raise InputError(
            f"{path} is a pool of version {version!r}; this Overthink reads version "
            f"{' and '.join(map(str, _SCHEMAS))}: use the Overthink that wrote it, or a newer one"
        )
    return int(version)


def _check_schema(path: Path, seen: pl.Schema, needed: pl.Schema, *, and_more: bool = False) -> None:
    missing = [name for name in needed if name not in seen]
    unknown = [] if and_more else [name for name in seen if name not in needed]
    if missing or unknown:
        raise InputError(
            f"{path}: columns missing: {_names(missing)}; unknown: {_names(unknown)}; a pool of its version "
            f"holds exactly: {', '.join(needed)}"
        )
    wrong = [f"{name} is {seen[name]}, needed {needed[name]}" for name in needed if seen[name] != needed[name]]
    if wrong:
        raise InputError(f"{path}: {'; '.join(wrong)}")


def _check_rows(path: Path, pool: Pool) -> NDArray[np.int64]:
    """Return the position of each row in the order of the pool; refuse a row that no pool holds, and repeated ones."""
    empty = read(pool.select(pl.col(REQUIRED).null_count() > 0)).row(0, named=True)
    if any(empty.values()):
        names = ", ".join(name for name, has_empty in empty.items() if has_empty)
        raise InputError(f"{path}: empty cells in {names}; every row needs them")
    for (name, kind), words in zip(ENUMS.items(), words_of(pool, *ENUMS), strict=True):
        members = [str(member) for member in kind]
        strange = words.filter(~words.is_in(members))
        if len(strange):
            raise InputError(f"{path}: {name} {_names(strange.to_list())}; this version knows: {', '.join(members)}")
    _check_numbers(path, pool)
    code = row_codes(pool)
    if not (code[1:] > code[:-1]).all():
        in_order = np.sort(code)
        doubles = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
        if len(doubles):
            repeated = np.flatnonzero(np.isin(code, doubles))
            raise InputError(
                f"{path}: {len(repeated)} rows repeat a question, draw and rung of one curve; first: "
                f"{_row(read(pool.slice(int(repeated[0]), 1)))}"
            )
    return code


def _check_numbers(path: Path, pool: Pool) -> None:
    """Refuse NaN and infinities, values outside [0, 1], and counts and times below 0."""
    names = [name for name, kind in SCHEMA.items() if kind in (pl.Int64, pl.Float64) and name != "seed"]
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        part = names[start : start + _COLUMNS_AT_ONCE]
        faults = read(pool.select(_number_faults(name).any().alias(name) for name in part)).row(0, named=True)
        for name, has_fault in faults.items():
            if has_fault:
                rows = pool.filter(_number_faults(name))
                raise InputError(
                    f"{path}: {name} is {read(rows.select(name).head(1)).item()} in {_n_rows(rows)} rows; needed: "
                    f"{_NEEDED.get(name, 'a number from 0')}, or an empty cell where it is unknown; first: "
                    f"{_row(read(rows.head(1)))}"
                )


_NEEDED = {"value": "from 0 to 1", "verifier_score": "a finite number"}


def _number_faults(name: str) -> pl.Expr:
    number = pl.col(name)
    if SCHEMA[name] == pl.Int64:
        return number < 0
    if name == "verifier_score":
        return ~number.is_finite()
    return ~number.is_finite() | ~number.is_between(0, 1 if name == "value" else math.inf)


def _check_traces(path: Path, pool: Pool) -> None:
    """Refuse ids of traces that are no ids, stand for two traces, or differ within one."""
    wrong = pool.filter(pl.col(TRACE).bin.size() != TRACE_BYTES)
    if n_wrong := _n_rows(wrong):
        raise InputError(
            f"{path}: {TRACE} holds no id in {n_wrong} rows; needed: {TRACE_BYTES} bytes, or an empty cell; first: "
            f"{_row(read(wrong.head(1)))}"
        )
    named = trace_hashes(pool)
    pairs = read(named.select("id_hash", "key_hash").unique())
    for name, problem in (("id_hash", "one id stands for several traces"), ("key_hash", "one trace has several ids")):
        twice = pairs.filter(pl.col(name).is_duplicated())
        if twice.height:
            first = read(named.filter(pl.col(name) == twice[name][0]).head(1))
            raise InputError(f"{path}: {TRACE}: {problem}; needed: its own for each; first: {_row(first)}")


def _row(table: pl.DataFrame) -> str:
    return ", ".join(f"{name}={table[name][0]!r}"[:120] for name in (*ROW_KEY, "value"))


def _names(values: Sequence[object]) -> str:
    return name_list([repr(value)[:80] for value in values], 8) or "none"
