"""One process per study: a lock that the operating system releases when its process ends, in any way."""

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overthink.errors import InputError
from overthink.storage.files import storage_errors

LOCK_FILE = ".lock"
"""Name of the lock file in a study's folder. It stays there; the lock on it counts, not that it exists."""

_LOCK_HELD_ERRORS = {errno.EWOULDBLOCK, errno.EACCES}


@contextmanager
def study_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the study's folder while the block runs. The lock of a killed process is free again.

    On Windows there is no lock.

    Raises:
        InputError: Another process holds it, or the folder's file system cannot lock.
        StoppedError: The disk is full.
    """
    path = folder / LOCK_FILE
    with storage_errors(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(handle, path)
        holder = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
        with storage_errors(path):
            os.ftruncate(handle, 0)
            os.pwrite(handle, holder, 0)
        yield
    finally:
        os.close(handle)  # releases the lock


def refuse_if_held(folder: Path) -> None:
    """Raise an error if another process holds the folder. Nothing is written.

    Raises:
        InputError: Another process holds it.
    """
    path = folder / LOCK_FILE
    if not path.is_file():
        return
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _take(handle, path)
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as failure:
        if failure.errno in _LOCK_HELD_ERRORS:
            raise InputError(
                f"{path.parent} is in use: {_holder(path)} runs this study. Wait until it has finished, or stop it and "
                "go on with --resume; for a study of its own give another --out."
            ) from failure
        raise InputError(
            f"{path.parent} cannot be locked ({failure.strerror}); choose a folder on a file system that can"
        ) from failure


def _holder(path: Path) -> str:
    try:
        content = json.loads(path.read_bytes())
        return f"process {int(content['pid'])} on {str(content['host'])[:80]}"
    except (ValueError, LookupError, TypeError, OSError):
        return "another process"  # it has only just taken the lock
