"""A judge's marks with human labels of the same answers: validated, and averaged by question."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.stats.curve import question_means


@dataclass(frozen=True, slots=True, eq=False)
class HumanLabels:
    """Judge's marks and human labels of the same answers.

    Attributes:
        judge: (question, draw, rung) the judge's marks; NaN where it gave none.
        human: (question, draw, rung) human labels; NaN where there is none, or no mark to compare it with.
    """

    judge: NDArray[np.float64]
    human: NDArray[np.float64]

    @property
    def has_label(self) -> NDArray[np.bool_]:
        """(question, draw, rung) where both are known."""
        return ~np.isnan(self.human)

    def by_question(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Means over draws, three of (question, rung): marks; labels; marks of the labelled answers."""
        labelled_marks = np.where(self.has_label, self.judge, np.nan)
        return question_means(self.judge), question_means(self.human), question_means(labelled_marks)


def human_labels(judge: ArrayLike, human: ArrayLike) -> HumanLabels:
    """Validate marks and labels and pair them.

    Args:
        judge: (question, draw, rung) in [0, 1]; NaN where there is no mark.
        human: The same shape and range; NaN where there is no label.

    Returns:
        Both, without the labels of answers that the judge did not mark.

    Raises:
        ValueError: The shapes differ or have not three axes, an axis is empty, or a number is outside [0, 1].
    """
    marks, labels = (_check_table(a, name) for a, name in ((judge, "judge"), (human, "human")))
    if marks.shape != labels.shape:
        raise ValueError(f"judge has shape {marks.shape}, human {labels.shape}; needed: the same shape")
    return HumanLabels(judge=marks, human=np.where(np.isnan(marks), np.nan, labels))


def _check_table(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    if array.ndim != 3 or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; needed: (question, draw, rung), none of them 0")
    outside = array[~np.isnan(array) & ~((array >= 0) & (array <= 1))]
    if outside.size:
        raise ValueError(f"{name} holds {outside[0]:g}; needed: numbers in [0, 1], NaN where unknown; rescale grades")
    return array
