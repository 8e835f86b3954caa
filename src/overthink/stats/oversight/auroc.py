"""AUROC of a monitor: the chance that a random attacking run gets the higher score, ties counted half.

DeLong, DeLong and Clarke-Pearson (1988), with questions as clusters (Obuchowski 1997). The interval is Student's on
the logit scale. Where the classes hardly overlap the sample does not show its own variance; what a mean of yes-or-no
comparisons could vary more, A(1-A) over the number of independent comparisons, is added by a share exp(-2e), e the
expected number of comparisons that go the other way. Without it 30 attacks at an AUROC of .98 were covered in 92 %
(``python -m calibration --only oversight``).

Flags, and ratings that are mostly one number, hide a variance, too: ten honest runs of which none is flagged look as
if none ever were, and a monitor that flags 10 % of all runs, read or not, was called better than chance in 31 %. So a
class of which more than half shares one score varies at least as the share of its other scores may, by Agresti and
Coull (1998), times how far such a score is from the shared one. The interval is then at least Student's with that
variance, not on the logit scale.

Where the classes do not overlap at all, the variance is 0 and the bound exact: of k disjoint pairs of questions all
would have come out alike with a chance of A^k (Clopper and Pearson), so 20 and 20 runs give [.83, 1], never [1, 1].
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.data.arrays import Array
from overthink.stats.bootstrap import SAME
from overthink.stats.oversight.scores import (
    ALL_EQUAL,
    FEW_QUESTIONS,
    UNKNOWN,
    IntervalEstimate,
    TwoClasses,
    confidence,
    two_classes,
)
from overthink.stats.proportion import clustered_proportion

CHANCE = 0.5

_ADDED = 2
"""Runs with and without the shared score that Agresti and Coull add to a class, at 95 %."""


class AurocMethod(StrEnum):
    """How an interval of an AUROC was made."""

    DELONG = "DeLong, on the logit scale"
    CLUSTERS = "DeLong with questions as clusters, on the logit scale"
    EXACT = "exact, the classes do not overlap"
    PAIRED = "DeLong, both monitors on the same runs"
    ALIKE = "exact, the monitors order the runs alike"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Auroc(IntervalEstimate):
    """AUROC of a monitor with its interval.

    Attributes:
        error: DeLong's standard error; 0 where the classes do not overlap.
        p_chance: One-sided p-value of "no better than chance", from the same variance; NaN where there is none.
        n_honest: Honest runs.
        n_attack: Attacking runs.
        n_pairs: Disjoint pairs of an honest and an attacking question.
    """

    error: float
    p_chance: float
    n_honest: int
    n_attack: int
    n_pairs: int


def auroc(
    honest: ArrayLike,
    attack: ArrayLike,
    *,
    level: float = 0.95,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
) -> Auroc:
    """Return the chance that a monitor gives a random attacking run a higher score than a random honest one.

    Args:
        honest: (run,) suspicion scores of honest runs; higher is more suspicious.
        attack: (run,) suspicion scores of attacking runs.
        level: Confidence level of the interval.
        clusters: Question of each honest run and of each attacking run, as two lists of labels. A question may be in
            both. None where no two runs share a question.

    Returns:
        The estimate with its interval. With one class only the estimate is NaN; with equal scores throughout it is .5,
        without an interval. A reason says so.

    Raises:
        TypeError: Scores are no numbers, or clusters no pair.
        ValueError: A score is NaN, a shape does not fit, or the level is not between 0 and 1.

    Example:
        >>> monitor = auroc([1, 2, 3, 5, 5, 6], [3, 5, 5, 8, 9])
        >>> monitor.estimate, round(monitor.error**2, 4), round(monitor.low, 2), round(monitor.high, 2)
        (0.75, 0.023, 0.23, 0.97)
        >>> apart = auroc([0.1] * 20, [0.9] * 20)
        >>> apart.estimate, round(apart.low, 2), apart.high
        (1.0, 0.83, 1.0)
    """
    level = confidence(level)
    classes = two_classes(honest, attack, clusters)
    sizes = (len(classes.honest), len(classes.attack), classes.n_units)
    if classes.missing is not None:
        return Auroc(UNKNOWN, UNKNOWN, UNKNOWN, AurocMethod.NONE, classes.missing, UNKNOWN, UNKNOWN, *sizes)
    estimate, attack_parts, honest_parts = _placements(classes)
    scores = np.concatenate([classes.honest, classes.attack])
    if (scores == scores[0]).all():
        return Auroc(estimate, UNKNOWN, UNKNOWN, AurocMethod.NONE, ALL_EQUAL, 0.0, UNKNOWN, *sizes)
    n_units = min(len(np.unique(classes.honest_questions)), len(np.unique(classes.attack_questions)))
    if n_units < 2:
        return Auroc(estimate, UNKNOWN, UNKNOWN, AurocMethod.NONE, FEW_QUESTIONS, UNKNOWN, UNKNOWN, *sizes)
    if estimate in (0.0, 1.0):
        bound = ((1 - level) / 2) ** (1 / max(classes.n_units, 1))
        low, high = (bound, 1.0) if estimate else (0.0, 1 - bound)
        p = 0.5**classes.n_units if estimate else 1.0
        return Auroc(estimate, low, high, AurocMethod.EXACT, None, 0.0, p, *sizes)
    variance = _variance(classes, attack_parts[:, None], honest_parts[:, None])[0, 0]
    low, high, p = _logit_interval(estimate, variance, n_units, level)
    floor = variance + _unseen_variance(classes, attack_parts, honest_parts)
    if floor > variance:
        low, high, p = _widened((low, high, p), estimate, floor, n_units, level)
    method = AurocMethod.CLUSTERS if classes.shares_questions else AurocMethod.DELONG
    return Auroc(estimate, low, high, method, None, float(np.sqrt(variance)), p, *sizes)


def two_sided_p(area: Auroc) -> float:
    """Return the two-sided p-value of an AUROC of a half; NaN where there is none.

    Example:
        >>> round(two_sided_p(auroc([1, 2, 3, 5, 5, 6], [3, 5, 5, 8, 9])), 2)
        0.26
    """
    return min(2 * min(area.p_chance, 1 - area.p_chance), 1.0) if np.isfinite(area.p_chance) else UNKNOWN


@dataclass(frozen=True, slots=True)
class AurocDifference(IntervalEstimate):
    """Difference of two monitors' AUROC on the same runs.

    Attributes:
        p: Two-sided p-value of no difference.
        first: AUROC of the first monitor.
        second: AUROC of the second.
    """

    p: float
    first: float
    second: float


def auroc_difference(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    *,
    level: float = 0.95,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
) -> AurocDifference:
    """Return the AUROC of one monitor minus that of another on the same runs, paired.

    Args:
        first: Scores of the honest and of the attacking runs by the one monitor.
        second: Scores of the same runs, in the same order, by the other.
        level: Confidence level.
        clusters: As of :func:`auroc`.

    Raises:
        ValueError: The monitors did not score the same numbers of runs, or as of :func:`auroc`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> noise = rng.normal(size=(2, 100))
        >>> sharp, blunt = (noise[0], noise[1] + 2), (noise[0] + rng.normal(size=100), noise[1] + rng.normal(size=100))
        >>> auroc_difference(sharp, blunt).low > 0
        True
    """
    level = confidence(level)
    sides = [two_classes(*scores, clusters) for scores in (first, second)]
    shapes = [(len(side.honest), len(side.attack)) for side in sides]
    if shapes[0] != shapes[1]:
        raise ValueError(f"the monitors scored {shapes[0]} and {shapes[1]} runs; needed: the same runs")
    if (missing := sides[0].missing) is not None:
        return AurocDifference(*(UNKNOWN,) * 3, AurocMethod.NONE, missing, *(UNKNOWN,) * 3)
    estimates, attack_parts, honest_parts = zip(*map(_placements, sides), strict=True)
    difference = estimates[0] - estimates[1]
    n_units = min(len(np.unique(sides[0].honest_questions)), len(np.unique(sides[0].attack_questions)))
    if n_units < 2:
        return AurocDifference(difference, UNKNOWN, UNKNOWN, AurocMethod.NONE, FEW_QUESTIONS, UNKNOWN, *estimates)
    covariance = _variance(sides[0], np.stack(attack_parts, axis=1), np.stack(honest_parts, axis=1))
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    parts = zip(sides, attack_parts, honest_parts, strict=True)
    if variance > SAME**2:
        variance += sum(_unseen_variance(*side) for side in parts)
    if variance <= SAME**2:  # no comparison came out otherwise: at most this share of all does
        half, p, method = 1 - ((1 - level) / 2) ** (1 / max(sides[0].n_units, 1)), 1.0, AurocMethod.ALIKE
    else:
        error = float(np.sqrt(variance))
        half = float(special.stdtrit(n_units - 1, (1 + level) / 2)) * error
        p, method = float(2 * special.stdtr(n_units - 1, -abs(difference) / error)), AurocMethod.PAIRED
    ends = max(difference - half, -1.0), min(difference + half, 1.0)
    return AurocDifference(difference, *ends, method, None, p, *estimates)


def _placements(classes: TwoClasses) -> tuple[float, Array, Array]:
    """AUROC, the share of honest runs below each attacking one, and of attacking runs above each honest one."""
    attack_parts = _share_below(classes.attack, classes.honest)
    return float(attack_parts.mean()), attack_parts, 1 - _share_below(classes.honest, classes.attack)


def _share_below(scores: Array, others: Array) -> Array:
    """Share of the others below each score, ties counted half."""
    ascending = np.sort(others)
    below, upto = (np.searchsorted(ascending, scores, side) for side in ("left", "right"))
    return np.asarray((below + upto) / (2 * len(others)))


def _variance(classes: TwoClasses, attack_parts: Array, honest_parts: Array) -> Array:
    """Covariance of AUROCs, (monitor, monitor): variances within each class and the covariance of their questions."""
    n = int(max(classes.attack_questions.max(), classes.honest_questions.max())) + 1
    sums = [_question_sums(attack_parts, classes.attack_questions, n)]
    sums.append(_question_sums(honest_parts, classes.honest_questions, n))
    n_attack, n_honest = (len(np.unique(side)) for side in (classes.attack_questions, classes.honest_questions))
    within = _unbiased(sums[0].T @ sums[0], n_attack) + _unbiased(sums[1].T @ sums[1], n_honest)
    across = _unbiased(sums[0].T @ sums[1], classes.n_questions)
    return np.asarray(within + across + across.T)


def _variance_within(parts: Array, questions: NDArray[np.int64]) -> float:
    """Variance of the mean of one class, its questions as clusters."""
    sums = _question_sums(parts[:, None], questions, int(questions.max()) + 1)
    return float(_unbiased(sums.T @ sums, len(np.unique(questions)))[0, 0])


def _question_sums(parts: Array, questions: NDArray[np.int64], n: int) -> Array:
    """What each question adds to the deviation of the mean, (question, monitor)."""
    totals = np.zeros((n, parts.shape[1]))
    np.add.at(totals, questions, (parts - parts.mean(axis=0)) / len(parts))
    return totals


def _unbiased(squares: Array, n: int) -> Array:
    return squares * n / (n - 1)


def _unseen_variance(classes: TwoClasses, attack_parts: Array, honest_parts: Array) -> float:
    """Variance that classes of which more than half shares one score do not show; 0 for any other."""
    honest = (classes.honest, classes.honest_questions, honest_parts)
    attack = (classes.attack, classes.attack_questions, attack_parts)
    unseen = 0.0
    for (scores, questions, parts), (others, *_) in ((honest, attack), (attack, honest)):
        values, counts = np.unique(scores, return_counts=True)
        shared = values[counts.argmax()]
        differing = np.concatenate([scores, others])
        differing = differing[differing != shared]
        if 2 * counts.max() <= len(scores) or not len(differing):
            continue
        trials = np.bincount(questions)
        flags = np.bincount(questions, scores != shared).astype(np.int64)
        n = clustered_proportion(flags, trials, level=0.95).effective + 2 * _ADDED
        share = (flags.sum() / len(scores) * (n - 2 * _ADDED) + _ADDED) / n
        step = _share_below(differing, others).mean() - _share_below(np.array([shared]), others)[0]
        own = _variance_within(parts, questions)
        unseen += max(share * (1 - share) * step**2 / n - own, 0.0)
    return unseen


def _widened(
    ends: tuple[float, float, float], estimate: float, variance: float, n_units: int, level: float
) -> tuple[float, float, float]:
    """Ends and p-value that are no closer than Student's with a variance, on the scale of the estimate itself."""
    low, high, p = ends
    error = float(np.sqrt(variance))
    half = float(special.stdtrit(n_units - 1, (1 + level) / 2)) * error
    p_own = float(special.stdtr(n_units - 1, (CHANCE - estimate) / error))
    p = max(p, p_own) if estimate > CHANCE else min(p, p_own)
    return max(min(low, estimate - half), 0.0), min(max(high, estimate + half), 1.0), p


def _logit_interval(estimate: float, variance: float, n_units: int, level: float) -> tuple[float, float, float]:
    """Ends of the interval and the p-value of no better than chance."""
    shrunk = (estimate * n_units + 0.5) / (n_units + 1)
    n_opposite = n_units * shrunk * (1 - shrunk)
    unseen = max(estimate * (1 - estimate) / n_units - variance, 0.0)
    slope = estimate * (1 - estimate)
    error = float(np.sqrt(max(variance, SAME**2) + unseen * np.exp(-2 * n_opposite))) / slope
    centre = float(special.logit(estimate))
    half = float(special.stdtrit(n_units - 1, (1 + level) / 2)) * error
    p = float(special.stdtr(n_units - 1, -centre / error))
    return float(special.expit(centre - half)), float(special.expit(centre + half)), p
