"""Paired differences between rungs over questions, and whether runs that are pooled are exchangeable.

Several tests at once: p-values adjusted over the declared family.

Equivalence of levels within a margin: two one-sided tests (TOST), never a p-value above .05.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.stats.bands import change_intervals, p_changed
from overthink.stats.bootstrap import SAME, Intervals
from overthink.stats.multiplier_bootstrap import errors, unseen_size, with_pseudo_units

TEST_NAME = "paired by question: Student's t with two pseudo-questions that changed in opposite ways, two-sided"


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
    *,
    pairs: Sequence[tuple[int, int]],
    level: float,
) -> Differences:
    """Mean difference between rungs over the questions known at both.

    The p-value is the level at which the interval just reaches 0. Where all questions changed by the same
    amount there is no spread; the p-value is then the sign test's, 2·½ⁿ.

    Args:
        cells: (question, rung) value of each question, its draws averaged; NaN where unknown.
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
    change = change_intervals(differences, level=level)
    return Differences(pairs=tuple(pairs), intervals=change, p=p_changed(differences, change))


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p-values: reject where they are at most α, and any false rejection has a chance of at most α.

    Valid whatever the dependence between the tests. A NaN (no test was possible) stays NaN and does not count.

    Args:
        p: (test,) p-values of the family.

    Returns:
        (test,) adjusted p-values, in the order given.

    Raises:
        ValueError: Not a list of p-values, or one outside [0, 1].

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p, dtype=np.float64)
    if p_values.ndim != 1:
        raise ValueError(f"p has shape {p_values.shape}; needed: (test,)")
    tested_indices = np.flatnonzero(~np.isnan(p_values))
    if ((p_values[tested_indices] < 0) | (p_values[tested_indices] > 1)).any():
        raise ValueError("a p-value is outside [0, 1]; needed: p-values")
    order = tested_indices[np.argsort(p_values[tested_indices], kind="stable")]
    steps = p_values[order] * (len(order) - np.arange(len(order)))
    adjusted_p = np.full(p_values.shape, np.nan)
    adjusted_p[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted_p


def p_equivalent(parts: NDArray[np.float64], *, margin: float, all_parts: NDArray[np.float64] | None = None) -> float:
    """The p-value of "some difference is as large as the margin".

    Every difference must be shown to lie within the margin on both sides, each at the full α (an intersection-union
    test needs no correction), so the largest p-value counts. The tests are Student's, with the two more units of
    :func:`~overthink.stats.multiplier_bootstrap.with_pseudo_units`; the size of an unseen change is pooled over all
    pairs of the curve. Where no unit changed anywhere on the curve, no size is known, and the bound is exact: margins
    above 1 - (α/2)^(1/n) are shown (Clopper and Pearson).

    Args:
        parts: (unit, difference) parts of the differences, in [-1, 1] per unit times the number of units.
        margin: Largest difference that does not matter, in the units of the values.
        all_parts: (unit, pair) parts of the differences of all pairs of the curve; None where these are all.

    Returns:
        The p-value; NaN where there is no difference to test, or only one unit.

    Example:
        >>> p_equivalent(np.zeros((100, 1)), margin=0.037) < 0.05 < p_equivalent(np.zeros((100, 1)), margin=0.036)
        True
    """
    curve = parts if all_parts is None else all_parts
    if parts.shape[1] == 0 or len(parts) < 2:
        return float("nan")
    if not curve.any():
        return min(2 * float((1 - margin) ** len(parts)), 1.0)
    unseen = unseen_size(curve)
    return max(p_below(side, margin=margin, unseen=unseen) for side in (parts, -parts))


def p_below(parts: NDArray[np.float64], *, margin: float, unseen: float = 1.0) -> float:
    """The p-value of "some difference is the margin or more": one of the two one-sided tests.

    Args:
        parts: As for :func:`p_equivalent`.
        margin: Largest difference that does not matter, in the units of the values.
        unseen: Size of an unseen change.

    Returns:
        The p-value; NaN where there is no difference to test, or only one unit.
    """
    p = each_p_below(parts, margin=margin, unseen=unseen)
    return float(p.max()) if p.size else float("nan")


def each_p_below(parts: NDArray[np.float64], *, margin: float, unseen: float = 1.0) -> NDArray[np.float64]:
    """The p-value of "this difference is the margin or more", for each difference, (difference,).

    Args:
        parts: As for :func:`p_equivalent`.
        margin: As for :func:`p_below`; negative to show a difference below 0 by more than that.
        unseen: Size of an unseen change.

    Returns:
        The p-values, not adjusted; NaN with one unit only.
    """
    if parts.shape[1] == 0 or len(parts) < 2:
        return np.full(parts.shape[1], np.nan)
    padded_parts = with_pseudo_units(parts, unseen=unseen)
    shortfall = margin - parts.sum(axis=0)
    return np.asarray(special.stdtr(len(padded_parts) - 1, -shortfall / errors(padded_parts)))


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
