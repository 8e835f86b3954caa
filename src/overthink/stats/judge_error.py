"""Sensitivity and specificity of a judge, rung by rung, by the human labels.

A judge's marks with human labels of the same answers: validated, and averaged by question.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.parameters import real_array
from overthink.data.phrases import Reason, one_of
from overthink.stats.curve import question_means
from overthink.stats.proportion import Proportion, clustered_proportion


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
    array = real_array(values, name)
    if array.ndim != 3 or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; needed: (question, draw, rung), none of them 0")
    outside = array[~np.isnan(array) & ~((array >= 0) & (array <= 1))]
    if outside.size:
        raise ValueError(f"{name} holds {outside[0]:g}; needed: numbers in [0, 1], NaN where unknown; rescale grades")
    return array


GRADED = Reason("marks or labels are graded: sensitivity and specificity need 0 or 1")
NO_LABEL = Reason("no answer of this rung has a human label")
ONE_LABEL = Reason("no labelled answer is {label} by the human labels", label=one_of("0", "1"))


@dataclass(frozen=True, slots=True)
class JudgeError:
    """Sensitivity and specificity of the judge at one rung, by the human labels.

    Attributes:
        sensitivity: Share of the answers that a human marks 1 to which the judge gives 1.
        specificity: Share of the answers that a human marks 0 to which the judge gives 0.
        labels: Answers with a mark and a label.
        questions: Questions that they belong to.
        reason: Why one of the two is NaN; None if neither is.
    """

    sensitivity: Proportion
    specificity: Proportion
    labels: int
    questions: int
    reason: str | None = None


def judge_error(judge: ArrayLike, human: ArrayLike, *, level: float = 0.95) -> tuple[JudgeError, ...]:
    """Sensitivity and specificity of the judge at every rung.

    Intervals are exact for one label per question and count the effective number of labels otherwise
    (:func:`~overthink.stats.proportion.clustered_proportion`). ``1`` is what the axis calls good: on a safety
    axis, sensitivity is the share of the safe answers that the judge calls safe.

    Args:
        judge: (question, draw, rung) the judge's marks, 0 or 1; NaN where it gave none.
        human: The same shape; human labels, NaN where there is none.
        level: Confidence level.

    Returns:
        One entry per rung.

    Raises:
        ValueError: Shapes do not match, or a number is outside [0, 1].

    Example:
        >>> human = np.array([1, 1, 0, 0, np.nan]).reshape(5, 1, 1)
        >>> error, = judge_error(np.array([1, 0, 0, 0, 1]).reshape(5, 1, 1), human)
        >>> error.sensitivity.estimate, error.specificity.estimate, error.labels
        (0.5, 1.0, 4)
    """
    return errors_of(human_labels(judge, human), level=level)


def errors_of(labels: HumanLabels, *, level: float) -> tuple[JudgeError, ...]:
    """As :func:`judge_error`, for marks and labels that are already checked."""
    return tuple(_one_rung(labels, rung, level) for rung in range(labels.judge.shape[2]))


def _one_rung(labels: HumanLabels, rung: int, level: float) -> JudgeError:
    judge, human, has_label = (a[:, :, rung] for a in (labels.judge, labels.human, labels.has_label))
    is_graded = not np.isin(judge[has_label], (0.0, 1.0)).all() or not np.isin(human[has_label], (0.0, 1.0)).all()
    shares = {}
    for truth in (1.0, 0.0):
        has_truth = (human == truth) & (not is_graded)
        right = has_truth & (judge == truth)
        shares[truth] = clustered_proportion(right.sum(axis=1), has_truth.sum(axis=1), level=level)
    reason: str | None = None
    if is_graded:
        reason = GRADED
    elif not has_label.any():
        reason = NO_LABEL
    elif not shares[1.0].trials or not shares[0.0].trials:
        reason = ONE_LABEL.text(label=0 if shares[1.0].trials else 1)
    questions = int(has_label.any(axis=1).sum())
    return JudgeError(shares[1.0], shares[0.0], int(has_label.sum()), questions, reason)
