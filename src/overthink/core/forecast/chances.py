"""The chance of success per attempt, on a grid that is fine where rare successes live.

A question's chance p is placed in cells of equal width in log p/(1-p), from 1e-14 to 1 - 6e-6. What is below the grid
counts as its lowest cell and what is above as its highest: at a billion tries the lowest cell adds 1e-5.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.core.counts import Counts

CELLS = 300
LOWEST, HIGHEST = -32.3, 12.0
NODES_PER_CELL = 8
QUESTIONS_AT_ONCE = 16
"""As many as fit into a processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class ChanceGrid:
    """Cells of the chance of success.

    Attributes:
        edges: (cell + 1,) ends of the cells, as log odds.
        log_chance: (cell, node) log p at the nodes of each cell.
        log_miss: (cell, node) log(1 - p) there.
        weights: (node,) of the mean over a cell; they sum to 1.
    """

    edges: NDArray[np.float64]
    log_chance: NDArray[np.float64]
    log_miss: NDArray[np.float64]
    weights: NDArray[np.float64]

    def likelihood(self, attempts: Counts, successes: Counts) -> NDArray[np.float64]:
        """Binomial likelihood of each question's counts, mean over each cell, up to a factor per question.

        Stopping at a success does not change it: whoever stops when the outcome says so sees the same p^c (1-p)^(n-c).

        Args:
            attempts: (question,) tries made.
            successes: (question,) of them.

        Returns:
            (question, cell), at most 1.
        """
        return self.mean_over_cells(self.log_chance, successes, self.log_miss, attempts - successes)

    def mean_over_cells(
        self, one: NDArray[np.float64], times: Counts, other: NDArray[np.float64], others: Counts
    ) -> NDArray[np.float64]:
        """exp(times·one + others·other), mean over each cell, up to a factor per question, (question, cell).

        Args:
            one: (cell, node) logarithm of what happened.
            times: (question,) how often.
            other: (cell, node) logarithm of what happened else.
            others: (question,) how often.
        """
        made = np.empty((len(times), len(one)))
        for start in range(0, len(times), QUESTIONS_AT_ONCE):
            part = slice(start, start + QUESTIONS_AT_ONCE)
            log = times[part, None, None] * one + others[part, None, None] * other
            made[part] = np.exp(log - log.max(axis=(1, 2), keepdims=True)) @ self.weights
        return made

    def miss(self, k: ArrayLike) -> NDArray[np.float64]:
        """Chance that k tries all fail, (1-p)^k, mean over each cell.

        Args:
            k: (k,) tries; any positive numbers.

        Returns:
            (cell, k).
        """
        tries = np.atleast_1d(np.asarray(k, dtype=np.float64))
        return np.stack([np.exp(one * self.log_miss) @ self.weights for one in tries], axis=1)

    def hit(self, k: ArrayLike) -> NDArray[np.float64]:
        """Chance that one of k tries succeeds, exact where it is tiny, (cell, k)."""
        tries = np.atleast_1d(np.asarray(k, dtype=np.float64))
        return np.stack([-np.expm1(one * self.log_miss) @ self.weights for one in tries], axis=1)


@functools.cache
def chance_grid() -> ChanceGrid:
    """The grid that all forecasts use."""
    edges = np.linspace(LOWEST, HIGHEST, CELLS + 1)
    node, weight = np.polynomial.legendre.leggauss(NODES_PER_CELL)
    half = (edges[1] - edges[0]) / 2
    odds = (edges[:-1] + half)[:, None] + half * node
    grid = ChanceGrid(edges, -np.log1p(np.exp(-odds)), -np.log1p(np.exp(odds)), weight / 2)
    for array in (grid.edges, grid.log_chance, grid.log_miss, grid.weights):
        array.setflags(write=False)
    return grid
