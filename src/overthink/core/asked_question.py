"""A question that a study asks, as it is known again: by its author's id, or by what it says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question.

    Attributes:
        id: Its id in the study.
        has_own_id: The author gave the id; else it is the question's place when it was first asked.
        sha256: Of what it says.
    """

    id: int | str
    has_own_id: bool
    sha256: str
