"""One process per study: a lock that the operating system releases when its process ends, in any way."""

import errno
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from overthink.errors import InputError
from overthink.paths import is_there, kind_of, path_status, read_file
from overthink.storage.files import storage_errors

LOCK_FILE = ".lock"
"""Name of the lock file in a study's folder. It stays there; the lock on it counts, not that it exists."""

_MAX_HOLDER_BYTES = 4096
_NO_LOCK_ERRORS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def study_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the study's folder while the block runs. The lock of a killed process is free again.

    Raises:
        InputError: Another process holds it, it is not a plain file of one name, or the folder's file system cannot
            lock.
        StoppedError: The disk is full.
    """

    def write_holder(descriptor: int) -> None:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())

    with _exclusive(folder / LOCK_FILE, write_holder):
        yield


@contextmanager
def reading_lock(folder: Path) -> Iterator[None]:
    """Keep every run from a study's folder while the block runs, without writing to it; one without a lock is free.

    Raises:
        InputError: Another process holds it, or the lock is not a plain file of one name.
    """
    path = folder / LOCK_FILE
    if not is_there(path):
        yield
        return
    with _exclusive(path, lambda descriptor: None):
        yield


def is_held(folder: Path) -> bool:
    """Whether a process runs the study of a folder now; where that cannot be told, none does."""
    from filelock import Timeout

    try:
        with reading_lock(folder):
            return False
    except InputError as failure:
        return isinstance(failure.__cause__, Timeout)


def refuse_if_held(folder: Path) -> None:
    """Raise an error if another process holds the folder. Nothing is written.

    Raises:
        InputError: Another process holds it, or the lock is not a plain file of one name.
    """
    with reading_lock(folder):
        pass


@contextmanager
def _exclusive(path: Path, on_acquired: Callable[[int], None]) -> Iterator[None]:
    from filelock import FileLock, Timeout

    def check_and_go_on(descriptor: int) -> None:
        _require_own_lock(path, os.fstat(descriptor))  # what was opened, whatever had the name before
        on_acquired(descriptor)

    lock = FileLock(  # it follows no link and truncates nothing, but opens whatever else has the name
        path,
        blocking=False,
        thread_local=False,
        preserve_lock_file=True,
        fallback_to_soft=False,
        on_acquired=check_and_go_on,
    )
    with storage_errors(path):
        try:
            if (status := path_status(path, follow=False)) is not None:
                _require_own_lock(path, status)
            lock.acquire()
        except Timeout as failure:
            raise InputError(
                f"{path.parent} is in use: {_holder(path)} runs this study. Wait until it has finished, or stop it and "
                "go on with --resume; for a study of its own give another --out."
            ) from failure
        except OSError as failure:
            if failure.errno == errno.ELOOP:  # it has become a link since
                _require_own_lock(path, os.lstat(path))
            if failure.errno in _NO_LOCK_ERRORS:
                raise InputError(
                    f"{path.parent} cannot be locked ({failure.strerror}); choose a folder on a file system that can"
                ) from failure
            raise
    try:
        yield
    finally:
        lock.release()


def _require_own_lock(path: Path, status: os.stat_result) -> None:
    kind = (
        f"a file with {status.st_nlink} names"
        if status.st_nlink > 1 and stat.S_ISREG(status.st_mode)
        else kind_of(status)
    )
    if kind != "a file":
        raise InputError(
            f"{path} is {kind}; needed: a plain file of one name, as locking writes to it. Delete it and start again: "
            "the lock file is made anew."
        )


def _holder(path: Path) -> str:
    try:
        content = json.loads(read_file(path, most=_MAX_HOLDER_BYTES))
        return f"process {int(content['pid'])} on {str(content['host'])[:80]}"
    except (ValueError, LookupError, TypeError, InputError):
        return "another process"  # it has only just taken the lock
