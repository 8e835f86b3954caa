"""The one generator of simulated studies: a population of questions whose curve is known exactly.

A population is a table of chances, one row per question that could be asked. Its curve is the mean of its rows, with no
simulation error; a study draws questions from it, with replacement, and draws answers to each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

MEMBERS = 8192
"""Questions in a population."""

GRADES = 3.0
"""Precision of a graded value: its variance within a question is 1/(1 + this) of a yes-or-no answer's."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Questions that could be asked.

    Attributes:
        chances: (member, rung) expected value of each question at each rung.
        graded: Whether values lie anywhere in [0, 1], rather than being 0 or 1.
    """

    chances: NDArray[np.float64]
    graded: bool = False

    @property
    def curve(self) -> NDArray[np.float64]:
        """(rung,) the truth that a study estimates."""
        return np.asarray(self.chances.mean(axis=0))

    def study(self, *, questions: int, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Values of one simulated study, (question, draw, rung)."""
        chance = self.chances[rng.integers(len(self.chances), size=questions)][:, None, :]
        shape = (questions, draws, chance.shape[2])
        if self.graded:
            chance = np.clip(np.broadcast_to(chance, shape), 1e-9, 1 - 1e-9)
            return rng.beta(GRADES * chance, GRADES * (1 - chance))
        return (rng.random(shape) < chance).astype(np.float64)


def logit_normal(
    curve: ArrayLike, *, effect_sd: float = 1.5, slope_sd: float = 0.5, skewed: bool = False, rng: np.random.Generator
) -> Population:
    """Questions of differing difficulty that also respond differently to thinking.

    logit chance = location(rung) + effect_sd·u + slope_sd·v·x(rung), x from 0 at the lowest rung to 1 at the highest.
    The locations are solved so that the population's curve is the one asked for: slopes alone would bend it.

    Args:
        curve: (rung,) mean wanted at each rung, inside (0, 1).
        effect_sd: Standard deviation of question effects, in logits.
        slope_sd: Standard deviation of slopes from the lowest to the highest rung, in logits.
        skewed: Slopes are exponential about their mean: most questions fall a little, few rise by much.
        rng: Draws the members.
    """
    wanted = np.asarray(curve, dtype=np.float64)
    effect, slope = rng.standard_normal((2, MEMBERS))
    if skewed:
        slope = rng.exponential(size=MEMBERS) - 1
    along = np.linspace(0, 1, len(wanted))
    offset = effect_sd * effect[:, None] + slope_sd * slope[:, None] * along

    def location(rung: int, mean: float) -> float:
        return float(optimize.brentq(lambda a: special.expit(a + offset[:, rung]).mean() - mean, -60, 60))

    at = np.array([location(rung, mean) for rung, mean in enumerate(wanted)])
    return Population(special.expit(at + offset))


def beta(curve: ArrayLike, *, icc: float, graded: bool = False) -> Population:
    """Questions whose draws are alike to a given degree.

    Args:
        curve: (rung,) mean wanted at each rung; met up to the grain of the population.
        icc: Share of the variance of a value that lies between questions, in (0, 1).
        graded: Whether values are graded.
    """
    between = icc / (1 + GRADES * (1 - icc)) if graded else icc
    rank = (np.arange(MEMBERS) + 0.5) / MEMBERS
    precision = (1 - between) / between
    chances = [special.betaincinv(mean * precision, (1 - mean) * precision, rank) for mean in np.asarray(curve)]
    return Population(np.stack(chances, axis=1), graded=graded)
