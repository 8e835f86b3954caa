"""Budgets as multiples of a stated reference budget."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def budget_multiple(budget: ArrayLike, *, reference: float) -> NDArray[np.float64]:
    """K: a budget divided by a reference budget in the same unit (tokens, FLOP, USD or tries).

    Args:
        budget: Budgets, any shape; NaN where unknown.
        reference: The budget that counts as K = 1.

    Returns:
        K, of the same shape; NaN where the budget is unknown.

    Raises:
        ValueError: A budget is negative, or the reference is not a positive finite number.

    Example:
        >>> budget_multiple([64, 256], reference=128).tolist()
        [0.5, 2.0]
    """
    if not (np.isfinite(reference) and reference > 0):
        raise ValueError(f"the reference budget is {reference}; needed: a positive number to divide by")
    budgets = np.asarray(budget, dtype=np.float64)
    if (budgets < 0).any():
        raise ValueError(f"a budget is {np.nanmin(budgets):g}; needed: 0 or more")
    return np.asarray(budgets / reference)
