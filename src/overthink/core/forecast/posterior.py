"""What a family makes of the counts: draws of every question's chance of success, given what was seen of it.

The two parameters are integrated over a grid that is laid round their posterior and refined until it resolves it. For
each of the parameter sets drawn from it, every question's chance is drawn given its own counts: the question set
is the evaluator's own, not a sample of another one, so a forecast is about these very questions.
"""

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

MOST_DRAWS, QUESTION_DRAWS = 300, 120_000
"""Draws per family, and questions times draws at most, which bounds time for large banks."""
CHUNK = 3_000_000
"""Numbers held at once while questions are drawn."""


def parameter_posterior(family: Family, likelihood: Array, times: Counts) -> tuple[Array, Array]:
    """Points of the parameters, and their posterior weights.

    Args:
        family: The family.
        likelihood: (distinct, cell) of the distinct pairs of attempts and successes.
        times: (distinct,) questions with that pair.

    Returns:
        (point, 2) parameters and (point,) weights that sum to 1.
    """
    centre, spread = np.array(family.centre), np.array(family.spread)
    low, high = centre - REACH * spread, centre + REACH * spread
    for _ in range(ROUNDS):
        axes = [np.linspace(low[i], high[i], SIDE) for i in range(2)]
        points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
        evidence = family.masses(points) @ likelihood.T
        log = np.log(np.maximum(evidence, 1e-300)) @ times + family.log_prior(points)
        weights = np.exp(log - log.max())
        weights /= weights.sum()
        if 1 / (weights**2).sum() >= RESOLVED:
            break
        counts = points[log > log.max() - NEGLIGIBLE]
        step = (high - low) / (SIDE - 1)
        low, high = counts.min(axis=0) - step, counts.max(axis=0) + step
    return points, weights


def draw_questions(
    family: Family, likelihood: Array, times: Counts, *, draws: int, rng: np.random.Generator
) -> Array:
    """Draws of the chances of all questions, as counts over the cells of the grid.

    Args:
        family: The family.
        likelihood: (distinct, cell).
        times: (distinct,) questions with that pair.
        draws: How many.
        rng: Randomness.

    Returns:
        (draw, cell) how many questions have their chance in each cell.
    """
    points, weights = parameter_posterior(family, likelihood, times)
    # Evenly spaced along the cumulated weights: as random as needed, and less noisy than independent draws.
    chosen = np.searchsorted(weights.cumsum(), (np.arange(draws) + rng.random()) / draws).clip(max=len(points) - 1)
    masses = family.masses(points[chosen])
    owner = np.repeat(np.arange(len(times)), times)
    counts = np.empty((draws, CELLS))
    size = max(1, CHUNK // likelihood.size)
    for start in range(0, draws, size):
        part = masses[start : start + size]
        cumulated = (part[:, None, :] * likelihood).cumsum(axis=2)
        cumulated /= np.maximum(cumulated[:, :, -1:], 1e-300)
        rows = np.arange(len(part) * len(times)).reshape(len(part), -1)
        uniform = rows[:, owner] + rng.random((len(part), len(owner)))
        cell = np.searchsorted((rows[:, :, None] + cumulated).ravel(), uniform) - rows[:, owner] * CELLS
        flat = np.arange(len(part))[:, None] * CELLS + cell.clip(0, CELLS - 1)
        counts[start : start + size] = np.bincount(flat.ravel(), minlength=len(part) * CELLS).reshape(-1, CELLS)
    return counts


def number_of_draws(questions: int) -> int:
    """Draws per family for a bank of so many questions."""
    return int(np.clip(QUESTION_DRAWS // questions, 60, MOST_DRAWS))


def question_cells(family: Family, likelihood: Array, times: Counts) -> Array:
    """Posterior of each distinct pair's chance, (distinct, cell), over the parameters too; rows sum to 1."""
    points, weights = parameter_posterior(family, likelihood, times)
    masses = family.masses(points)
    evidence = np.maximum(masses @ likelihood.T, 1e-300)
    return np.asarray(((weights[:, None] / evidence).T @ masses) * likelihood)
