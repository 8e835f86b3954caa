"""Sensitivity and specificity of a judge, rung by rung, by the human labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overthink.stats.human_labels import HumanLabels, human_labels
from overthink.stats.proportion import Proportion, clustered_proportion

GRADED = "marks or labels are graded: sensitivity and specificity need 0 or 1"


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
    reason = None
    if is_graded:
        reason = GRADED
    elif not has_label.any():
        reason = "no answer of this rung has a human label"
    elif not shares[1.0].trials or not shares[0.0].trials:
        reason = f"no labelled answer is {0 if shares[1.0].trials else 1} by the human labels"
    questions = int(has_label.any(axis=1).sum())
    return JudgeError(shares[1.0], shares[0.0], int(has_label.sum()), questions, reason)
