"""The journal: finished traces, appended one by one while a study runs, so that no finished trace is lost.

One line of JSON per trace (:mod:`overthink.storage.jsonl`), synced to the disk before :meth:`Journal.append` returns.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from overthink.data.record import POOL_VERSION, RungRecord
from overthink.errors import InputError
from overthink.storage.json_documents import finite
from overthink.storage.jsonl import LineFile, read_lines, read_typed_lines

_HEADER = {"overthink.journal": POOL_VERSION}
_TRACE = TypeAdapter(tuple[RungRecord, ...])
_HAS_ERROR = b'"error":"'  # in a text the quotes would be escaped


class Journal(LineFile):
    """An append-only file of traces. Use it as a context manager, or close it.

    Opening one that exists checks its header and cuts off a torn last line.

    Args:
        path: The file; created if missing.

    Raises:
        InputError: The file is no journal, is of another version, or cannot be written to.
        StoppedError: The disk is full.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _HEADER)

    def append(self, trace: Sequence[RungRecord]) -> None:
        """Store all rung records of one finished trace; on the disk when this returns.

        Raises:
            StoppedError: The disk is full.
        """
        self.write([finite(dataclasses.asdict(record)) for record in trace])


def read_journal(path: Path) -> list[tuple[RungRecord, ...]]:
    """All traces in the order they were finished, without opening the journal for writing.

    Raises:
        InputError: The file is missing, is no journal, is of another version, or is damaged before its
            last line.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there; needed: the journal of a study that was started")
    return [trace for _, trace in read_typed_lines(path, _HEADER, _TRACE)]


def has_failures(path: Path) -> bool:
    """Whether a trace of the journal failed; False without a journal. Much faster than reading the traces.

    Raises:
        InputError: The file is no journal, or is of another version.
    """
    return path.is_file() and any(_HAS_ERROR in line for _, line in read_lines(path, _HEADER))
