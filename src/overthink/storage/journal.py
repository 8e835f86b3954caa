"""The journal: finished traces, appended one by one while a study runs, so that no finished trace is lost.

One line of JSON per trace (:mod:`overthink.storage.jsonl`), synced to the disk before :meth:`Journal.append` returns.

``unfinished.jsonl``: token usage of traces that were interrupted when a run was stopped, appended one by one.

A trace that is in the journal is not here. A kill -9 leaves no time to write, and loses traces in progress; a full
disk mostly has room left for a line, since the file exists from the beginning.

Thinking of finished traces as token ids, from which later rungs are forked.

One line per finished trace, beside the Inspect logs, where the model's text is. Token ids and not text, because
tokenizing text again need not give the original tokens. A trace is written here before it is written to the
journal, so that every trace of the journal can be forked again.

``waves.jsonl``: number of draws of each question, by wave; a wave is on the disk before its first draw.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt, TypeAdapter

from overthink.data.missing_rungs import TraceKey
from overthink.data.record import POOL_VERSION, RungRecord
from overthink.data.tokens import UNDIVIDED, CutShort, TokenUsage
from overthink.data.waves import DrawCounts, Waves
from overthink.errors import InputError
from overthink.storage.files import replacing
from overthink.storage.json_documents import finite
from overthink.storage.jsonl import LineFile, as_line, read_lines, read_typed_lines

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


_UNFINISHED_HEADER = {"overthink.unfinished": 1}
_CUT_SHORT = TypeAdapter(CutShort)
_UNSTORED = {"paid": {field.name for field in dataclasses.fields(TokenUsage)} - set(UNDIVIDED)}


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
        self.write(_CUT_SHORT.dump_python(trace, mode="json", exclude=_UNSTORED))


def write_unfinished(path: Path, traces: Iterable[CutShort]) -> None:
    """Write the whole file atomically: for studies whose logs give all of it again.

    Raises:
        StoppedError: The disk is full.
    """
    lines = [_UNFINISHED_HEADER, *(_CUT_SHORT.dump_python(trace, mode="json", exclude=_UNSTORED) for trace in traces)]
    with replacing(path) as scratch:
        scratch.write_bytes(b"".join(map(as_line, lines)))


def read_unfinished(path: Path) -> list[CutShort]:
    """Read the interrupted traces in order of interruption; empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    return [trace for _, trace in read_typed_lines(path, _UNFINISHED_HEADER, _CUT_SHORT)] if path.is_file() else []


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


_WAVES_HEADER = {"overthink.waves": 1}


class _Wave(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    draws: dict[str, PositiveInt]


_WAVE = TypeAdapter(_Wave)


class WaveFile(LineFile):
    """An append-only file of waves. Use it as a context manager, or close it.

    Args:
        path: The file; created if missing.

    Raises:
        InputError: The file is of another kind or version, or cannot be written to.
        StoppedError: The disk is full.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, _WAVES_HEADER)

    def append(self, task: str, questions: Sequence[str], counts: DrawCounts) -> None:
        """Store the next wave of a task: its draws of each question; on the disk when this returns.

        Raises:
            StoppedError: The disk is full.
        """
        self.write({"task": task, "draws": dict(zip(questions, counts.tolist(), strict=True))})


def read_waves(path: Path) -> dict[str, Waves]:
    """Read all waves by task; empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    waves_by_task: dict[str, Waves] = {}
    if not path.exists():
        return waves_by_task
    for number, wave in read_typed_lines(path, _WAVES_HEADER, _WAVE):
        try:
            before = waves_by_task.get(wave.task)
            questions = tuple(wave.draws) if before is None else before.questions
            counts = np.array([wave.draws[name] for name in questions], dtype=np.int64)
            if len(wave.draws) > len(questions):
                raise ValueError("it holds questions that the first wave does not")
            waves_by_task[wave.task] = Waves(questions, counts[None, :]) if before is None else before.with_wave(counts)
        except (KeyError, ValueError) as failure:
            raise InputError(f"{path}, line {number}, does not fit the waves before it: {failure}") from failure
    return waves_by_task
