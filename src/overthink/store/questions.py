"""``questions.json``: which questions a study asks, so that it asks the same ones when it goes on."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from overthink.core.asked_question import AskedQuestion
from overthink.store.documents import read_typed, write_typed

QUESTIONS_SCHEMA = "overthink.questions/1"

Questions = Mapping[str, tuple[AskedQuestion, ...]]
"""By task, as the pool names it: its questions, in the order in which they are asked."""

_QUESTIONS: TypeAdapter[dict[str, dict[str, tuple[AskedQuestion, ...]]]] = TypeAdapter(
    dict[str, dict[str, tuple[AskedQuestion, ...]]]
)


def write_questions(path: Path, questions: Questions) -> None:
    """Write the questions, whole or not at all.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, QUESTIONS_SCHEMA, _QUESTIONS, {"tasks": dict(questions)})


def read_questions(path: Path) -> Questions:
    """The questions that the study asks; empty where no run has begun.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    told = read_typed(path, QUESTIONS_SCHEMA, _QUESTIONS)
    return {} if told is None else told["tasks"]
