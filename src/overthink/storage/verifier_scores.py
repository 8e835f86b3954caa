"""A verifier's scores on the disk: ``verified.jsonl`` during scoring, ``verified.json`` when all are complete."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from overthink.data.verifier_scores import AnswerKey, AnswerScore, VerifierRun
from overthink.errors import InputError
from overthink.storage.json_documents import read_typed, write_document
from overthink.storage.jsonl import JsonLines, SettingLines

VERIFIED_SCHEMA = "overthink.verified/1"

_HEADER = {"overthink.verified": 1}
_VERIFIED = TypeAdapter(VerifierRun)
_SCORE = TypeAdapter(AnswerScore)


class ScoreFile(SettingLines[AnswerScore]):
    """An append-only file of scores, with the verifier in the line after the header.

    Args:
        path: The file; created when it is opened.
        verifier: The verifier and its settings.
    """

    def __init__(self, path: Path, verifier: VerifierRun) -> None:
        super().__init__(path, _HEADER, _SCORE, _fields(verifier))


def scores_by(path: Path) -> VerifierRun | None:
    """Read the verifier of a file of scores; None where there is no such file, or it is empty.

    Raises:
        InputError: The file is of another kind or version, or damaged.
    """
    return next((verifier for _, verifier in JsonLines(path, _HEADER, _VERIFIED).read()), None)


def read_scores(path: Path) -> dict[AnswerKey, AnswerScore]:
    """Read all scores of a file, by answer; empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    scores = {}
    for number, score in JsonLines(path, _HEADER, _SCORE).read(skip=1):
        if (score.score is not None and not 0 <= score.score <= 1) or (score.tokens or 0) < 0:
            seen = f"score is {score.score}, tokens {score.tokens}"
            raise InputError(f"{path}, line {number}: {seen}; needed: a score from 0 to 1, and tokens from 0")
        scores[score.place] = score
    return scores


def write_verified(path: Path, verifier: VerifierRun) -> None:
    """Write verified.json atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_document(path, VERIFIED_SCHEMA, _fields(verifier))


def _fields(verifier: VerifierRun) -> dict[str, Any]:
    """Return the verifier as stored; the hash of its file only where there is one."""
    fields: dict[str, Any] = _VERIFIED.dump_python(verifier, mode="json")
    return {name: value for name, value in fields.items() if name != "file_sha256" or value is not None}


def read_verified(path: Path) -> VerifierRun | None:
    """Read verified.json; None where no verifier has scored all answers.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    run = read_typed(path, VERIFIED_SCHEMA, _VERIFIED)
    if run is not None and min(run.gaps.values(), default=0) < 0:
        raise InputError(f"{path}: gaps holds {min(run.gaps.values())}; needed: counts from 0")
    return run
