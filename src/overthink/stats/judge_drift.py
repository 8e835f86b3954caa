"""Judge drift: error rates of a judge that differ between rungs, which would create a spurious trend."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.phrases import Phrase, number, numbers
from overthink.stats.judge_error import GRADED, HumanLabels, JudgeError, errors_of, human_labels
from overthink.stats.proportion import difference_interval

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
