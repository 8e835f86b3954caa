"""Equivalence of levels within a margin: two one-sided tests (TOST), never a p-value above .05."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.stats.multiplier_bootstrap import errors, with_pseudo_units


def p_equivalent(parts: NDArray[np.float64], *, margin: float) -> float:
    """The p-value of "some difference is as large as the margin".

    Every difference must be shown to lie within the margin on both sides, each at the full α (an intersection-union
    test needs no correction), so the largest p-value counts. The tests are Student's, with the two more units of
    :func:`~overthink.stats.multiplier_bootstrap.with_pseudo_units`.

    Args:
        parts: (unit, difference) parts of the differences, in [-1, 1] per unit times the number of units.
        margin: Largest difference that does not matter, in the units of the values.

    Returns:
        The p-value; NaN where there is no difference to test, or only one unit.
    """
    return max(p_below(parts, margin=margin), p_below(-parts, margin=margin))


def p_below(parts: NDArray[np.float64], *, margin: float) -> float:
    """The p-value of "some difference is the margin or more": one of the two one-sided tests.

    Args:
        parts: As for :func:`p_equivalent`.
        margin: Largest difference that does not matter, in the units of the values.

    Returns:
        The p-value; NaN where there is no difference to test, or only one unit.
    """
    if parts.shape[1] == 0 or len(parts) < 2:
        return float("nan")
    padded_parts = with_pseudo_units(parts)
    shortfall = margin - parts.sum(axis=0)
    return float(special.stdtr(len(padded_parts) - 1, -shortfall / errors(padded_parts)).max())
