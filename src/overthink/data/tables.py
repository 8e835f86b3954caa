"""Validation of a table of values and of its ladder."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_values(values: ArrayLike, *, name: str = "values") -> NDArray[np.float64]:
    """Return the validated table as floats.

    Raises:
        ValueError: Not (question, draw, rung), one of them 0, or a value outside [0, 1]. NaN is allowed.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 3 or 0 in table.shape:
        raise ValueError(f"{name} has shape {table.shape}; needed: (question, draw, rung), none of them 0")
    outside = table[~np.isnan(table) & ~((table >= 0) & (table <= 1))]
    if outside.size:
        raise ValueError(f"{name} holds {outside[0]:g}; needed: from 0 (wrong, harmful, refused) to 1; rescale")
    return table


def check_budgets(budgets: Sequence[float] | NDArray[np.float64], *, rungs: int) -> NDArray[np.float64]:
    """Return the validated budgets as floats.

    Raises:
        ValueError: Not one budget per rung, fewer than two rungs, a negative or infinite budget, or budgets that do
            not increase.
    """
    ladder = np.asarray(budgets, dtype=np.float64)
    if ladder.shape != (rungs,):
        raise ValueError(f"budgets has shape {ladder.shape}; needed: one budget per rung, ({rungs},)")
    if rungs < 2:
        raise ValueError("there is one rung; needed: two at least, to compare")
    if not np.isfinite(ladder).all() or (ladder < 0).any() or (np.diff(ladder) <= 0).any():
        raise ValueError(f"budgets are {ladder.tolist()}; needed: tokens, from 0, increasing")
    return ladder
