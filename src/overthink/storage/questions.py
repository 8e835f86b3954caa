"""``questions.json``: the questions of a study, so that a resumed study uses the same ones."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from overthink.data.asked_question import StudyQuestion
from overthink.storage.json_documents import read_typed, write_typed

QUESTIONS_SCHEMA = "overthink.questions/1"

Questions = Mapping[str, tuple[StudyQuestion, ...]]
"""By task, as the pool names it: its questions, in order of sampling."""

_QUESTIONS: TypeAdapter[dict[str, dict[str, tuple[StudyQuestion, ...]]]] = TypeAdapter(
    dict[str, dict[str, tuple[StudyQuestion, ...]]]
)


def write_questions(path: Path, questions: Questions) -> None:
    """Write the questions atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, QUESTIONS_SCHEMA, _QUESTIONS, {"tasks": dict(questions)})


def read_questions(path: Path) -> Questions:
    """Read the questions of the study; empty where no run has begun.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    document = read_typed(path, QUESTIONS_SCHEMA, _QUESTIONS)
    return {} if document is None else document["tasks"]
