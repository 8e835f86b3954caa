"""What a family makes of the counts: draws of every question's chance of success, given what was seen of it.

The two parameters are integrated over a grid that is laid round their posterior and refined until it resolves it. For
each of the parameter sets drawn from it, every question's chance is drawn given its own counts: the question set
is the evaluator's own, not a sample of another one, so a forecast is about these very questions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.counts import Counts
from overthink.core.forecast.chances import CELLS
from overthink.core.forecast.mixing import Family

Array = NDArray[np.float64]

SIDE = 20
"""Points along each parameter."""
REACH = 3.5
"""Prior standard deviations from the prior's centre to the end of the first grid."""
NEGLIGIBLE = 11.0
"""Log posterior below its maximum at which a point no longer counts."""
RESOLVED = 12.0
"""Effective number of points at which a grid is fine enough."""
ROUNDS = 5

TINY = 1e-300
CHUNK = 3_000_000
"""Numbers held at once while questions are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """One family after seeing the counts.

    Attributes:
        family: The family.
        points: (point, 2) parameters.
        weights: (point,) their posterior weights, summing to 1.
        likelihood: (distinct, cell) of the distinct pairs of attempts and successes.
        times: (distinct,) questions with that pair.
    """

    family: Family
    points: Array
    weights: Array
    likelihood: Array
    times: Counts

    def draw(self, draws: int, rng: np.random.Generator) -> Array:
        """Draws of all questions' chances of success.

        Args:
            draws: How many.
            rng: Randomness.

        Returns:
            (draw, cell) how many questions have their chance in each cell.
        """
        # Evenly spaced along the cumulated weights: as random as needed, and less noisy than independent draws.
        places = (np.arange(draws) + rng.random()) / draws
        chosen = np.searchsorted(self.weights.cumsum(), places).clip(max=len(self.points) - 1)
        # The places ascend, so draws from one parameter set stand together: its work is done once for all of them.
        sets, first = np.unique(chosen, return_index=True)
        ends = [*first[1:], draws]
        masses = self.family.masses(self.points[sets])
        owner = np.repeat(np.arange(len(self.times)), self.times)
        counts = np.empty((draws, CELLS))
        size = max(1, CHUNK // self.likelihood.size)
        for start in range(0, len(sets), size):
            part = masses[start : start + size]
            low, high = first[start], ends[start + len(part) - 1]
            which = np.repeat(np.arange(len(part)), np.diff([*first[start : start + len(part)], high]))
            cell = _draw_cells(part[:, None, :] * self.likelihood, which, owner, rng)
            flat = np.arange(high - low)[:, None] * CELLS + cell
            counts[low:high] = np.bincount(flat.ravel(), minlength=(high - low) * CELLS).reshape(-1, CELLS)
        return counts

    def cells(self) -> Array:
        """Posterior of each distinct pair's chance of success, (distinct, cell); each row sums to 1."""
        masses = self.family.masses(self.points)
        evidence = np.maximum(masses @ self.likelihood.T, TINY)
        return np.asarray(((self.weights[:, None] / evidence).T @ masses) * self.likelihood)


def posterior(family: Family, likelihood: Array, times: Counts) -> Posterior:
    """The family's posterior.

    Args:
        family: The family.
        likelihood: (distinct, cell) of the distinct pairs of attempts and successes.
        times: (distinct,) questions with that pair.
    """
    centre, spread = np.array(family.centre), np.array(family.spread)
    low, high = centre - REACH * spread, centre + REACH * spread
    for _ in range(ROUNDS):
        axes = [np.linspace(low[i], high[i], SIDE) for i in range(2)]
        points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
        evidence = family.masses(points) @ likelihood.T
        log = np.log(np.maximum(evidence, TINY)) @ times + family.log_prior(points)
        weights = np.exp(log - log.max())
        weights /= weights.sum()
        if 1 / (weights**2).sum() >= RESOLVED:
            break
        kept = points[log > log.max() - NEGLIGIBLE]
        step = (high - low) / (SIDE - 1)
        low, high = kept.min(axis=0) - step, kept.max(axis=0) + step
    return Posterior(family, points, weights, likelihood, times)


def _draw_cells(weights: Array, which: Counts, owner: Counts, rng: np.random.Generator) -> Counts:
    """One cell for each question in each draw, by inverting the cumulated weights.

    Args:
        weights: (set, distinct, cell), not normalised.
        which: (draw,) its set.
        owner: (question,) its distinct pair.
        rng: Randomness.

    Returns:
        (draw, question).
    """
    cumulated = weights.cumsum(axis=2)
    cumulated /= np.maximum(cumulated[:, :, -1:], TINY)
    sets, distinct, cells = cumulated.shape
    row = np.arange(sets * distinct).reshape(sets, distinct)
    cumulated += row[:, :, None]  # one long ascending line, so that one search finds them all
    mine = row[which[:, None], owner]
    found = np.searchsorted(cumulated.ravel(), mine + rng.random(mine.shape))
    return np.asarray((found - mine * cells).clip(0, cells - 1))
