"""``unfinished.jsonl``: token usage of traces that were interrupted when a run was stopped, appended one by one.

A trace that is in the journal is not here. A kill -9 leaves no time to write, and loses traces in progress; a full
disk mostly has room left for a line, since the file exists from the beginning.
"""

from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter

from overthink.data.cut_short import CutShort
from overthink.storage.files import replacing
from overthink.storage.jsonl import LineFile, as_line, read_typed_lines

_UNFINISHED_HEADER = {"overthink.unfinished": 1}
_CUT_SHORT = TypeAdapter(CutShort)


class Unfinished(LineFile):
    """An append-only file of interrupted traces. Use it as a context manager, or close it.

    Args:
        path: The file; created if missing.

    Raises:
        InputError: The file is of another kind or version, or cannot be written to.
        StoppedError: The disk is full.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _UNFINISHED_HEADER)

    def append(self, trace: CutShort) -> None:
        """Store the token usage of one trace; on the disk when this returns.

        Raises:
            StoppedError: The disk is full.
        """
        self.write(_CUT_SHORT.dump_python(trace, mode="json"))


def write_unfinished(path: Path, traces: Iterable[CutShort]) -> None:
    """Write the whole file atomically: for studies whose logs give all of it again.

    Raises:
        StoppedError: The disk is full.
    """
    lines = [_UNFINISHED_HEADER, *(_CUT_SHORT.dump_python(trace, mode="json") for trace in traces)]
    with replacing(path) as scratch:
        scratch.write_bytes(b"".join(map(as_line, lines)))


def read_unfinished(path: Path) -> list[CutShort]:
    """Read the interrupted traces in order of interruption; empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    return [trace for _, trace in read_typed_lines(path, _UNFINISHED_HEADER, _CUT_SHORT)] if path.is_file() else []
