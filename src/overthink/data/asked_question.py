"""Identity of a question of a study: its author's id, or the hash of its text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StudyQuestion:
    """One question of a study.

    Attributes:
        id: Its id in the study.
        has_own_id: Whether the author gave the id; else it is the question's position in the first run.
        sha256: Hash of its text.
    """

    id: int | str
    has_own_id: bool
    sha256: str
