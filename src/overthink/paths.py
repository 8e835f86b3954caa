"""Paths are names: nothing in them is expanded, and what is opened is a regular file.

A file that the user names may be a link. A file of a study's folder may not, nor may any file that is written to
(:mod:`overthink.storage.files`). No function here waits for a FIFO or a device.
"""

import errno
import hashlib
import os
import re
import stat
from io import BufferedReader
from pathlib import Path

from overthink.errors import InputError

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""Flag of opening that refuses a link; 0 on Windows, which has none."""
NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags of opening that do not wait for the other end of a FIFO, and keep the file from child processes."""
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Numbers of system errors of a disk that is full or broken."""

_SURROGATE = re.compile("[\ud800-\udfff]")  # how Python holds a byte of a name that is not UTF-8
_KINDS = (
    (stat.S_ISREG, "a file"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def path_status(path: Path, *, follow: bool = True) -> os.stat_result | None:
    """Return the status of a path; None where nothing is there.

    Args:
        path: The path.
        follow: Follow a link in its last part.

    Raises:
        InputError: The path cannot be reached: a name is too long, a folder may not be entered, or links go in circles.
    """
    try:
        return path.stat(follow_symlinks=follow)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as failure:
        raise InputError(f"{path} cannot be reached: {_reason(failure)}; give another path") from failure


def path_kind(path: Path, *, follow: bool = True) -> str:
    """Return what a path is, in words: "a file", "a folder", "a FIFO" or "not there".

    Raises:
        InputError: The path cannot be reached.

    Example:
        >>> path_kind(Path("/")), path_kind(Path("/dev/null")), path_kind(Path("no such file"))
        ('a folder', 'a device', 'not there')
    """
    status = path_status(path, follow=follow)
    return "not there" if status is None else kind_of(status)


def kind_of(status: os.stat_result) -> str:
    """Return what a status is that of, in the words of :func:`path_kind`."""
    return next((kind for is_kind, kind in _KINDS if is_kind(status.st_mode)), "neither a file nor a folder")


def is_there(path: Path) -> bool:
    """Return whether a name is taken in its folder, by anything, a link to nowhere included.

    Raises:
        InputError: The path cannot be reached.
    """
    return path_status(path, follow=False) is not None


def require_file(path: Path, status: os.stat_result | None) -> None:
    """Raise an error unless a status is that of a regular file.

    Args:
        path: The file.
        status: Its status: of the link itself where links are not followed, or of an open descriptor.

    Raises:
        InputError: It is missing, a link, or anything else.
    """
    if status is None:
        hint = "; a leading ~ is a name here, and only the shell makes a home of it" if str(path)[:1] == "~" else ""
        raise InputError(f"{path} is not there; needed: a file{hint}")
    if stat.S_ISLNK(status.st_mode):
        raise InputError(
            f"{path} is a symbolic link; needed: a plain file, as links inside a study's folder are not followed. "
            "Replace the link by a copy of its file."
        )
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is {kind_of(status)}; needed: a file")


def open_file(path: Path, *, follow: bool = False) -> BufferedReader:
    """Open a regular file for reading, without waiting for anything else.

    Args:
        path: The file.
        follow: Whether it may be a link: True for a file that the user names, False for one of a study's folder.

    Raises:
        InputError: It is missing, not a regular file, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | NO_WAIT | (0 if follow else NO_FOLLOW))
    except (OSError, ValueError) as failure:
        require_file(path, path_status(path, follow=follow))
        raise InputError(f"{path} cannot be read: {_reason(failure)}; needed: a file that can be read") from failure
    try:
        require_file(path, os.fstat(descriptor))
    except InputError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_file(path: Path, *, follow: bool = False, most: int | None = None) -> bytes:
    """Return the content of a regular file.

    Args:
        path: The file.
        follow: Whether it may be a link, as for :func:`open_file`.
        most: Largest size that is read, in bytes; None for any.

    Raises:
        InputError: It is missing, not a regular file, too large, or cannot be read.
    """
    with open_file(path, follow=follow) as file:
        try:
            content = file.read() if most is None else file.read(most + 1)
        except OSError as failure:
            raise InputError(f"{path} cannot be read: {_reason(failure)}; needed: a file that can be read") from failure
        size = os.fstat(file.fileno()).st_size
    if most is not None and len(content) > most:
        raise InputError(f"{path} has {size:,} bytes; needed: at most {most:,}")
    return content


def file_sha256(path: Path, *, follow: bool = False) -> str:
    """Return the SHA-256 of a file, as ``sha256sum`` prints it.

    Args:
        path: The file.
        follow: Whether it may be a link, as for :func:`open_file`.

    Raises:
        InputError: It is missing, not a regular file, or cannot be read.
    """
    with open_file(path, follow=follow) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder, as after a file in it was renamed.

    Raises:
        OSError: The disk is broken, or the folder is not there.
    """
    if os.name == "nt":  # Windows cannot open a folder, and needs no such sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def name_text(name: str) -> str:
    r"""Return a name as text that can be stored: bytes that are not UTF-8 as \xNN, halves of surrogate pairs as \uNNNN.

    Example:
        >>> print(name_text("caf\udce9"), name_text("café"), name_text("\ud800"))
        caf\xe9 café \ud800
    """
    return _SURROGATE.sub(_escape, name)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def is_text(name: str) -> bool:
    """Return whether a name, or a text of the command line, is UTF-8, so that a document can hold it."""
    return _SURROGATE.search(name) is None


def _reason(failure: Exception) -> str:
    return (failure.strerror if isinstance(failure, OSError) else None) or str(failure)
