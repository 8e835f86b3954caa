"""Two arms on the same questions: the mean difference, what could have been found, equivalence, and McNemar's test.

The question is the unit: its draws are averaged first, so that a hundred questions drawn four times are a hundred
differences, not four hundred. Where :data:`ENOUGH` questions or more differ otherwise than most do, the interval is
Student's. Where fewer do, the sample's standard error rests on a handful of questions, and is 0 where none moved; the
interval is then that of :mod:`~overthink.stats.bands`, which adds two pseudo-questions that changed in
opposite ways, and is exact where all questions changed alike. No interval has zero width. Equivalence always takes the
wider one: changes are skewed near 0 and 1, where a sample of small changes has a small standard error, too, and would
look equivalent too often.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.data.record import GOOD_FROM
from overthink.stats.bands import N_PSEUDO, change_intervals, p_changed
from overthink.stats.bootstrap import CHANGE, SAME
from overthink.stats.proportion import clustered_proportion

ENOUGH = 10
"""Questions that must differ otherwise than most for Student's interval (``python -m calibration --only paired``)."""

POWER = 0.8
"""Chance with which the minimum detectable difference is found."""

UNKNOWN = float("nan")


class PairedMethod(StrEnum):
    """How an interval of a paired difference was made."""

    STUDENT = "Student's t"
    PSEUDO = "Student's t with two pseudo-questions"
    EXACT = "exact"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PairedMean:
    """A mean difference over questions. What needs two questions is NaN with fewer.

    Attributes:
        estimate: Mean over questions of arm minus reference; NaN without a question.
        low: Lower end of the interval at the level.
        high: Upper end.
        p: Two-sided p-value of no difference: 1 - the level at which the interval just reaches 0.
        equivalence: Ends of the interval at 1 - 2α with pseudo-questions, inside the margin where equivalence is shown.
        p_equivalent: p-value of "the difference is the margin or more, in either direction".
        mde: Smallest true difference that would be found with a chance of :data:`POWER`.
        n_questions: Questions with a difference.
        method: How the interval was made.
    """

    estimate: float
    low: float
    high: float
    p: float
    equivalence: tuple[float, float]
    p_equivalent: float
    mde: float
    n_questions: int
    method: PairedMethod


def paired_mean(differences: NDArray[np.float64], *, level: float, margin: float) -> PairedMean:
    """Return the mean difference with its interval, its tests and what could have been found.

    Args:
        differences: (question,) arm minus reference, in [-1, 1]; NaN where a side is unknown.
        level: Confidence level 1 - α, in [0.5, 1).
        margin: Largest difference that does not matter.

    Example:
        >>> nothing = paired_mean(np.zeros(100), level=0.95, margin=0.05)
        >>> nothing.method.value, round(nothing.low, 3), round(nothing.high, 3), nothing.p
        ('exact', -0.036, 0.036, 1.0)
        >>> mixed = paired_mean(np.tile([0.25, -0.25, 0.5, 0.0], 25), level=0.95, margin=0.05)
        >>> mixed.method.value, round(mixed.low, 3), round(mixed.high, 3)
        ("Student's t", 0.069, 0.181)
    """
    known = differences[~np.isnan(differences)]
    known = np.where(np.abs(known) <= SAME, 0.0, known)  # what rounding leaves of no difference is no difference
    n = len(known)
    if n < 2:
        estimate = float(known.mean()) if n else UNKNOWN
        ends = (UNKNOWN, UNKNOWN)
        return PairedMean(estimate, *ends, UNKNOWN, ends, UNKNOWN, UNKNOWN, n, PairedMethod.NONE)
    wide, narrow = (change_intervals(known[:, None], level=each) for each in (level, 1 - 2 * (1 - level)))
    common, estimate, error = _most_alike(known), float(known.mean()), float(wide.error[0])
    low, high, df = float(wide.low[0]), float(wide.high[0]), n + N_PSEUDO - 1
    p, method = float(p_changed(known[:, None], wide)[0]), PairedMethod.EXACT if common == n else PairedMethod.PSEUDO
    p_equivalent = _p_alike_within(estimate, n, margin) if common == n else _p_within(estimate, error, df, margin)
    if n - common >= ENOUGH:
        error, df, method = float(known.std(ddof=1) / np.sqrt(n)), n - 1, PairedMethod.STUDENT
        half = float(special.stdtrit(df, (1 + level) / 2)) * error
        low, high = max(estimate - half, CHANGE[0]), min(estimate + half, CHANGE[1])
        p = float(2 * special.stdtr(df, -abs(estimate) / error))
    return PairedMean(
        estimate,
        low,
        high,
        p=p,
        equivalence=(float(narrow.low[0]), float(narrow.high[0])),
        p_equivalent=p_equivalent,
        mde=detectable(error, df, level=level),
        n_questions=n,
        method=method,
    )


