"""Size limits of foreign data. A foreign table is untrusted."""

from pathlib import Path

from overthink.errors import InputError

MAX_FILE_BYTES = 2 * 1024**3
"""Largest file that is read, in bytes."""
MAX_ROWS = 2_000_000
"""Most rows that are read from one file."""


def check_bytes(path: Path) -> None:
    """Raise an error unless the path is a file of at most ``MAX_FILE_BYTES``.

    Raises:
        InputError: The file is missing, not a file, or too large.
    """
    if not path.is_file():
        raise InputError(f"{path} is {'a folder' if path.is_dir() else 'not there'}; needed: a file")
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        raise InputError(f"{path} has {size:,} bytes; at most {MAX_FILE_BYTES:,} are read: split it by task or model")


def check_rows(path: Path, rows: int) -> None:
    """Raise an error for more than ``MAX_ROWS`` rows.

    Raises:
        InputError: There are more.
    """
    if rows > MAX_ROWS:
        raise InputError(f"{path} has {rows:,} rows; at most {MAX_ROWS:,} are read: split it by task or model")
