"""Regimes: pre-registered stretches of the ladder, such as up to 2,000 tokens, up to 8,000, and above."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Regime:
    """One stretch of the ladder and its mean. The band is simultaneous over the regimes.

    Attributes:
        above: Budgets are above this; None for the first regime.
        up_to: Budgets are at most this; None for the last regime.
        budgets: The rungs' budgets in it.
        estimate: Mean over its rungs and the questions; NaN if unknown.
        low: Lower end of the band; NaN if there is none.
        high: Upper end; NaN if there is none.
    """

    above: float | None
    up_to: float | None
    budgets: tuple[float, ...]
    estimate: float
    low: float
    high: float


def boundaries(hypothesis: Sequence[float]) -> NDArray[np.float64]:
    """Return the validated boundaries of a hypothesis.

    Raises:
        ValueError: There are none, one is not finite, or they do not increase.
    """
    edges = np.asarray(hypothesis, dtype=np.float64)
    if edges.ndim != 1 or not edges.size or not np.isfinite(edges).all():
        raise ValueError(f"the hypothesis is {hypothesis!r}; needed: boundaries in tokens, such as 2000,8000")
    if (np.diff(edges) <= 0).any():
        raise ValueError(f"the hypothesis {hypothesis!r} does not increase; needed: boundaries such as 2000,8000")
    return edges


def assign(budgets: NDArray[np.float64], hypothesis: Sequence[float]) -> NDArray[np.int64]:
    """Return the regime of each rung. A budget equal to a boundary belongs to the regime below it.

    Args:
        budgets: (rung,) increasing.
        hypothesis: Boundaries in the units of the budgets, increasing.

    Returns:
        (rung,) number of the regime, from 0.

    Raises:
        ValueError: No boundaries, boundaries that do not increase, or a regime without a rung.

    Example:
        >>> assign(np.array([0.0, 1000, 2000, 4000, 16000]), (2000, 8000)).tolist()
        [0, 0, 0, 1, 2]
    """
    edges = boundaries(hypothesis)
    regime = np.searchsorted(edges, budgets, side="left")
    empty = sorted(set(range(edges.size + 1)) - set(regime.tolist()))
    if empty:
        raise ValueError(
            f"hypothesis {tuple(edges.tolist())} leaves regime {empty[0] + 1} of {edges.size + 1} without a "
            f"rung among budgets {budgets.tolist()}; needed: a rung in each; move the boundaries or add rungs"
        )
    return np.asarray(regime, dtype=np.int64)


def regime_means(cells: NDArray[np.float64], regime: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (question, regime) means over the rungs of each regime, from (question, rung) cells."""
    member = (regime[:, None] == np.arange(regime.max() + 1)).astype(np.float64)
    return np.asarray(cells @ (member / member.sum(axis=0)))
