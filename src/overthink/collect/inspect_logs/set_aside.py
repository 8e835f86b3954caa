"""Samples that count by a rule: with an error, marked as invalid, not in the log, or with an id that others share."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from inspect_ai.log import EvalSample

from overthink.data.visible import name_list
from overthink.errors import InputError
from overthink.paths import name_text

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


_MAX_NAMES = 10


def refuse_repeated_ids(log_name: str, samples: Sequence[EvalSample]) -> None:
    """Raise an error if two samples have one id and epoch; 1 and "1" are one id.

    Args:
        log_name: The log in the error's words.
        samples: Its samples.

    Raises:
        InputError: There are such samples.
    """
    counts = Counter((str(sample.id), sample.epoch) for sample in samples)
    repeated = list(dict.fromkeys(name for (name, _), count in counts.items() if count > 1))
    if repeated:
        n_samples = sum(count for count in counts.values() if count > 1)
        raise InputError(
            f"{log_name} holds {n_samples} samples that share an id and an epoch with another: {names_of(repeated)}; "
            "needed: an id of its own for each sample, or nothing says which question it answers. Give the samples "
            "of the dataset ids, and run it again"
        )


def names_of(names: Iterable[str]) -> str:
    """Return names as a list in a sentence, the first of many.

    Example:
        >>> names_of(["q1", "q2"])
        'q1, q2'
    """
    return name_list([name_text(name) for name in names], _MAX_NAMES)
