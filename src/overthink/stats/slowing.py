"""Whether a curve rises more slowly in the upper half of its ladder than in the lower half.

A straight line over doublings of the budget is no saturation, however small the changes at its top are. So a curve is
called saturating only where its slope per doubling is shown to be smaller in the upper half than in the lower one.
"""

import numpy as np
from numpy.typing import NDArray

from overthink.stats.testing import p_below


def doublings(budgets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place of each budget in doublings, (rung,).

    A budget of 0 has no place on such an axis. It stands one doubling below the lowest other budget, so that the first
    step counts as one doubling.

    Args:
        budgets: (rung,) increasing, at least 0, and not 0 alone.

    Example:
        >>> doublings(np.array([0.0, 512, 1024, 4096])).tolist()
        [8.0, 9.0, 10.0, 12.0]
    """
    lowest = budgets[budgets > 0].min()
    return np.asarray(np.log2(np.where(budgets > 0, budgets, lowest / 2)))


def p_slowing(parts: NDArray[np.float64], places: NDArray[np.float64]) -> float:
    """Return the p-value of "the slope per doubling is no smaller in the upper half than in the lower half".

    The halves share the level in the middle. Slopes are those of least squares, question by question; their difference
    is tested by Student's t with two more units, as :func:`~overthink.stats.testing.p_below`.

    Args:
        parts: (unit, level) contributions of units to the mean of each level.
        places: (level,) increasing places of the levels, in doublings.

    Returns:
        The p-value; NaN with fewer than three levels or two units.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> cells = (rng.random((300, 4, 5)) < [0.4, 0.6, 0.8, 0.8, 0.8]).mean(axis=1)
        >>> p_slowing(cells / 300, np.arange(5.0)) < 0.001
        True
    """
    n_levels = parts.shape[1]
    if n_levels < 3:
        return float("nan")
    middle = n_levels // 2
    contrast = _slope(places, slice(middle, n_levels)) - _slope(places, slice(0, middle + 1))
    return p_below((parts @ contrast)[:, None], margin=0.0)


def _slope(places: NDArray[np.float64], half: slice) -> NDArray[np.float64]:
    """Return the weights of the levels in the slope of least squares over one half, (level,)."""
    weights = np.zeros(len(places))
    centred_places = places[half] - places[half].mean()
    weights[half] = centred_places / (centred_places**2).sum()
    return weights
