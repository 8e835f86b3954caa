"""Samples that count by a rule: those with an error, those marked as invalid, and those that are not in the log."""

from dataclasses import dataclass
from typing import Literal

from overthink.errors import InputError

Errored = Literal["inspect", "set-aside", "wrong"]
"""What a sample with an error counts as: what its score says if it has one, as in Inspect; nothing; or, on the
capability axis, as wrong where it has no score."""

Invalid = Literal["set-aside", "count"]
"""What a sample that the evaluator marked as invalid counts as: nothing, or what its score says."""

ERRORED: tuple[Errored, ...] = ("inspect", "set-aside", "wrong")
INVALID: tuple[Invalid, ...] = ("set-aside", "count")


@dataclass(frozen=True, slots=True)
class SampleRules:
    """The rules for samples with an error and for invalid ones.

    Attributes:
        errored: What a sample with an error counts as.
        invalid: What a sample that is marked as invalid counts as.

    Raises:
        InputError: A word is unknown.
    """

    errored: Errored = "inspect"
    invalid: Invalid = "set-aside"

    def __post_init__(self) -> None:
        words: tuple[tuple[str, str, tuple[str, ...]], ...] = (
            ("errored", self.errored, ERRORED),
            ("invalid", self.invalid, INVALID),
        )
        for name, word, choices in words:
            if word not in choices:
                raise InputError(f"unknown --{name} {word!r}; needed: {' | '.join(choices)}")


BY_DEFAULT = SampleRules()
"""Errors as in Inspect, and no invalid sample."""
