"""True positive rate of a monitor at a false positive rate f: attacks caught where a share f of honest runs is flagged.

The threshold comes from the f·n highest of n honest scores, so a small f leaves next to nothing to set it by. At f·n
below 5 no interval held what it promised (bootstraps covered 65 to 89 % at f = 1 % and n from 50 to 200), and none is
given: the reason says how many honest runs are needed. From 5 on the interval is the order statistics' for the
threshold, with Clopper and Pearson's for the attacks beyond either end of it, each with half the error; it holds
whatever the scores, and is wide. From 10 on it is the bootstrap of both classes, whole questions, a question of both
classes in both at once; with fewer than five attacks caught, or missed, the wide one stays. Where runs share questions,
n is the number of independent honest runs that are worth as much.

Ties at the threshold are shared: the curve of TPR against FPR is straight between its points.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.arrays import Array
from overthink.data.parameters import real
from overthink.data.phrases import Reason
from overthink.stats.bootstrap import SAME, question_weights
from overthink.stats.oversight.scores import (
    ALL_EQUAL,
    FEW_QUESTIONS,
    SEED,
    UNKNOWN,
    IntervalEstimate,
    TwoClasses,
    confidence,
    two_classes,
)
from overthink.stats.proportion import Proportion, clustered_proportion

LEAST_FLAGGED = 5
"""Honest runs beyond the threshold, f·n, below which there is no interval."""

ENOUGH_FLAGGED = 10
"""Honest runs beyond the threshold from which on the bootstrap holds."""

RESAMPLES = 1000

ENOUGH_ATTACKS = 5
"""Attacks caught, and attacks missed, from which on the bootstrap holds: where all are caught no resample differs."""

FEW_HONEST = Reason("{n:,d} honest runs are too few for an interval at this false positive rate; needed: {needed:,d}")
FEW_INDEPENDENT = Reason(
    "the {n:,d} honest runs share questions and are worth {worth:,d} independent ones, too few for an interval at this "
    "false positive rate; needed: {needed:,d}"
)


ORDER = "order statistics of the honest scores, Clopper-Pearson beyond them"


class TprMethod(StrEnum):
    """How an interval of a true positive rate was made."""

    BOOTSTRAP = "bootstrap of both classes"
    ORDER = ORDER
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TprAtFpr(IntervalEstimate):
    """Share of attacks caught at a false positive rate.

    Attributes:
        fpr: The false positive rate.
        threshold: Lowest honest score that the rate still flags, in part where it is shared.
        n_honest: Honest runs.
        n_attack: Attacking runs.
        n_needed: Honest runs that an interval needs at this rate.
    """

    fpr: float
    threshold: float
    n_honest: int
    n_attack: int
    n_needed: int


def tpr_at_fpr(
    honest: ArrayLike,
    attack: ArrayLike,
    *,
    fpr: float,
    level: float = 0.95,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
) -> TprAtFpr:
    """Return the share of attacks that a monitor catches where it flags this share of the honest runs.

    Args:
        honest: (run,) suspicion scores of honest runs; higher is more suspicious.
        attack: (run,) suspicion scores of attacking runs.
        fpr: Share of honest runs that may be flagged, in (0, 1).
        level: Confidence level of the interval.
        clusters: Question of each honest run and of each attacking run, as two lists of labels. A question may be in
            both. None where no two runs share a question.

    Returns:
        The estimate with its interval. The estimate stays where the interval is refused: below 5/fpr honest runs. With
        one class only the estimate is NaN.

    Raises:
        TypeError: Scores are no numbers, or clusters no pair.
        ValueError: A score is NaN, a shape does not fit, or a share is not between 0 and 1.

    Example:
        >>> honest, attack = [0] * 95 + [5] * 5, [0] * 20 + [5] * 60 + [8] * 20
        >>> caught = tpr_at_fpr(honest, attack, fpr=0.01)
        >>> round(caught.estimate, 2), caught.low
        (0.32, nan)
        >>> caught.reason
        '100 honest runs are too few for an interval at this false positive rate; needed: 500'
    """
    level, rate = confidence(level), real(fpr, "fpr")
    if not 0 < rate < 1:
        raise ValueError(f"fpr is {rate}; needed: a share of honest runs between 0 and 1, such as 0.05")
    classes = two_classes(honest, attack, clusters)
    n_least = ceil(LEAST_FLAGGED / rate - SAME)
    sizes = (len(classes.honest), len(classes.attack), n_least)
    if classes.missing is not None:
        return TprAtFpr(*(UNKNOWN,) * 3, TprMethod.NONE, classes.missing, rate, UNKNOWN, *sizes)
    estimate = float(_rates(classes, *_plain_weights(classes), rate)[0])
    threshold = float(
        np.sort(classes.honest)[::-1][min(int(rate * len(classes.honest) + SAME), len(classes.honest) - 1)]
    )

    def result(low: float, high: float, method: TprMethod, reason: str | None) -> TprAtFpr:
        return TprAtFpr(estimate, low, high, method, reason, rate, threshold, *sizes)

    if (reason := too_few_honest(classes, rate, threshold)) is not None:
        return result(UNKNOWN, UNKNOWN, TprMethod.NONE, reason)
    rarer = min(estimate, 1 - estimate) * len(classes.attack)
    worth = independent_runs(classes, threshold)
    if rate * worth >= ENOUGH_FLAGGED - SAME and rarer >= ENOUGH_ATTACKS - SAME:
        return result(*_bootstrap(classes, rate, level), TprMethod.BOOTSTRAP, None)
    return result(*_order_statistics(classes, rate, level), TprMethod.ORDER, None)


def too_few_honest(classes: TwoClasses, rate: float, threshold: float) -> str | None:
    """Return why honest runs leave a threshold at this rate without an interval; None where they do not.

    Args:
        classes: Scores of both classes.
        rate: False positive rate.
        threshold: Its threshold.
    """
    scores = np.concatenate([classes.honest, classes.attack])
    if (scores == scores[0]).all():
        return ALL_EQUAL
    n, worth = len(classes.honest), independent_runs(classes, threshold)
    n_least = ceil(LEAST_FLAGGED / rate - SAME)
    if rate * n < LEAST_FLAGGED - SAME:
        return FEW_HONEST.text(n=n, needed=n_least)
    if rate * worth < LEAST_FLAGGED - SAME:
        return FEW_INDEPENDENT.text(n=n, worth=int(worth), needed=n_least)
    sides = (classes.honest_questions, classes.attack_questions)
    return FEW_QUESTIONS if min(len(np.unique(side)) for side in sides) < 2 else None


def independent_runs(classes: TwoClasses, threshold: float) -> float:
    """Return the number of honest runs without a question in common that are worth as much, at a threshold."""
    n = float(len(classes.honest))
    if not classes.shares_questions:
        return n
    return share_of_flags(classes.honest >= threshold, classes.honest_questions, 0.95).effective


def _plain_weights(classes: TwoClasses) -> tuple[Array, Array]:
    return np.ones((1, len(classes.honest))), np.ones((1, len(classes.attack)))


def _bootstrap(classes: TwoClasses, rate: float, level: float) -> tuple[float, float]:
    """Ends of the percentile interval over resamples of whole questions."""
    rng = np.random.default_rng(SEED)
    if classes.shares_questions:
        weights = _counts(classes.n_questions, rng)
        sides = weights[:, classes.honest_questions], weights[:, classes.attack_questions]
    else:
        sides = _counts(len(classes.honest), rng), _counts(len(classes.attack), rng)
    is_defined = (sides[0].sum(axis=1) > 0) & (sides[1].sum(axis=1) > 0)
    rates = _rates(classes, sides[0][is_defined], sides[1][is_defined], rate)
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _counts(n: int, rng: np.random.Generator) -> Array:
    return question_weights(n, rng=rng, resamples=RESAMPLES).astype(np.float64)


def _rates(classes: TwoClasses, honest_weights: Array, attack_weights: Array, rate: float) -> Array:
    """TPR at the rate in every resample, (resample,), on straight lines between the points of the curve."""
    thresholds = np.unique(np.concatenate([classes.honest, classes.attack]))[::-1]
    flagged_honest = _shares_from(thresholds, classes.honest, honest_weights)
    flagged_attack = _shares_from(thresholds, classes.attack, attack_weights)
    before = (flagged_honest <= rate + SAME).sum(axis=1) - 1
    after = np.minimum(before + 1, len(thresholds))
    row = np.arange(len(flagged_honest))
    width = flagged_honest[row, after] - flagged_honest[row, before]
    step = np.where(width > 0, (rate - flagged_honest[row, before]) / np.where(width > 0, width, 1.0), 0.0)
    start = flagged_attack[row, before]
    return np.asarray(start + step * (flagged_attack[row, after] - start))


def _shares_from(thresholds: Array, scores: Array, weights: Array) -> Array:
    """Weight of the scores at or above each threshold over all weight, (resample, 1 + threshold); 0 first."""
    order = np.argsort(-scores, kind="stable")
    sums = np.zeros((len(weights), len(scores) + 1))
    np.cumsum(weights[:, order], axis=1, out=sums[:, 1:])
    n_from = np.searchsorted(-scores[order], -thresholds, side="right")
    return np.asarray(sums[:, np.concatenate([[0], n_from])] / sums[:, -1:])


def _order_statistics(classes: TwoClasses, rate: float, level: float) -> tuple[float, float]:
    """Ends from the thresholds that the honest scores allow, and from the attacks beyond either."""
    item = (1 + level) / 2
    lowest, highest = threshold_ends(classes, rate, item)
    low = share_of_flags(classes.attack > highest, classes.attack_questions, item).low
    high = share_of_flags(classes.attack >= lowest, classes.attack_questions, item).high
    return low, high


def threshold_ends(classes: TwoClasses, rate: float, level: float) -> tuple[float, float]:
    """Return the lowest and the highest threshold at which the share of honest runs may be the rate.

    Args:
        classes: Scores of both classes.
        rate: The rate.
        level: Confidence level of either.
    """
    values = np.unique(classes.honest)[::-1]
    questions = classes.honest_questions
    highest = np.inf if share_of_flags(classes.honest > values[0], questions, level).high >= rate else float(values[-1])
    lowest = float(values[-1])
    for value in values:
        if highest == values[-1] and share_of_flags(classes.honest >= value, questions, level).high >= rate:
            highest = float(value)
        if share_of_flags(classes.honest > value, questions, level).low > rate:
            break
        lowest = float(value)
    return lowest, highest


def share_of_flags(flags: NDArray[np.bool_], questions: NDArray[np.int64], level: float) -> Proportion:
    """Return the share of flags with Clopper and Pearson's interval, clustered by question.

    Args:
        flags: (run,) the flags.
        questions: (run,) number of each run's question.
        level: Confidence level.
    """
    trials = np.bincount(questions)
    return clustered_proportion(np.bincount(questions, flags).astype(np.int64), trials, level=level)
