"""A shard's folder sent as bytes, where driver and worker share no file system.

Files that grow by lines are sent as far as they have grown, so that whoever receives them has a journal to go on from;
logs and tables are sent whole, once they are finished.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from overthink.errors import InputError
from overthink.paths import is_there
from overthink.storage.files import open_append, replacing, storage_errors
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import LOCK_FILE

_LINES = ".jsonl"
"""Files that grow by whole lines."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file.

    Attributes:
        path: Path of the file, from its folder.
        start: Where the part begins; None where it is the whole file.
        content: The part.
    """

    path: str
    start: int | None
    content: bytes


class FolderSender:
    """Reads what a folder has gained since it was read before.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = StudyFolder(folder)
        self._sent: dict[Path, tuple[int, int]] = {}

    def news(self, *, is_final: bool) -> Iterator[Piece]:
        """Yield the parts that are new.

        What tries have taken is read first, and whole, as it is written anew from time to time: a try that ends before
        the journal is read has its rows there. The journal is next: what else belongs to a trace was written before it.

        Args:
            is_final: Nothing writes any more: logs are sent, too.
        """
        tries, journal = self._folder.unfinished, self._folder.journal
        files = sorted(self._folder.path.rglob("*"), key=lambda path: (path != tries, path != journal))
        for path in files:
            name = path.name
            is_log = self._folder.logs in path.parents and not name.endswith(_LINES)
            if not path.is_file() or name == LOCK_FILE or name.startswith(".") or (is_log and not is_final):
                continue
            status = path.stat()
            size, changed = self._sent.get(path, (0, 0))
            if (status.st_size, status.st_mtime_ns) == (size, changed):
                continue
            where = path.relative_to(self._folder.path).as_posix()
            content = path.read_bytes()
            if name.endswith(_LINES) and path != tries and len(content) >= size:
                content = content[size : content.rfind(b"\n") + 1]
                self._sent[path] = size + len(content), status.st_mtime_ns
                yield Piece(where, size, content)
            else:
                self._sent[path] = len(content), status.st_mtime_ns
                yield Piece(where, None, content)


def store_pieces(folder: Path, pieces: Iterable[Piece]) -> None:
    """Store parts of files in a folder; a part that is stored again changes nothing.

    Raises:
        InputError: A part does not belong into the folder, or behind what is there.
        StoppedError: The disk is full.
    """
    for piece in pieces:
        place = PurePosixPath(piece.path)
        if place.is_absolute() or ".." in place.parts:
            raise InputError(f"{piece.path[:200]!r} is outside of {folder}; needed: a file in it")
        path = folder / place
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        if piece.start is None:
            with replacing(path) as file:
                file.write(piece.content)
            continue
        length = path.stat().st_size if is_there(path) else 0
        if length < piece.start:
            raise InputError(f"{path} has {length} bytes, and a part begins at {piece.start}; needed: one behind it")
        with storage_errors(path), open_append(path) as lines:
            lines.truncate(piece.start)
            lines.write(piece.content)
            os.fsync(lines.fileno())
