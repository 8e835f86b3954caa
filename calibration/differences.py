"""How often intervals of differences near 0 and 1 hold the truth, and how often such a difference is shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from calibration.population import Population, beta, logit_normal
from overthink.stats.curve import question_means
from overthink.stats.testing import paired_differences

CHANGES = {"from .02 to .10": (0.02, 0.1), "from .90 to .98": (0.9, 0.98), "from .50 to .60": (0.5, 0.6)}
SIZES = ((20, 2), (30, 4), (60, 4))
GENERATORS = ("logit-normal", "beta", "beta, graded")
ICC = 0.3
LEVEL = 0.95

BAR = 0.93
"""Least coverage of every cell."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run."""

    change: str
    generator: str
    questions: int
    draws: int


@dataclass(frozen=True, slots=True)
class Shares:
    """What intervals did, as shares of studies; Student's interval without pseudo-questions is the positive control.

    Attributes:
        covered: The truth lies inside.
        understated: The truth lies further from 0 than the whole interval.
        shown: The interval leaves out 0.
        plain: The truth lies inside Student's interval.
        plain_understated: The truth lies further from 0 than all of Student's interval.
    """

    covered: float
    understated: float
    shown: float
    plain: float
    plain_understated: float


def shares(cell: Cell, *, runs: int, seed: int) -> Shares:
    """Shares of simulated studies of one setting."""
    population = _population(cell)
    truth = float(population.curve[1] - population.curve[0])
    counts = np.zeros(5)
    for run in range(runs):
        rng = np.random.default_rng([seed, cell.questions, cell.draws, run])
        cells = question_means(population.study(questions=cell.questions, draws=cell.draws, rng=rng))
        found = paired_differences(cells, pairs=[(1, 0)], level=LEVEL).intervals
        low, high = float(found.low[0]), float(found.high[0])
        plain_low, plain_high = _student(cells[:, 1] - cells[:, 0])
        counts += [
            low <= truth <= high,
            high < truth,
            low > 0 or high < 0,
            plain_low <= truth <= plain_high,
            plain_high < truth,
        ]
    return Shares(*(counts / runs).tolist())


def _population(cell: Cell) -> Population:
    curve = CHANGES[cell.change]
    if cell.generator == "logit-normal":
        return logit_normal(curve, rng=np.random.default_rng(0))
    return beta(curve, icc=ICC, graded=cell.generator.endswith("graded"))


def _student(change: NDArray[np.float64]) -> tuple[float, float]:
    half = float(special.stdtrit(len(change) - 1, (1 + LEVEL) / 2) * change.std(ddof=1) / np.sqrt(len(change)))
    return float(change.mean()) - half, float(change.mean()) + half
