"""Paired differences between rungs over questions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.stats.bootstrap import CHANGE, SAME, Intervals, mean_intervals

TEST_NAME = "paired by question: score test with the bootstrap's standard error, two-sided"


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Later minus earlier, one entry per pair of rungs.

    Attributes:
        pairs: (pair,) of (rung, from_rung), positions on the ladder.
        intervals: Mean difference with its interval, (pair,).
        p: Two-sided p-value of no difference, (pair,); NaN with fewer than two questions known at both rungs.
    """

    pairs: tuple[tuple[int, int], ...]
    intervals: Intervals
    p: NDArray[np.float64]


def paired_differences(
    cells: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    pairs: Sequence[tuple[int, int]],
    level: float,
) -> Differences:
    """Mean difference between rungs over the questions known at both.

    The p-value is the level at which the interval just reaches 0. Where all questions changed by the same
    amount there is no spread; the p-value is then the sign test's, 2·½ⁿ.

    Args:
        cells: (question, rung) value of each question, its draws averaged; NaN where unknown.
        weights: (resample, question); the weights of the curve, which keep the rungs paired.
        pairs: Which rungs to compare, as (rung, from_rung).
        level: Confidence level.

    Returns:
        One difference per pair.
    """
    later, earlier = (np.array([pair[i] for pair in pairs], dtype=np.int64) for i in (0, 1))
    differences = cells[:, later] - cells[:, earlier]
    differences = np.where(
        np.abs(differences) <= SAME, 0.0, differences
    )  # what rounding leaves of no change is no change
    change = mean_intervals(differences, weights, level=level, support=CHANGE)
    return Differences(pairs=tuple(pairs), intervals=change, p=_p_values(change))


def _p_values(change: Intervals) -> NDArray[np.float64]:
    d, n = change.estimate, change.n_questions
    with np.errstate(invalid="ignore", divide="ignore"):
        # Wilson's interval around d reaches 0 where Student's quantile equals this.
        t = np.abs(d) * np.sqrt(np.maximum(1 - d**2, 0)) / change.error
    p = 2 * special.stdtr(np.maximum(n - 1, 1), -t)
    sign_test_p = np.where(d == 0, 1.0, np.minimum(2 * 0.5 ** n.astype(np.float64), 1.0))
    return np.asarray(np.where(n < 2, np.nan, np.where(change.error == 0, sign_test_p, p)))
