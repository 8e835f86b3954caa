"""What a folder says of shards.

``shard.json``: which shard of its study a folder holds, and how far its run had come; written before the first trace.

``merged.json``: the shards that a merged study was made of, in the order in which they were named.

A shard's folder sent as bytes, where driver and worker share no file system.

Files that grow by lines are sent as far as they have grown, so that whoever receives them has a journal to go on from;
logs and tables are sent whole, once they are finished.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field, TypeAdapter

from overthink.data.shards import Shard, read_shard
from overthink.errors import InputError
from overthink.paths import is_there, path_kind, path_status
from overthink.storage.files import open_append, replacing, storage_errors
from overthink.storage.json_documents import read_typed, write_typed
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import LOCK_FILE

_SHARD_SCHEMA = "overthink.shard/1"
_MERGED_SCHEMA = "overthink.merged/1"

SHARDS_SUFFIX = ".shards"
"""What the name of the folder of shards that workers collect has behind that of the study."""

_Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class ShardState:
    """The shard of a folder.

    Attributes:
        shard: Its number and the number of shards, as ``3/16``.
        command: The command line of its run; None where Python ran it.
        journal_bytes: Length of the journal when the pool of the shard was written; None before. A journal of another
            length holds other traces than the pool.
    """

    shard: str
    command: str | None = None
    journal_bytes: _Count | None = None

    @property
    def part(self) -> Shard:
        """The shard.

        Raises:
            InputError: There is no such shard.
        """
        return read_shard(self.shard)


@dataclass(frozen=True, slots=True)
class MergedShard:
    """A shard of a merged study.

    Attributes:
        path: Its folder, as it was named.
        shard: Its number and the number of shards.
        traces: Traces that the merged study has of it.
        duplicates: Its traces that a folder named before had already; they are among what was paid and not used.
    """

    path: str
    shard: str
    traces: _Count
    duplicates: _Count


@dataclass(frozen=True, slots=True)
class MergedStudy:
    """How a study was merged.

    Attributes:
        shards: Its shards, in the order in which they were named.
        missing: Traces of the plan that none of them has.
    """

    shards: tuple[MergedShard, ...]
    missing: _Count


_STATE = TypeAdapter(ShardState)
_MERGED = TypeAdapter(MergedStudy)


def write_shard(path: Path, state: ShardState) -> None:
    """Write shard.json atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, _SHARD_SCHEMA, _STATE, state)


def read_shard_state(path: Path) -> ShardState | None:
    """Read shard.json; None where there is none.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    state = read_typed(path, _SHARD_SCHEMA, _STATE)
    try:
        return state if state is None or state.part else None
    except InputError as failure:
        raise InputError(f"{path}: {failure}") from failure


def is_stored(folder: StudyFolder, state: ShardState) -> bool:
    """Whether the rows of a shard are stored, and no trace came behind them."""
    return is_there(folder.shard_pool) and state.journal_bytes == journal_bytes(folder)


def journal_bytes(folder: StudyFolder) -> int:
    """Return the length of a folder's journal; 0 where there is none."""
    status = path_status(folder.journal, follow=False)
    return 0 if status is None else status.st_size


def write_merged(path: Path, merged: MergedStudy) -> None:
    """Write merged.json atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, _MERGED_SCHEMA, _MERGED, merged)


def read_merged(path: Path) -> MergedStudy | None:
    """Read merged.json; None where there is none.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    return read_typed(path, _MERGED_SCHEMA, _MERGED)


def shard_for(out: str | Path, text: str | None, *, resume: bool) -> Shard | None:
    """Return the shard that a run collects: the one that is named, or that of the folder that is resumed.

    Args:
        out: The folder.
        text: The shard that is named, as ``3/16``; None for none.
        resume: Whether a run in the folder is resumed.

    Raises:
        InputError: The text names no shard.
    """
    if text is not None or not resume:
        return None if text is None else read_shard(text)
    state = read_shard_state(StudyFolder(Path(out)).shard)
    return None if state is None else state.part


def check_shard(folder: StudyFolder, shard: Shard | None) -> None:
    """Check that a run of this shard, or of none, may write into a folder.

    Raises:
        InputError: The folder holds another shard, a study that is no shard, or a merged study.
    """
    if is_there(folder.merged):
        raise InputError(
            f"{folder.path} holds a study that was merged of shards; go on with its shards, each in its own folder, "
            "then merge them again"
        )
    state = read_shard_state(folder.shard)
    if state is None and shard is not None and folder.is_study():
        raise InputError(
            f"{folder.path} holds a study that is no shard; shard {shard} needs a folder of its own: another --out"
        )
    if state is not None and state.part != shard:
        seen = "all questions were asked for" if shard is None else f"shard {shard} was asked for"
        raise InputError(
            f"{folder.path} holds shard {state.shard}, and {seen}. Go on with --shard {state.shard} --resume, or give "
            "another --out: every shard has a folder of its own."
        )


def begin_shard(folder: StudyFolder, shard: Shard, command: str | None) -> None:
    """Store which shard the folder holds, before its first trace; an earlier command stays where there is none now."""
    earlier = read_shard_state(folder.shard)
    if command is None and earlier is not None:
        command = earlier.command
    length = None if earlier is None else earlier.journal_bytes
    write_shard(folder.shard, ShardState(str(shard), command, length))


def shards_folder(out: Path) -> Path:
    """Return the folder of the shards that workers collect: beside the study, which a merge replaces as a whole."""
    out = Path(os.path.realpath(out))
    return out.with_name(out.name + SHARDS_SUFFIX)


def shard_folders(top: Path) -> dict[Shard, StudyFolder]:
    """Return the folders of the shards that workers collect, by shard; empty where there are none.

    Args:
        top: The folder of the shards.

    Raises:
        InputError: The folder cannot be read, or they are of several numbers of shards.
    """
    if path_kind(top) != "a folder":
        return {}
    with storage_errors(top):
        names = sorted(path.name for path in top.iterdir() if path.name.count("-of-") == 1)
    shards = {read_shard(name.replace("-of-", "/")): StudyFolder(top / name) for name in names}
    if len({shard.of for shard in shards}) > 1:
        raise InputError(f"{top} holds shards of several numbers: {', '.join(names)[:200]}; needed: those of one run")
    return shards


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
