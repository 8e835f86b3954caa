"""Thinking of finished traces as token ids, from which later rungs are forked.

One line per finished trace, beside the Inspect logs, where the model's text is. Token ids and not text, because
tokenizing text again need not give the original tokens. A trace is written here before it is written to the
journal, so that every trace of the journal can be forked again.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from overthink.data.missing_rungs import TraceKey
from overthink.storage.jsonl import LineFile, read_typed_lines

_THOUGHTS_HEADER = {"overthink.thoughts": 2}
_THOUGHT = TypeAdapter(tuple[str, str, str, int, tuple[int, ...]])


class Thoughts(LineFile):
    """An append-only file of thinking token ids. Use it as a context manager, or close it.

    Args:
        path: The file; created if missing.

    Raises:
        InputError: The file is of another kind or version, or cannot be written to.
        StoppedError: The disk is full.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _THOUGHTS_HEADER)

    def append(self, trace: TraceKey, ids: Sequence[int]) -> None:
        """Store the token ids of one trace's thinking; on the disk when this returns.

        Raises:
            StoppedError: The disk is full.
        """
        self.write([*trace, list(ids)])


def read_thoughts(path: Path) -> dict[TraceKey, tuple[int, ...]]:
    """Token ids by trace; where a trace was tried twice, the later. Empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    if not path.is_file():
        return {}
    return {
        (task, arm, question, draw): ids
        for _, (task, arm, question, draw, ids) in read_typed_lines(path, _THOUGHTS_HEADER, _THOUGHT)
    }
