"""Posterior of a family given the counts: draws of every question's chance of success.

The two parameters are integrated over a grid around their posterior, refined until it resolves the posterior. For each
parameter set drawn from it, every question's chance is drawn given the question's counts: the forecast is about these
very questions, not about a population that they are a sample of.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overthink.data.arrays import Array
from overthink.forecasts.prior import GRID_CELLS, MixingFamily
from overthink.stats.subsets import Counts

GRID_SIDE = 20
"""Grid points along each parameter."""
GRID_REACH = 3.5
"""Half-width of the first grid, in prior standard deviations."""
NEGLIGIBLE = 11.0
"""Distance of the log posterior from its maximum beyond which a point is ignored."""
ENOUGH_POINTS = 12.0
"""Effective number of grid points at which the grid is fine enough."""
GRID_ROUNDS = 5
IMPOSSIBLE = 1e-6
"""Relative likelihood below which a question with these counts cannot be without any chance."""

TINY = 1e-300
CHUNK = 3_000_000
"""Size of the largest array while questions are drawn, in numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Posterior of one family given the counts.

    Attributes:
        points: (point, 2) parameters.
        unsolvable: (point,) share of questions without any chance of success, beside the family's others.
        weights: (point,) posterior weights of the points, summing to 1.
        masses: (point, cell) the family's share of questions in each cell, once for all shares of questions without
            any chance.
        likelihood: (distinct, cell) likelihood of the distinct pairs of attempts and successes.
        times: (distinct,) number of questions with that pair.
    """

    points: Array
    unsolvable: Array
    weights: Array
    masses: Array
    likelihood: Array
    times: Counts

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Draw all questions' chances of success.

        Args:
            draws: Number of draws.
            rng: Random generator.

        Returns:
            (draw, cell) number of questions with their chance in each cell.
        """
        # Evenly spaced along the cumulated weights: as random as needed, and less noisy than independent draws.
        positions = (np.arange(draws) + rng.random()) / draws
        indices = np.searchsorted(self.weights.cumsum(), positions).clip(max=len(self.points) - 1)
        # The positions ascend, so draws from one parameter set are adjacent and computed together.
        sets, first = np.unique(indices, return_index=True)
        ends = [*first[1:], draws]
        masses = self._masses(sets)
        owner = np.repeat(np.arange(len(self.times)), self.times)
        counts = np.empty((draws, GRID_CELLS))
        size = max(1, CHUNK // self.likelihood.size)
        for start in range(0, len(sets), size):
            part = masses[start : start + size]
            low, high = first[start], ends[start + len(part) - 1]
            which = np.repeat(np.arange(len(part)), np.diff([*first[start : start + len(part)], high]))
            cell = _draw_cells(part[:, None, :] * self.likelihood, which, owner, rng)
            flat = np.arange(high - low)[:, None] * GRID_CELLS + cell
            counts[low:high] = np.bincount(flat.ravel(), minlength=(high - low) * GRID_CELLS).reshape(-1, GRID_CELLS)
        return counts

    def cells(self) -> Array:
        """Return the posterior of each distinct pair's chance of success, (distinct, cell); each row sums to 1."""
        masses = self._masses(np.arange(len(self.points)))
        evidence = np.maximum(masses @ self.likelihood.T, TINY)
        return np.asarray(((self.weights[:, None] / evidence).T @ masses) * self.likelihood)

    def _masses(self, points: Counts) -> Array:
        """Return the share of questions in each cell at these points, (point, cell)."""
        without = self.unsolvable[points]
        masses = (1 - without)[:, None] * self.masses[points // (len(self.points) // len(self.masses))]
        masses[:, 0] += without
        return np.asarray(masses)


def posterior(
    family: MixingFamily, likelihood: Array, times: Counts, *, unsolvable: Sequence[float] = (0.0,)
) -> Posterior:
    """Return the posterior of a family.

    Args:
        family: The family.
        likelihood: (distinct, cell) likelihood of the distinct pairs of attempts and successes.
        times: (distinct,) number of questions with that pair.
        unsolvable: Possible shares of questions without any chance of success, equally likely a priori; by default
            there are no such questions.
    """
    shares = np.array(unsolvable)
    # The lowest cell stands for no chance, and its own chance of a success, tiny but not 0, must not explain one.
    without = np.where(likelihood[:, 0] < IMPOSSIBLE * likelihood.max(axis=1), 0.0, likelihood[:, 0])
    low, high = _reach(family)
    for number in range(GRID_ROUNDS):
        points, masses = _grid(family, low, high) if number else _first_grid(family)
        evidence = masses @ likelihood.T
        log = _mixed_evidence(evidence, without, times, shares) + family.log_prior(points)[:, None]
        weights = np.exp(log - log.max())
        weights /= weights.sum()
        if 1 / (weights.sum(axis=1) ** 2).sum() >= ENOUGH_POINTS:
            break
        relevant = points[log.max(axis=1) > log.max() - NEGLIGIBLE]
        step = (high - low) / (GRID_SIDE - 1)
        low, high = relevant.min(axis=0) - step, relevant.max(axis=0) + step
    points, shares = np.repeat(points, len(shares), axis=0), np.tile(shares, len(points))
    return Posterior(points, shares, weights.ravel(), masses, likelihood, times)


def _reach(family: MixingFamily) -> tuple[Array, Array]:
    """Return the lowest and the highest parameters of the first grid."""
    means, deviations = np.array(family.means), np.array(family.deviations)
    return means - GRID_REACH * deviations, means + GRID_REACH * deviations


@functools.cache
def _first_grid(family: MixingFamily) -> tuple[Array, Array]:
    """Return the grid with which every posterior of a family begins; its masses take a third of a forecast."""
    grid = _grid(family, *_reach(family))
    for array in grid:
        array.setflags(write=False)
    return grid


def _grid(family: MixingFamily, low: Array, high: Array) -> tuple[Array, Array]:
    """Return the points of a grid, (point, 2), and the family's masses there, (point, cell)."""
    axes = [np.linspace(low[i], high[i], GRID_SIDE) for i in range(2)]
    points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    return points, family.masses(points)


def _mixed_evidence(evidence: Array, without: Array, times: Counts, shares: Array) -> Array:
    """Return the log-likelihood at each point and share of questions without any chance, (point, share).

    Args:
        evidence: (point, distinct) chance of each pair by the family.
        without: (distinct,) chance of each pair without any chance of success; 0 with a success.
        times: (distinct,) number of questions with that pair.
        shares: (share,) shares of questions without any chance.
    """
    solved = without == 0
    total = np.log(np.maximum(evidence[:, solved], TINY)) @ times[solved]
    columns = []
    for share in shares:
        unsolved = np.log(np.maximum((1 - share) * evidence[:, ~solved] + share * without[~solved], TINY))
        columns.append(total + times[solved].sum() * np.log1p(-share) + unsolved @ times[~solved])
    return np.stack(columns, axis=1)


def _draw_cells(weights: Array, which: Counts, owner: Counts, rng: np.random.Generator) -> Counts:
    """Draw one cell for each question in each draw, by inverting the cumulative weights.

    Args:
        weights: (set, distinct, cell), not normalised.
        which: (draw,) index of its parameter set.
        owner: (question,) index of its distinct pair.
        rng: Random generator.

    Returns:
        (draw, question).
    """
    cumulative = weights.cumsum(axis=2)
    cumulative /= np.maximum(cumulative[:, :, -1:], TINY)
    sets, distinct, cells = cumulative.shape
    row = np.arange(sets * distinct).reshape(sets, distinct)
    cumulative += row[:, :, None]  # one ascending sequence, so that a single search covers all rows
    rows = row[which[:, None], owner]
    positions = np.searchsorted(cumulative.ravel(), rows + rng.random(rows.shape))
    return np.asarray((positions - rows * cells).clip(0, cells - 1))
