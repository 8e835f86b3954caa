"""Atomic file writes: a reader never sees half a pool."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from overthink.errors import InputError, StoppedError

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn system errors of writing ``path`` into Overthink's errors.

    Raises:
        StoppedError: The disk is full or broken; what was stored before is kept.
        InputError: The path cannot be written to.
    """
    try:
        yield
    except OSError as failure:
        if failure.errno in _DISK_ERRORS:
            raise StoppedError(
                f"{path}: {failure.strerror}; what was stored before is kept. Free some space, then run "
                f"again with --resume"
            ) from failure
        raise InputError(f"{path} cannot be written: {failure.strerror or failure}; choose another folder") from failure


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A scratch file beside ``path`` that replaces it when the block ends without error, and is deleted otherwise.

    Raises:
        StoppedError: The disk is full or broken.
        InputError: The folder cannot be written to.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    with storage_errors(path):
        try:
            yield scratch
            with scratch.open("rb+") as file:
                os.fsync(file.fileno())
            scratch.replace(path)
            _sync_folder(path.parent)
        finally:
            scratch.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> str:
    """Write ``text`` as UTF-8, atomically.

    Returns:
        The SHA-256 of the file.

    Raises:
        StoppedError: The disk is full or broken.
        InputError: The folder cannot be written to.
    """
    content = text.encode()
    with replacing(path) as scratch:
        scratch.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, as ``sha256sum`` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path_sha256(path: Path) -> str:
    """The SHA-256 of a file, or of the names and hashes of all files of a folder."""
    if path.is_file():
        return file_sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = (f"{file_sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and needs no such sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
