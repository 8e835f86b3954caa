"""Prior of the chance of success per attempt: its grid, three mixing families, and the bound from zero successes.

The grid has a fine resolution for rare successes. A question's chance p is placed in cells of equal width in log
p/(1-p), from 1e-14 to 1 - 6e-6. Chances below the grid count as its lowest cell and chances above it as its highest: at
a billion tries the lowest cell adds 1e-5.

Three families of distributions describe how the chance of success differs between questions. They agree within the
attempts and differ in the unobserved tail of rare successes: in the beta and Kumaraswamy families the chances fall off
as a power, in the logit-normal family faster than any power. A hundred attempts cannot distinguish them, so they get
equal weights. Priors are weak and were set before looking at data: log a ~ N(log 0.4, 1.2), log b ~ N(log 5, 2.5); mean
log odds ~ N(-6, 4), log of their standard deviation ~ N(log 2.5, 0.6).

The upper bound from zero successes needs no model. With no success in n_i tries of question i, the chances p_i allowed
at level 1-α satisfy Σ n_i·(-log(1-p_i)) ≤ -log α. The mean of 1-(1-p_i)^k is concave in -log(1-p_i), so it is largest
where the whole allowance is distributed as evenly as the attempts permit; with n attempts each it is 1 - α^(k/(mn)).
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.data.arrays import Array
from overthink.stats.subsets import Counts

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


@dataclass(frozen=True, slots=True)
class MixingFamily:
    """One family with two parameters, and independent normal priors on them.

    Attributes:
        name: Name of the family.
        means: Prior means of the parameters.
        deviations: Prior standard deviations of the parameters.
        below: Maps parameters, (set, 2), to the share of questions below each inner edge of the grid, (set, edge).
    """

    name: str
    means: tuple[float, float]
    deviations: tuple[float, float]
    below: Callable[[Array], Array]

    def masses(self, parameters: Array) -> Array:
        """Return the share of questions in each cell.

        Args:
            parameters: (set, 2).

        Returns:
            (set, cell); each row sums to 1, the outer cells include the mass beyond the grid.
        """
        share = self.below(parameters)
        ends = np.zeros((len(parameters), 1)), np.ones((len(parameters), 1))
        return np.maximum(np.diff(np.concatenate([ends[0], share, ends[1]], axis=1), axis=1), 0.0)

    def log_prior(self, parameters: Array) -> Array:
        """Return the log prior density up to a constant, (set,)."""
        score = (parameters - np.array(self.means)) / np.array(self.deviations)
        return np.asarray(-0.5 * (score**2).sum(axis=1))


def _beta(parameters: Array) -> Array:
    a, b = np.exp(parameters[:, :1]), np.exp(parameters[:, 1:])
    return np.asarray(special.betainc(a, b, special.expit(_inner_edges())))


def _kumaraswamy(parameters: Array) -> Array:
    a, b = np.exp(parameters[:, :1]), np.exp(parameters[:, 1:])
    log_power = a * special.log_expit(_inner_edges())
    return np.asarray(-np.expm1(b * np.log(-np.expm1(log_power))))


def _logit_normal(parameters: Array) -> Array:
    mean, spread = parameters[:, :1], np.exp(parameters[:, 1:])
    return np.asarray(special.ndtr((_inner_edges() - mean) / spread))


def _inner_edges() -> Array:
    return chance_grid().edges[1:-1]


_SHAPES = (float(np.log(0.4)), float(np.log(5.0))), (1.2, 2.5)

MIXING_FAMILIES = (
    MixingFamily("beta", *_SHAPES, _beta),
    MixingFamily("Kumaraswamy", *_SHAPES, _kumaraswamy),
    MixingFamily("logit-normal", (-6.0, float(np.log(2.5))), (4.0, 0.6), _logit_normal),
)

DOUBT_FAMILY = MIXING_FAMILIES[0]
"""Family of the other questions where a share of them is supposed to be without any chance of success."""
UNSOLVABLE = tuple((np.arange(10) + 0.5) / 10)
"""Shares of questions without any chance, equally likely a priori."""

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
