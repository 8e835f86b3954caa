"""What tries of traces take while a run goes on, in ``unfinished.jsonl``: before and behind every request.

The last line of a try is what it has taken. A try that is killed has it there, with its requests that no answer came
for. One that ends with rows has these in the journal, behind the place where it began; so nothing has to be written at
its end, and there is no moment at which a kill would count it twice or not at all. Lines are not synced: a kill leaves
them, and a loss of power may take those of the last seconds.
"""

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from overthink.data.missing_rungs import TraceKey
from overthink.data.record import RungRecord
from overthink.data.tokens import NO_USAGE, CutShort
from overthink.errors import StoppedError
from overthink.storage.journal import TryState, read_unfinished, try_file, unfinished_file
from overthink.storage.jsonl import JsonLines

BYTES_BETWEEN = 2**20
"""Length of the lines of tries in flight behind which the file is written anew, without those of finished traces."""


class TryFile:
    """The file of tries, open while a run writes to it.

    Opening it ends the tries that a killed run has left in flight. At the end of the block it has one line for every
    try without rows.

    Args:
        path: The file.
        journal: The journal beside it, open.

    Raises:
        InputError: On opening: the file or the journal is damaged.
        StoppedError: On opening: the disk is full.
    """

    def __init__(self, path: Path, journal: JsonLines[tuple[RungRecord, ...]]) -> None:
        self._path, self._journal = path, journal
        self._without_rows: list[CutShort] = []
        self._in_flight: dict[TraceKey, TryState] = {}
        self._file = try_file(path)
        self._begin = 0

    def __enter__(self) -> Self:
        self._without_rows = read_unfinished(self._path)
        with self._file:  # refuses links before the file is replaced
            pass
        self._write_anew()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(None, None, None)
        with suppress(StoppedError):  # a full disk: the file says the same as it is
            unfinished_file(self._path).replace(self._tries())

    def update(self, usage: CutShort) -> None:
        """Store what a try in flight has taken so far.

        On a full disk nothing is stored: the journal, which is written next, ends the run.

        Args:
            usage: Its usage, with the requests that have no answer yet.
        """
        earlier = self._in_flight.get(usage.key)
        begin = self._journal.length if earlier is None else earlier.journal_bytes
        state = TryState(*usage.key, usage.paid, usage.unanswered, begin)
        if earlier == state:
            return
        self._in_flight[usage.key] = state
        with suppress(StoppedError):
            self._file.append(state)
            if self._file.length - self._begin > BYTES_BETWEEN:
                self._write_anew()

    def end(self, usage: CutShort) -> None:
        """Store what a try took in all that ends without rows; one whose rows are stored is left out."""
        if self._in_flight.pop(usage.key, None) is None or (usage.paid == NO_USAGE and not usage.unanswered):
            return
        self._without_rows.append(usage)
        with suppress(StoppedError):
            self._file.append(TryState(*usage.key, usage.paid, usage.unanswered))

    def finish(self, key: TraceKey) -> None:
        """Leave out the try of a trace whose rows are in the journal now."""
        self._in_flight.pop(key, None)

    def _tries(self) -> list[CutShort]:
        return [*self._without_rows, *(state.usage() for state in self._in_flight.values())]

    def _write_anew(self) -> None:
        self._file.__exit__(None, None, None)
        tries = (TryState(*usage.key, usage.paid, usage.unanswered) for usage in self._without_rows)
        self._file = try_file(self._path)
        self._file.replace([*tries, *self._in_flight.values()])
        self._file.__enter__()
        self._begin = self._file.length
