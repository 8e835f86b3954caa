"""Tests under random signs beyond the reach of resampling: tails in closed form, and what a study can show at best.

No share of resamples is below about 3 over their number, so that a verdict adjusted over hundreds of curves would be
lost however clear it is. A sum of random signs times fixed numbers, divided by the root of their sum of
squares, exceeds x with a chance of at most 3.18 times the normal tail (Bentkus and Dzindzalieta 2015, "A tight Gaussian
bound for weighted sums of Rademacher random variables"). This bound holds for every sample size and is never below the
chance 2⁻ⁿ that all signs agree.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.stats.bootstrap import SAME
from overthink.stats.multiplier_bootstrap import SIMULATION_QUANTILE, p_above

TAIL_FACTOR = float(1 / (4 * special.ndtr(-np.sqrt(2))))
"""The smallest factor of the normal tail for which the bound holds for all sums of random signs."""


def p_tail(statistic: NDArray[np.float64], *, n_pairs: int) -> NDArray[np.float64]:
    """Upper bound on the chance that the largest of several standardised sums of signs is at least as large.

    Args:
        statistic: (contrast,) sums divided by the root of their sum of squares.
        n_pairs: Sums over which the largest is taken.

    Returns:
        (contrast,).
    """
    return np.asarray(np.minimum(n_pairs * TAIL_FACTOR * special.ndtr(-statistic), 1.0))


def p_searched(
    statistic: NDArray[np.float64], null_statistics: NDArray[np.float64], *, n_pairs: int
) -> NDArray[np.float64]:
    """The p-value of the largest of several standardised sums: the share of resamples, or the closed-form tail.

    Args:
        statistic: (contrast,).
        null_statistics: (resample,) largest of the sums under random signs.
        n_pairs: Sums over which the largest was taken.

    Returns:
        (contrast,) the smaller of the upper limit of the share and the bound, both at least the exact p-value.
    """
    return np.minimum(p_above(statistic, null_statistics), p_tail(statistic, n_pairs=n_pairs))


def critical_value(null_statistics: NDArray[np.float64], *, n_pairs: int, alpha: float) -> float:
    """The smallest statistic whose :func:`p_searched` is at most α.

    Args:
        null_statistics: (resample,) largest of the sums under random signs.
        n_pairs: Sums over which the largest was taken.
        alpha: Level, corrected for the family.
    """
    by_tail = float(-special.ndtri(alpha / (n_pairs * TAIL_FACTOR)))
    n = len(null_statistics)
    n_above = np.arange(max(int(alpha * (1 + n)), 0) + 1)
    share = (1 + n_above) / (1 + n)
    allowed = np.flatnonzero(share + SIMULATION_QUANTILE * np.sqrt(share * (1 - share) / n) <= alpha)
    if not allowed.size:
        return by_tail
    sorted_null = np.sort(null_statistics)[::-1]
    # The value that this many resamples exceed must itself be exceeded; resamples tie where few units change.
    return min(by_tail, float(sorted_null[min(int(allowed[-1]), n - 1)]) + 2 * SAME)


def attainable_p(n_units: int, n_levels: int, *, n_pairs: int, p_flat: float, resamples: int) -> float:
    """The smallest p-value that any shape can have with so many questions, whatever they answer.

    It is that of questions that all swing from 0 to 1 and back over the same rungs (all rise, with two levels), of the
    change from the lowest to the highest rung if all rise, or of "flat" where nothing changes, if that is smaller.

    Args:
        n_units: Questions, or clusters of them.
        n_levels: Rungs.
        n_pairs: Pairs of stretches that one half of a turn searches.
        p_flat: p-value of "flat" where no unit changes.
        resamples: Resamples of the test.

    Returns:
        The p-value; 1 with fewer than two units.

    Example:
        >>> few, many = (attainable_p(n, 5, n_pairs=9, p_flat=1.0, resamples=4000) for n in (4, 40))
        >>> few > 0.05 > many
        True
    """
    if n_units < 2 or n_levels < 2:
        return 1.0
    share = (1 + resamples * 0.5**n_units) / (1 + resamples)
    resampled = share + SIMULATION_QUANTILE * np.sqrt(share * (1 - share) / resamples)
    largest = np.array([np.sqrt(n_units)])
    rise = 2 * min(resampled, float(p_tail(largest, n_pairs=1)[0]))
    swing = min(resampled, float(p_tail(largest, n_pairs=n_pairs)[0])) if n_levels > 2 else 1.0
    return float(min(rise, swing, p_flat, 1.0))
