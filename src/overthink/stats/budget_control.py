"""Budget control of a strategy, and its gain per budget: control, scaling and performance.

The three metrics of s1 (Muennighoff et al., arXiv 2501.19393): control is the share of traces whose thinking lies
between the requested minimum and maximum, scaling the mean slope between every two budgets, performance the
highest value of the curve.
"""

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from overthink.data.arrays import Array


def within_budget(thinking_tokens: Array, most: ArrayLike, *, least: ArrayLike = 0.0) -> Array:
    """Whether each trace is within its budget: 1 or 0, NaN where its tokens are unknown.

    Args:
        thinking_tokens: Realised, (question, draw, rung); NaN where unknown.
        most: (rung,) maximum tokens.
        least: (rung,) minimum tokens, where there is one.

    Example:
        >>> within_budget(np.array([[[3.0, 9.0, np.nan]]]), [4, 8, 16]).tolist()
        [[[1.0, 0.0, nan]]]
    """
    is_within = (thinking_tokens <= np.asarray(most)) & (thinking_tokens >= np.asarray(least))
    return np.where(np.isnan(thinking_tokens), np.nan, is_within)


def control(thinking_tokens: Array, most: ArrayLike, *, least: ArrayLike = 0.0) -> Array:
    """Each question's share of traces, over all rungs, within their budgets.

    Returns:
        (question,); NaN where no trace's tokens are known. The mean over questions is s1's control, in [0, 1].
    """
    is_within = within_budget(thinking_tokens, most, least=least).reshape(len(thinking_tokens), -1)
    is_known = ~np.isnan(is_within)
    return np.where(
        is_known.any(axis=1), np.where(is_known, is_within, 0).sum(axis=1) / np.maximum(is_known.sum(axis=1), 1), np.nan
    )


def scaling(cells: Array, budgets: ArrayLike) -> Array:
    """The mean slope between every two budgets, value per token: (1 / C(n, 2)) Σ_{b > a} (f(b) - f(a)) / (b - a).

    It is linear in the values, so that the mean over questions of this is this of the mean over questions.

    Args:
        cells: (..., rung) values.
        budgets: (rung,) budgets in tokens, strictly increasing; at least two.

    Returns:
        (...); NaN where a value is unknown.

    Raises:
        ValueError: Fewer than two budgets, or they do not increase.

    Example:
        >>> float(scaling(np.array([0.2, 0.4, 0.5]), [0, 10, 20]).round(6))
        0.015
    """
    return np.asarray(cells @ slope_weights(budgets))


def slope_weights(budgets: ArrayLike) -> Array:
    """Weight of each rung's value in :func:`scaling`, (rung,); they add up to 0."""
    tokens = np.asarray(budgets, dtype=np.float64)
    if tokens.size < 2 or (np.diff(tokens) <= 0).any():
        raise ValueError(f"budgets are {tokens.tolist()}; needed: two or more that strictly increase")
    weights = np.zeros(tokens.size)
    pairs = list(combinations(range(tokens.size), 2))
    for low, high in pairs:
        slope = 1 / (tokens[high] - tokens[low]) / len(pairs)
        weights[high] += slope
        weights[low] -= slope
    return weights


def steepest(budgets: ArrayLike) -> float:
    """The largest size that :func:`scaling` can have for values in [0, 1]."""
    weights = slope_weights(budgets)
    return float(weights[weights > 0].sum())
