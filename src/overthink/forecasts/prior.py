"""Grid of the chance of success per attempt, with a fine resolution for rare successes.

A question's chance p is placed in cells of equal width in log p/(1-p), from 1e-14 to 1 - 6e-6. Chances below the grid
count as its lowest cell and chances above it as its highest: at a billion tries the lowest cell adds 1e-5.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.stats.counts import Counts

GRID_CELLS = 300
LOWEST, HIGHEST = -32.3, 12.0
NODES_PER_CELL = 8
QUESTIONS_AT_ONCE = 16
"""Number of questions per chunk, so that a chunk fits into a processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class ChanceGrid:
    """Cells of the chance of success.

    Attributes:
        edges: (cell + 1,) ends of the cells, as log odds.
        log_chance: (cell, node) log p at the nodes of each cell.
        log_miss: (cell, node) log(1 - p) at the same nodes.
        weights: (node,) quadrature weights of the mean over a cell; they sum to 1.
    """

    edges: NDArray[np.float64]
    log_chance: NDArray[np.float64]
    log_miss: NDArray[np.float64]
    weights: NDArray[np.float64]

    def likelihood(self, attempts: Counts, successes: Counts) -> NDArray[np.float64]:
        """Return the binomial likelihood of each question's counts, mean over each cell, up to a factor per question.

        Stopping at a success does not change the likelihood: it stays p^c (1-p)^(n-c) under outcome-dependent stopping.

        Args:
            attempts: (question,) number of attempts.
            successes: (question,) number of successes.

        Returns:
            (question, cell), at most 1.
        """
        return self.mean_over_cells(self.log_chance, successes, self.log_miss, attempts - successes)

    def mean_over_cells(
        self, log_event: NDArray[np.float64], times: Counts, log_other: NDArray[np.float64], other_times: Counts
    ) -> NDArray[np.float64]:
        """Return exp(times·log_event + other_times·log_other), mean over each cell, up to a factor per question.

        Args:
            log_event: (cell, node) log chance of the event.
            times: (question,) number of occurrences of the event.
            log_other: (cell, node) log chance of the other event.
            other_times: (question,) number of occurrences of the other event.

        Returns:
            (question, cell).
        """
        means = np.empty((len(times), len(log_event)))
        for start in range(0, len(times), QUESTIONS_AT_ONCE):
            part = slice(start, start + QUESTIONS_AT_ONCE)
            log = times[part, None, None] * log_event + other_times[part, None, None] * log_other
            means[part] = np.exp(log - log.max(axis=(1, 2), keepdims=True)) @ self.weights
        return means

    def miss(self, k: ArrayLike) -> NDArray[np.float64]:
        """Return the chance that all k tries fail, (1-p)^k, mean over each cell.

        Args:
            k: (k,) tries; any positive numbers.

        Returns:
            (cell, k).
        """
        tries = np.atleast_1d(np.asarray(k, dtype=np.float64))
        return np.stack([np.exp(n * self.log_miss) @ self.weights for n in tries], axis=1)

    def hit(self, k: ArrayLike) -> NDArray[np.float64]:
        """Return the chance that at least one of k tries succeeds, accurate for tiny chances, (cell, k)."""
        tries = np.atleast_1d(np.asarray(k, dtype=np.float64))
        return np.stack([-np.expm1(n * self.log_miss) @ self.weights for n in tries], axis=1)


@functools.cache
def chance_grid() -> ChanceGrid:
    """Return the grid that all forecasts use."""
    edges = np.linspace(LOWEST, HIGHEST, GRID_CELLS + 1)
    node, weight = np.polynomial.legendre.leggauss(NODES_PER_CELL)
    half = (edges[1] - edges[0]) / 2
    odds = (edges[:-1] + half)[:, None] + half * node
    grid = ChanceGrid(edges, -np.log1p(np.exp(-odds)), -np.log1p(np.exp(odds)), weight / 2)
    for array in (grid.edges, grid.log_chance, grid.log_miss, grid.weights):
        array.setflags(write=False)
    return grid
