"""What zero successes say: a bound that needs no model and no prior, and nothing else.

With no success in n_i tries of question i, the chances p_i allowed at level 1-α satisfy Σ n_i·(-log(1-p_i)) ≤ -log α.
The mean of 1-(1-p_i)^k is concave in -log(1-p_i), so it is largest where the whole allowance is spread as evenly as the
attempts let it; with n attempts each it is 1 - α^(k/(mn)).
"""

import numpy as np
from numpy.typing import NDArray

from overthink.core.counts import Counts

Array = NDArray[np.float64]

HALVINGS = 200


def zero_success_bound(attempts: Counts, k: Counts, *, tail: float) -> Array:
    """Largest mean over questions of 1-(1-p)^k that zero successes allow.

    Args:
        attempts: (question,) tries made, 1 or more, none of them a success.
        k: (k,) tries.
        tail: Chance of no success at all at the bound, such as 0.05.

    Returns:
        (k,), not falling with k.

    Example:
        >>> zero_success_bound(np.array([100, 100]), np.array([1]), tail=0.05).round(4).tolist()
        [0.0149]
    """
    allowance = -float(np.log(tail))
    n = attempts.astype(np.float64)
    if attempts.min() == attempts.max():
        return np.asarray(-np.expm1(-allowance * k / (n[0] * len(n))))
    # Spread evenly up to the price n_i: the best hazards are h_i = log(k·price/n_i)/k where that is positive.
    ratio = np.log(n / n.min())[:, None]
    low, high = np.zeros(len(k)), allowance * k / n.min() + ratio.max() + 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        spent = (n[:, None] * np.maximum(middle - ratio, 0.0)).sum(axis=0) / k
        low, high = np.where(spent < allowance, middle, low), np.where(spent < allowance, high, middle)
    return np.asarray((-np.expm1(-np.maximum(high - ratio, 0.0))).mean(axis=0))


def any_question_bound(attempts: Counts, k: Counts, *, tail: float) -> Array:
    """Largest chance that k tries of each question give any success, that zero successes allow, (k,).

    The whole allowance goes to the question with the fewest attempts.
    """
    return np.asarray(-np.expm1(np.log(tail) * k / float(attempts.min())))
