"""Files of a study: no link is followed, writing changes one file alone, and a reader never sees half a pool.

They are read by :func:`overthink.paths.open_file`, replaced by :func:`replacing` or appended to by :func:`open_append`.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from overthink.errors import InputError, StoppedError
from overthink.paths import (
    DISK_ERRORS,
    NO_FOLLOW,
    NO_WAIT,
    file_sha256,
    path_kind,
    path_status,
    require_file,
    sync_folder,
)

_MAX_NAME_BYTES = 255
"""Longest name that common file systems allow, in bytes."""


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
        if failure.errno in DISK_ERRORS:
            raise StoppedError(
                f"{path}: {failure.strerror}; what was stored before is kept. Free some space, then run "
                f"again with --resume"
            ) from failure
        raise InputError(f"{path} cannot be written: {failure.strerror or failure}; choose another folder") from failure


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file beside ``path``, open for writing, that replaces it when the block ends without error.

    A link in the place of ``path`` is replaced, and its target stays as it is. The new file is deleted after an error.

    Raises:
        StoppedError: The disk is full or broken.
        InputError: The folder cannot be written to, or a folder, FIFO, socket or device has the name of the file.
    """
    kind = path_kind(path, follow=False)
    if kind not in ("not there", "a file", "a symbolic link"):
        raise InputError(f"{path} is {kind}, and a file is to be written there; move it away, or give another folder")
    scratch = scratch_path(path)
    with storage_errors(path):
        scratch.unlink(missing_ok=True)  # of a killed process with the same number
        descriptor = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW | NO_WAIT, 0o666)
        try:
            with os.fdopen(descriptor, "rb+") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
            sync_folder(path.parent)
        finally:
            scratch.unlink(missing_ok=True)


def scratch_path(path: Path) -> Path:
    """Return the path of a new file or folder that will replace a path, in the same folder.

    Its name is that of ``path`` with the number of this process, or a hash where that were too long a name.

    Example:
        >>> scratch_path(Path("study/pool.parquet")).name == f".pool.parquet.{os.getpid()}.part"
        True
    """
    name = f".{path.name}.{os.getpid()}.part"
    if len(os.fsencode(name)) > _MAX_NAME_BYTES:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.{os.getpid()}.part"
    return path.with_name(name)


def open_append(path: Path) -> FileIO:
    """Open a file of a study for appending, unbuffered; it is created if it is missing.

    Raises:
        InputError: It is a link, has another name by a hard link, is not a regular file, or cannot be written to.
        StoppedError: The disk is full or broken.
    """
    with storage_errors(path):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | NO_FOLLOW | NO_WAIT, 0o666)
        except OSError:
            if (status := path_status(path, follow=False)) is not None:
                require_file(path, status)
            raise
    try:
        require_own_file(path, os.fstat(descriptor))
    except InputError:
        os.close(descriptor)
        raise
    return FileIO(descriptor, "ab")


def require_own_file(path: Path, status: os.stat_result) -> None:
    """Raise an error unless writing to a file of a study changes that file alone.

    Args:
        path: The file.
        status: Its status: of the link itself where it is one, or of its open descriptor.

    Raises:
        InputError: It is a link, has another name by a hard link, or is not a regular file.
    """
    require_file(path, status)
    if status.st_nlink > 1:
        raise InputError(
            f"{path} has {status.st_nlink} names by hard links; needed: one, as what is written to it would change the "
            "others, too. Replace it by a copy of itself."
        )


def require_own_folder(path: Path) -> None:
    """Raise an error if the name of a folder inside a study is taken by a link or by something else.

    Raises:
        InputError: It is.
    """
    kind = path_kind(path, follow=False)
    if kind not in ("not there", "a folder"):
        raise InputError(f"{path} is {kind}; needed: a folder of the study itself. Put its content there instead.")


def write_text(path: Path, text: str) -> str:
    """Write ``text`` as UTF-8, atomically.

    Returns:
        The SHA-256 of the file.

    Raises:
        StoppedError: The disk is full or broken.
        InputError: The folder cannot be written to, or the text holds half a surrogate pair.
    """
    try:
        content = text.encode()
    except UnicodeEncodeError as failure:
        part = ascii(text[max(0, failure.start - 40) : failure.end + 40])
        raise InputError(f"{path} cannot hold {part}, which is not in UTF-8; give another name or text") from failure
    with replacing(path) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()


def path_sha256(path: Path) -> str:
    """The SHA-256 of a file that the user names, or of the names and hashes of all files of a folder.

    Raises:
        InputError: A file cannot be read.
    """
    if path_kind(path) != "a folder":
        return file_sha256(path, follow=True)
    files = sorted(file for file in path.rglob("*") if path_kind(file) == "a file")
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file_sha256(file, follow=True)}  ".encode())
        digest.update(os.fsencode(file.relative_to(path).as_posix()) + b"\n")
    return digest.hexdigest()
