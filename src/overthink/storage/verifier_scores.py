"""A verifier's scores on the disk: ``verified.jsonl`` during scoring, ``verified.json`` when all are complete."""

from pathlib import Path

from pydantic import TypeAdapter

from overthink.data.verifier_scores import AnswerKey, AnswerScore, VerifierRun
from overthink.storage.json_documents import read_typed, write_typed
from overthink.storage.jsonl import LineFile, read_typed_lines

VERIFIED_SCHEMA = "overthink.verified/1"

_HEADER = {"overthink.verified": 1}
_VERIFIED = TypeAdapter(VerifierRun)
_SCORE = TypeAdapter(AnswerScore)


class ScoreFile(LineFile):
    """An append-only file of scores, with the verifier in its first line. Use it as a context manager, or close it.

    Args:
        path: The file; created if missing.
        verified: The verifier and its settings.

    Raises:
        InputError: The file is of another kind or version, or cannot be written to.
        StoppedError: The disk is full.
    """

    def __init__(self, path: Path, verifier: VerifierRun) -> None:
        is_new = scores_by(path) is None
        super().__init__(path, _HEADER)
        if is_new:
            self.write(_VERIFIED.dump_python(verifier, mode="json"))

    def append(self, score: AnswerScore) -> None:
        """Store one score; on the disk when this returns.

        Raises:
            StoppedError: The disk is full.
        """
        self.write(_SCORE.dump_python(score, mode="json"))


def scores_by(path: Path) -> VerifierRun | None:
    """Read the verifier of a file of scores; None where there is no such file, or it is empty.

    Raises:
        InputError: The file is of another kind or version, or damaged.
    """
    if not path.is_file():
        return None
    return next((verifier for _, verifier in read_typed_lines(path, _HEADER, _VERIFIED)), None)


def read_scores(path: Path) -> dict[AnswerKey, AnswerScore]:
    """Read all scores of a file, by answer; empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    if not path.is_file():
        return {}
    return {score.place: score for _, score in read_typed_lines(path, _HEADER, _SCORE, behind=2)}


def write_verified(path: Path, verifier: VerifierRun) -> None:
    """Write verified.json atomically.

    Raises:
        StoppedError: The disk is full.
    """
    write_typed(path, VERIFIED_SCHEMA, _VERIFIED, verifier)


def read_verified(path: Path) -> VerifierRun | None:
    """Read verified.json; None where no verifier has scored all answers.

    Raises:
        InputError: The file is of another or a newer schema, or damaged.
    """
    return read_typed(path, VERIFIED_SCHEMA, _VERIFIED)
