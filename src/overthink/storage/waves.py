"""``waves.jsonl``: number of draws of each question, by wave; a wave is on the disk before its first draw."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt, TypeAdapter

from overthink.data.waves import DrawCounts, Waves
from overthink.errors import InputError
from overthink.storage.jsonl import LineFile, read_typed_lines

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
