"""Sensitivity and specificity of a judge, rung by rung, by the human labels.

A judge's marks with human labels of the same answers: validated, and averaged by question.

Judge drift: error rates of a judge that differ between rungs, which would create a spurious trend.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.parameters import real_array
from overthink.data.phrases import Phrase, Reason, number, numbers, one_of
from overthink.stats.curve import question_means
from overthink.stats.proportion import Proportion, clustered_proportion, difference_interval


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


DRIFT, NO_DRIFT, NOT_KNOWN = "drift", "no drift", "not known"

DRIFT_ALPHA = 0.05
"""Error rate of either decision."""

DRIFT_MARGIN = 0.10
"""Equivalence margin of differences of sensitivity or specificity."""

DRIFT_PERMUTATIONS = 2000

TOO_FEW_RUNGS = "fewer than two rungs have human labels"
DIFFERS = Phrase("sensitivity or specificity differs between rungs (p = {p:.3g})")
ONE_KIND = Phrase("rungs {rungs} have no label that is 1, or none that is 0", rungs=numbers("d"))
EQUIVALENT = Phrase("no two rungs differ by more than {largest:.2f}")
OPEN = Phrase(
    "no difference was found (p = {p}), but two rungs may differ by {largest:.2f}; label more answers",
    p=number(".2g", may_be_unknown=True),  # a judge that is always right, or always wrong, has no test
)
EVIDENCE = (GRADED, TOO_FEW_RUNGS, DIFFERS, ONE_KIND, EQUIVALENT, OPEN)
"""Reasons of a decision."""


@dataclass(frozen=True, slots=True)
class JudgeDrift:
    """Evidence of the labels on the judge's error across rungs.

    Attributes:
        decision: "drift" where the test finds a difference; "no drift" where every difference between two rungs is
            shown to be within the margin; else "not known".
        reason: Why, with the numbers.
        p: P-value of equal sensitivity and specificity at all rungs; NaN where it cannot be tested.
        largest: Largest absolute difference that two rungs may have, by the intervals; NaN where unknown.
        table: Sensitivity and specificity, rung by rung, with intervals at level 1 - 2·alpha.
    """

    decision: str
    reason: str
    p: float
    largest: float
    table: tuple[JudgeError, ...]


def judge_drift(
    judge: ArrayLike,
    human: ArrayLike,
    *,
    rng: np.random.Generator,
    alpha: float = DRIFT_ALPHA,
    margin: float = DRIFT_MARGIN,
) -> JudgeDrift:
    """Test whether the judge's sensitivity and specificity differ between rungs.

    *Drift*: a permutation test. Given the human label, a judge with equal error at all rungs is as often wrong at
    one as at another, so the labelled answers of a question at a rung, kept together, are dealt anew to the rungs;
    the statistic is Pearson's chi-squared, answers that are 1 and answers that are 0 added. Exact where a question is
    labelled at one rung; where it is labelled at several, errs on the side of finding no drift.

    *No drift* is never concluded from a large p: every pair of rungs must be equivalent within the margin, two
    one-sided tests each, for sensitivity and for specificity.

    Args:
        judge: (question, draw, rung) the judge's marks, 0 or 1; NaN where it gave none.
        human: The same shape; human labels, NaN where there is none.
        rng: Source of randomness.
        alpha: Error rate of either decision, in (0, 0.5).
        margin: Largest difference that counts as none, in (0, 1).

    Returns:
        The decision with its reason. With graded marks, fewer than two labelled rungs, or too few labels, it is
        "not known".

    Raises:
        ValueError: Shapes do not match, a number is outside [0, 1], or alpha or margin are out of range.
    """
    if not (0 < alpha < 0.5 and 0 < margin < 1):
        raise ValueError(f"alpha is {alpha}, margin {margin}; needed: alpha in (0, 0.5), margin in (0, 1)")
    labels = human_labels(judge, human)
    table = errors_of(labels, level=1 - 2 * alpha)
    unknown = float("nan")
    if any(rung.reason == GRADED for rung in table):
        return JudgeDrift(NOT_KNOWN, GRADED, unknown, unknown, table)
    if sum(rung.labels > 0 for rung in table) < 2:
        return JudgeDrift(NOT_KNOWN, TOO_FEW_RUNGS, unknown, unknown, table)
    p = _permutation_p(labels, rng)
    largest = _largest_difference(table)
    if p < alpha:
        return JudgeDrift(DRIFT, DIFFERS.text(p=p), p, largest, table)
    missing = [i for i, rung in enumerate(table) if rung.reason is not None]
    if missing:
        return JudgeDrift(NOT_KNOWN, ONE_KIND.text(rungs=missing), p, largest, table)
    if largest <= margin:
        return JudgeDrift(NO_DRIFT, EQUIVALENT.text(largest=largest), p, largest, table)
    return JudgeDrift(NOT_KNOWN, OPEN.text(p=p, largest=largest), p, largest, table)


def _largest_difference(table: tuple[JudgeError, ...]) -> float:
    ends = [
        abs(end)
        for first, second in combinations(table, 2)
        for a, b in ((first.sensitivity, second.sensitivity), (first.specificity, second.specificity))
        for end in difference_interval(a, b)
    ]
    return float(np.max(ends))


def _permutation_p(labels: HumanLabels, rng: np.random.Generator) -> float:
    """P-value of the sum of both statistics; NaN where the judge is always right or always wrong of a kind."""
    statistic, permuted_statistics, testable = 0.0, np.zeros(DRIFT_PERMUTATIONS), False
    for truth in (1.0, 0.0):
        has_truth = labels.human == truth
        trials = has_truth.sum(axis=1)
        wrong = (has_truth & (labels.judge != truth)).sum(axis=1)
        blocks = trials > 0
        share = wrong.sum() / max(trials.sum(), 1)
        if blocks.any(axis=0).sum() < 2 or not 0 < share < 1:
            continue
        testable = True
        rung = np.nonzero(blocks)[1]
        m, x = trials[blocks].astype(np.float64), wrong[blocks].astype(np.float64)
        rung_indicator = np.eye(blocks.shape[1])[rung][:, blocks.any(axis=0)]
        order = rng.permuted(np.tile(np.arange(len(m)), (DRIFT_PERMUTATIONS, 1)), axis=1)
        statistic += float(_chi_squared(x[None], m[None], rung_indicator, share)[0])
        permuted_statistics += _chi_squared(x[order], m[order], rung_indicator, share)
    if not testable:
        return float("nan")
    # Equal tables can differ in the last digit.
    return float((1 + (permuted_statistics >= statistic - 1e-9).sum()) / (1 + DRIFT_PERMUTATIONS))


def _chi_squared(
    wrong: NDArray[np.float64], trials: NDArray[np.float64], rung_indicator: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Pearson's statistic of equal shares of wrong marks, for each row of blocks; seats are (block, rung)."""
    n_expected = (trials @ rung_indicator) * share
    return np.asarray(((wrong @ rung_indicator - n_expected) ** 2 / (n_expected * (1 - share))).sum(axis=1))
