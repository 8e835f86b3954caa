"""Exchangeability of runs that are pooled as draws of one thing."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from overthink.stats.testing import paired_differences

NOT_ALIKE = 0.001
"""p-value below which runs of equal settings are no draws of one thing. Far below the usual level, as every pooled rung
is tested, and honest repetitions must keep their verdict."""


def p_exchangeable(cells: NDArray[np.float64]) -> float:
    """Return the p-value of "the runs have one expected value": the least of all pairs, times their number.

    Args:
        cells: (question, run) mean of the draws of each run; NaN where a run has no value of the question.

    Returns:
        The p-value, paired by question; NaN where no two runs share two questions.

    Example:
        >>> alike = np.tile([[0.0, 0.0], [1.0, 1.0]], (10, 1))
        >>> p_exchangeable(alike), p_exchangeable(np.tile([[0.0, 1.0]], (20, 1))) < NOT_ALIKE
        (1.0, True)
    """
    pairs = list(combinations(range(cells.shape[1]), 2))
    p = paired_differences(cells, pairs=pairs, level=0.95).p
    tested = p[~np.isnan(p)]
    return min(1.0, float(tested.min()) * len(tested)) if tested.size else float("nan")