def _most_alike(differences: NDArray[np.float64]) -> int:
    """Number of questions with the most common difference."""
    ordered = np.sort(differences)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(ordered) > SAME, [True]]))
    return int(np.diff(starts).max())


def _p_within(estimate: float, error: float, df: int, margin: float) -> float:
    """The larger p-value of the two one-sided tests against the margin."""
    return float(special.stdtr(df, -(margin - abs(estimate)) / error))


def _p_alike_within(estimate: float, n: int, margin: float) -> float:
    """The p-value of the exact interval: the tail of it whose farther end is the margin."""
    if abs(estimate) >= margin:
        return 1.0
    return float(((1 - margin) / (1 - abs(estimate))) ** n)


def detectable(error: float, df: int, *, level: float, power: float = POWER) -> float:
    """Return the smallest true difference that a two-sided t test finds with this power.

    Args:
        error: Standard error of the mean difference.
        df: Degrees of freedom.
        level: Confidence level 1 - α.
        power: Chance of a p-value of at most α.

    Example:
        >>> round(detectable(0.02, 499, level=0.95), 4)
        0.0561
    """
    quantile = float(special.stdtrit(df, (1 + level) / 2))
    shift = float(special.nctdtrinc(df, 1 - power, quantile))
    if not np.isfinite(shift):  # beyond what the noncentral distribution is computed for, it is normal
        shift = quantile + float(special.ndtri(power))
    return shift * error


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's exact test.

    Attributes:
        share: Share gained among the questions that changed; NaN where none did.
        low: Lower end of Clopper and Pearson's interval of the share.
        high: Upper end.
        p: Exact two-sided binomial p-value; 1 where no question changed.
    """

    share: float
    low: float
    high: float
    p: float


def mcnemar(gained: int, lost: int, *, level: float) -> McNemar:
    """Return McNemar's exact test of as many questions gained as lost.

    Args:
        gained: Questions that only the arm has right.
        lost: Questions that only the reference has right.
        level: Confidence level of the interval.

    Example:
        >>> round(mcnemar(9, 1, level=0.95).p, 4)
        0.0215
    """
    if gained + lost == 0:
        return McNemar(UNKNOWN, UNKNOWN, UNKNOWN, 1.0)
    changed = gained + lost
    is_gained = np.arange(changed) < gained
    share = clustered_proportion(is_gained.astype(np.int64), np.ones(changed, dtype=np.int64), level=level)
    p = min(2 * float(special.bdtr(min(gained, lost), changed, 0.5)), 1.0)  # both tails are alike at one half
    return McNemar(share.estimate, share.low, share.high, p)


def flipped(reference: NDArray[np.float64], arm: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which questions were gained, and which were lost.

    A question is good where the mean of its draws is :data:`~overthink.data.record.GOOD_FROM` or more; one draw of 0
    or 1 is its own mean.

    Args:
        reference: (question,) mean over draws; NaN where unknown.
        arm: (question,) likewise.

    Returns:
        Both (question,). A question unknown on a side is neither.

    Example:
        >>> [side.tolist() for side in flipped(np.array([0.0, 1.0, 0.25]), np.array([0.5, 0.0, 0.4]))]
        [[True, False, False], [False, True, False]]
    """
    both = ~np.isnan(reference) & ~np.isnan(arm)
    was, is_good = reference >= GOOD_FROM - SAME, arm >= GOOD_FROM - SAME
    return both & ~was & is_good, both & was & ~is_good


def design_effect(values: NDArray[np.float64]) -> float:
    """Return by what factor the variance of the mean exceeds the one that takes all samples as independent.

    The mean is that of the questions' means; its variance is between questions.

    Args:
        values: (question, draw); NaN where unknown.

    Returns:
        About 1 + (draws - 1) × the correlation of a question's draws. NaN with fewer than two questions, with one draw
        of each, or where all samples agree.

    Example:
        >>> design_effect(np.repeat([[0.0], [1.0], [1.0], [0.0]], 4, axis=1))
        5.0
    """
    is_known = ~np.isnan(values)
    draws = is_known.sum(axis=1)
    samples = values[is_known]
    if (draws > 0).sum() < 2 or draws.max() < 2 or np.ptp(samples) <= SAME:
        return UNKNOWN
    counted = draws > 0
    means = np.where(is_known, values, 0.0)[counted].sum(axis=1) / draws[counted]
    clustered = means.var(ddof=1) / len(means)
    return float(clustered / (samples.var(ddof=1) / len(samples)))
