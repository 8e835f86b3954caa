"""Upper bound from zero successes, without a model or a prior.

With no success in n_i tries of question i, the chances p_i allowed at level 1-α satisfy Σ n_i·(-log(1-p_i)) ≤ -log α.
The mean of 1-(1-p_i)^k is concave in -log(1-p_i), so it is largest where the whole allowance is distributed as evenly
as the attempts permit; with n attempts each it is 1 - α^(k/(mn)).
"""

import numpy as np
from numpy.typing import NDArray

from overthink.stats.counts import Counts

Array = NDArray[np.float64]

HALVINGS = 200


def zero_success_bound(attempts: Counts, k: Counts, *, tail: float) -> Array:
    """Return the largest mean over questions of 1-(1-p)^k compatible with zero successes.

    Args:
        attempts: (question,) number of attempts, 1 or more, none of them a success.
        k: (k,) tries.
        tail: Chance of no success at all at the bound, such as 0.05.

    Returns:
        (k,), not decreasing with k.

    Example:
        >>> zero_success_bound(np.array([100, 100]), np.array([1]), tail=0.05).round(4).tolist()
        [0.0149]
    """
    allowance = -float(np.log(tail))
    n = attempts.astype(np.float64)
    if attempts.min() == attempts.max():
        return np.asarray(-np.expm1(-allowance * k / (n[0] * len(n))))
    # Optimality condition with multiplier "price": the hazards are h_i = log(k·price/n_i)/k where that is positive.
    ratio = np.log(n / n.min())[:, None]
    low, high = np.zeros(len(k)), allowance * k / n.min() + ratio.max() + 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        usage = (n[:, None] * np.maximum(middle - ratio, 0.0)).sum(axis=0) / k
        low, high = np.where(usage < allowance, middle, low), np.where(usage < allowance, high, middle)
    return np.asarray((-np.expm1(-np.maximum(high - ratio, 0.0))).mean(axis=0))


def any_question_bound(attempts: Counts, k: Counts, *, tail: float) -> Array:
    """Return the largest chance of any success in k tries of each question compatible with zero successes, (k,).

    The whole allowance goes to the question with the fewest attempts.
    """
    return np.asarray(-np.expm1(np.log(tail) * k / float(attempts.min())))
