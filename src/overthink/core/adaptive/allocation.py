"""Who gets the draws of the next wave."""

import numpy as np

from overthink.core.adaptive.waves import Array, Counts

LEAST = 1e-6
"""A question that does not vary counts as this share of the one that varies most: it gets what nobody else can take."""


def next_wave(spread: Array, cost: Array, *, budget: int, room: Counts) -> Counts:
    """Share a wave's draws out so that they shrink the error of the mean most for what they cost.

    Neyman's rule: a question's draws are in proportion to its standard deviation over the root of its cost. Every
    question gets at least one draw, for a wave without it would be missing for a reason, and at most half of what
    room it has left, rounded up: with room for one it still has a wave.

    Args:
        spread: (question,) variance that a single draw adds, 0 or more.
        cost: (question,) what a draw costs, in any unit; NaN where unknown counts as the mean of the others.
        budget: Draws of the wave.
        room: (question,) draws that each question may still get, 1 or more.

    Returns:
        (question,) draws, 1 or more; in all the budget, or the nearest to it that the bounds allow.

    Raises:
        ValueError: A question has no room, or a spread is negative or unknown.

    Example:
        >>> next_wave(np.array([0.25, 0.01]), np.ones(2), budget=12, room=np.array([40, 40])).tolist()
        [10, 2]
    """
    if (room < 1).any():
        raise ValueError("a question has no room for a draw; needed: room for one in every question")
    if np.isnan(spread).any() or (spread < 0).any():
        raise ValueError("a spread is negative or unknown; needed: a variance for every question")
    most = (room + 1) // 2
    known = ~np.isnan(cost) & (cost > 0)
    price = np.where(known, cost, cost[known].mean() if known.any() else 1.0)
    want = np.sqrt(spread / price)
    want = np.maximum(want, LEAST * want.max()) if want.max() > 0 else np.ones(len(spread))
    wanted = int(np.clip(budget, len(spread), most.sum()))
    exact = np.clip(_level(want, most, wanted) * want, 1, most)
    given = np.floor(exact).astype(np.int64)
    left = np.argsort(given - exact, kind="stable")  # the largest remainders first, and among equals the first question
    for i in left[: wanted - int(given.sum())]:
        given[i] = min(given[i] + 1, most[i])
    return given


def _level(want: Array, most: Counts, budget: int) -> float:
    """The factor at which the draws, bounded below by one and above by ``most``, add up to the budget."""
    low, high = 0.0, float((most / want).max())
    for _ in range(100):
        middle = (low + high) / 2
        if np.clip(middle * want, 1, most).sum() < budget:
            low = middle
        else:
            high = middle
    return high
