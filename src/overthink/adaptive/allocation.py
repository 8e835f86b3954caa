"""Allocation of the draws of the next wave to questions."""

import numpy as np

from overthink.data.arrays import Array
from overthink.data.waves import DrawCounts

MIN_WEIGHT = 1e-6
"""Minimum weight relative to the largest: a question without variance gets the draws that the others cannot take."""


def next_wave(variance: Array, cost: Array, *, budget: int, draws_left: DrawCounts) -> DrawCounts:
    """Allocate the draws of a wave to minimise the standard error of the mean per unit of cost.

    Neyman's rule: a question's draws are in proportion to its standard deviation over the root of its cost. Every
    question gets at least one draw, for a wave without it would be missing for a reason, and at most half of what
    room it has left, rounded up: with room for one it still has a wave.

    Args:
        variance: (question,) variance that a single draw adds, 0 or more.
        cost: (question,) what a draw costs, in any unit; NaN where unknown counts as the mean of the others.
        budget: Draws of the wave.
        draws_left: (question,) draws that each question may still get, 1 or more.

    Returns:
        (question,) draws, 1 or more; in all the budget, or the nearest to it that the bounds allow.

    Raises:
        ValueError: A question has no room, or a spread is negative or unknown.

    Example:
        >>> next_wave(np.array([0.25, 0.01]), np.ones(2), budget=12, draws_left=np.array([40, 40])).tolist()
        [10, 2]
    """
    if (draws_left < 1).any():
        raise ValueError("a question has no room for a draw; needed: room for one in every question")
    if np.isnan(variance).any() or (variance < 0).any():
        raise ValueError("a spread is negative or unknown; needed: a variance for every question")
    max_draws = (draws_left + 1) // 2
    is_known = ~np.isnan(cost) & (cost > 0)
    price = np.where(is_known, cost, cost[is_known].mean() if is_known.any() else 1.0)
    weight = np.sqrt(variance / price)
    weight = np.maximum(weight, MIN_WEIGHT * weight.max()) if weight.max() > 0 else np.ones(len(variance))
    n_draws = int(np.clip(budget, len(variance), max_draws.sum()))
    exact = np.clip(_scale_factor(weight, max_draws, n_draws) * weight, 1, max_draws)
    draws = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(
        draws - exact, kind="stable"
    )  # the largest remainders first, and among equals the first question
    for i in by_remainder[: n_draws - int(draws.sum())]:
        draws[i] = min(draws[i] + 1, max_draws[i])
    return draws


def _scale_factor(weight: Array, max_draws: DrawCounts, budget: int) -> float:
    """The factor at which the draws, bounded below by one and above by ``max_draws``, add up to the budget."""
    low, high = 0.0, float((max_draws / weight).max())
    for _ in range(100):
        middle = (low + high) / 2
        if np.clip(middle * weight, 1, max_draws).sum() < budget:
            low = middle
        else:
            high = middle
    return high
