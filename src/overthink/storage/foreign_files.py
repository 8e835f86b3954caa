"""Foreign files are untrusted: a bound on the memory that one takes, and broken Parquet without the noise of Polars."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from overthink.collect.machine_memory import available_memory
from overthink.errors import InputError
from overthink.paths import path_status, require_file

JSON_EXPANSION = 8.0
"""Memory of a JSON document over its size, where all of it is read at once."""


def check_memory(path: Path, *, rows: int, row_bytes: float, max_rows: int | None) -> None:
    """Refuse more rows than memory allows, or than a caller allows.

    Args:
        path: The file.
        rows: Its rows.
        row_bytes: Memory of a row once it is read, in bytes.
        max_rows: Most rows to read, which replaces the bound on memory; None for that bound.

    Raises:
        InputError: There are more.
    """
    if max_rows is not None:
        if rows > max_rows:
            raise InputError(
                f"{path} has {rows:,} rows; at most {max_rows:,} are read: split it by task or model, or raise "
                "--max-rows"
            )
        return
    needed, available = rows * row_bytes, available_memory()
    if needed > available:
        raise InputError(
            f"{path} has {rows:,} rows, which take about {_size(needed)} of memory; {_size(available)} are available: "
            f"split it by task or model, free some memory, or go on at your own risk with --max-rows {rows}"
        )


def check_file(path: Path, *, expansion: float = 0.0, follow: bool = False) -> None:
    """Raise an error unless the path is a file, and memory holds it.

    Args:
        path: The path.
        expansion: Memory that its content takes over its size; 0 for a file that is read in pieces.
        follow: Whether the file may be a link; no file of a study's folder may.

    Raises:
        InputError: The file is missing, not a file, or too large.
    """
    status = path_status(path, follow=follow)
    require_file(path, status)
    size = 0 if status is None else status.st_size
    needed, available = size * expansion, available_memory() if expansion else 0
    if needed > available:
        raise InputError(
            f"{path} has {size:,} bytes, which take about {_size(needed)} of memory; {_size(available)} are available: "
            "split it by task or model, store it as Parquet, or free some memory"
        )


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:,.1f} MB"


@contextmanager
def silent_panics() -> Iterator[None]:
    """Hold back what is written to standard error while a foreign file is decoded; drop it where decoding fails.

    The caller turns the error into its one message. Where the block succeeds, what was written appears afterwards.
    """
    try:
        descriptor = os.dup(2)
    except OSError:  # standard error is closed, so there is no noise
        yield
        return
    try:
        held = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the block below
    except OSError:  # no folder for temporary files can be written to: the noise appears, and the file is read
        os.close(descriptor)
        yield
        return
    with held:
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            _restore(descriptor)
            raise
        _restore(descriptor)
        held.seek(0)
        with suppress(OSError):
            os.write(2, held.read())


def _restore(descriptor: int) -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    os.dup2(descriptor, 2)
    os.close(descriptor)
