"""A verifier's scores on the disk: ``verified.jsonl`` while they are paid for, ``verified.json`` when all are there."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from overthink.core.verified import AnswerScore, Place, Verified
from overthink.errors import InputError
from overthink.store.atomic import write_text
from overthink.store.documents import all_faults, read_document
from overthink.store.lines import LineFile, read_lines

VERIFIED_SCHEMA = "overthink.verified/1"

_HEADER = {"overthink.verified": 1}
_VERIFIED = TypeAdapter(Verified)
_SCORE = TypeAdapter(AnswerScore)


class ScoreFile(LineFile):
    """An append-only file of scores, whose first line says who gives them. Use it as a context manager, or close it.

    Args:
        path: The file; made where it is not there.
        verified: Who scores, and how.

    Raises:
        InputError: The file is of another kind or version, or cannot be written to.
        StoppedError: The disk is full.
    """

    def __init__(self, path: Path, verified: Verified) -> None:
        is_new = scores_by(path) is None
        super().__init__(path, _HEADER)
        if is_new:
            self.write(_VERIFIED.dump_python(verified, mode="json"))

    def append(self, score: AnswerScore) -> None:
        """Store one score; on the disk when this returns.

        Raises:
            StoppedError: The disk is full.
        """
        self.write(_SCORE.dump_python(score, mode="json"))


def scores_by(path: Path) -> Verified | None:
    """Who gives the scores of a file; None where there is no such file, or nothing in it yet.

    Raises:
        InputError: The file is of another kind or version, or damaged.
    """
    if not path.is_file():
        return None
    for number, line in read_lines(path, _HEADER):
        try:
            return _VERIFIED.validate_json(line)
        except ValidationError as failure:
            raise InputError(f"{path}, line {number}, is damaged:\n{all_faults(failure)}") from failure
    return None


def read_scores(path: Path) -> dict[Place, AnswerScore]:
    """All scores of a file, by answer; empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    scores: dict[Place, AnswerScore] = {}
    if not path.is_file():
        return scores
    for number, line in list(read_lines(path, _HEADER))[1:]:
        try:
            score = _SCORE.validate_json(line)
        except ValidationError as failure:
            raise InputError(f"{path}, line {number}, is damaged:\n{all_faults(failure)}") from failure
        scores[score.place] = score
    return scores


def write_verified(path: Path, verified: Verified) -> None:
    """Write verified.json, whole or not at all.

    Raises:
        StoppedError: The disk is full.
    """
    document = {"schema": VERIFIED_SCHEMA} | _VERIFIED.dump_python(verified, mode="json")
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_verified(path: Path) -> Verified | None:
    """Read verified.json; None where no verifier has scored all answers.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    if not path.exists():
        return None
    document = read_document(path, VERIFIED_SCHEMA)
    try:
        return _VERIFIED.validate_python({name: value for name, value in document.items() if name != "schema"})
    except ValidationError as failure:
        raise InputError(f"{path} tells of no scores this version can read:\n{all_faults(failure)}") from failure
