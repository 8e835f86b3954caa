"""How often a paired difference of two arms holds the truth, and how often its verdict is a wrong claim."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import special

from calibration.population import Population, logit_normal
from overthink.stats.curve import question_means
from overthink.stats.paired import PairedMethod, paired_mean

LEVEL = 0.95
MARGIN = 0.05
BASES = (0.03, 0.1, 0.5, 0.9)
"""Mean of the reference."""

TRUTHS = {"none": 0.0, "the margin": MARGIN}
"""True difference by name: at either a verdict has its null, "different" at none and "equivalent" at the margin."""

SIZES = tuple(product((20, 50, 100, 500), (1, 4)))
"""Questions, and draws of each."""

COVERED = (0.93, 0.97)
"""Coverage of a well-fed interval; where few questions change, an honest one covers more."""

EXPECTED_CHANGED = 20.0
"""Mean number of questions that change from which on the upper end of the bar applies."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run."""

    base: float
    truth: str
    questions: int
    draws: int


@dataclass(frozen=True, slots=True)
class Shares:
    """What paired comparisons did.

    Attributes:
        covered: Share of studies whose interval holds the truth.
        different: Share in which a difference is shown.
        equivalent: Share in which the difference is shown to be less than the margin.
        student: Share with Student's interval, and none of the wider ones.
        changed: Mean number of questions whose means differ.
        width: Mean width of the interval.
        unpaired: Mean width of Welch's interval of two independent groups of questions.
        allowed: Standard error of a paired difference over that of an unpaired one, in the population.
    """

    covered: float
    different: float
    equivalent: float
    student: float
    changed: float
    width: float
    unpaired: float
    allowed: float


def cells() -> list[Cell]:
    """All settings."""
    return [Cell(base, truth, *size) for truth, base, size in product(TRUTHS, BASES, SIZES)]


def shares(cell: Cell, *, runs: int, seed: int) -> Shares:
    """What paired comparisons of simulated studies of one setting did."""
    curve = (cell.base, cell.base + TRUTHS[cell.truth])
    population = logit_normal(curve, rng=np.random.default_rng(0))
    truth = float(population.curve[1] - population.curve[0])
    counts = np.zeros(7)
    for run in range(runs):
        rng = np.random.default_rng([seed, cell.questions, cell.draws, run])
        means = question_means(population.study(questions=cell.questions, draws=cell.draws, rng=rng))
        change = means[:, 1] - means[:, 0]
        found = paired_mean(change, level=LEVEL, margin=MARGIN)
        counts += [
            found.low <= truth <= found.high,
            found.p <= 1 - LEVEL,
            found.p_equivalent <= 1 - LEVEL,
            found.method is PairedMethod.STUDENT,
            np.count_nonzero(change),
            found.high - found.low,
            _unpaired(means),
        ]
    return Shares(*(counts / runs).tolist(), allowed=_allowed(population, cell.draws))


def _unpaired(means: NDArray[np.float64]) -> float:
    """Width of Welch's interval, as if either arm had questions of its own."""
    n = len(means)
    variance = means.var(axis=0, ddof=1) / n
    if not variance.any():
        return 0.0
    df = variance.sum() ** 2 / (variance**2 / (n - 1)).sum()
    return float(2 * special.stdtrit(df, (1 + LEVEL) / 2) * np.sqrt(variance.sum()))


def _allowed(population: Population, draws: int) -> float:
    """Ratio of standard errors that the correlation of the two arms' question means allows, exactly."""
    chances = population.chances
    within = (chances * (1 - chances)).mean(axis=0).sum() / draws
    between = chances.var(axis=0).sum()
    paired = (chances[:, 1] - chances[:, 0]).var() + within
    return float(np.sqrt(paired / (between + within)))
