"""How often intervals and bands hold the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.population import beta
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import mean_intervals, question_weights
from overthink.stats.curve import question_means
from overthink.stats.divergence import divergence

MEANS = (0.02, 0.1, 0.5, 0.9, 0.98)
CURVE = (0.25, 0.35, 0.5, 0.6, 0.65, 0.6)
LOSS = (0.8, 0.8, 0.75, 0.7, 0.6, 0.5)
"""Safety under the curve of capability, for the divergence."""

BUDGETS = (0, 512, 1024, 2048, 4096, 8192)
ICCS = (0.1, 0.5, 0.9)
SIZES = (30, 100, 500)
DRAWS = 4
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run."""

    graded: bool
    icc: float
    questions: int


def pointwise(cell: Cell, *, runs: int, seed: int, level: float = LEVEL) -> NDArray[np.float64]:
    """Coverage of the interval of a mean, at each of the ``MEANS``."""
    population = beta(MEANS, icc=cell.icc, graded=cell.graded)
    held = np.zeros(len(MEANS))
    for run in range(runs):
        rng = np.random.default_rng([seed, cell.questions, run])
        cells = question_means(population.study(questions=cell.questions, draws=DRAWS, rng=rng))
        found = mean_intervals(cells, question_weights(cell.questions, rng=rng), level=level)
        held += (found.low <= population.curve) & (population.curve <= found.high)
    return held / runs


def simultaneous(cell: Cell, *, runs: int, seed: int) -> tuple[float, float]:
    """Coverage of whole curves, by the band and, as a positive control, by the pointwise intervals."""
    population = beta(CURVE, icc=cell.icc, graded=cell.graded)
    held = np.zeros(2)
    for run in range(runs):
        rng = np.random.default_rng([seed, cell.questions, run])
        cells = question_means(population.study(questions=cell.questions, draws=DRAWS, rng=rng))
        one_by_one = mean_intervals(cells, question_weights(cell.questions, rng=rng), level=LEVEL)
        for i, found in enumerate((simultaneous_bands(cells, level=LEVEL, rng=rng), one_by_one)):
            held[i] += bool(((found.low <= population.curve) & (population.curve <= found.high)).all())
    return float(held[0] / runs), float(held[1] / runs)


def gap(cell: Cell, *, runs: int, seed: int) -> float:
    """Coverage of the band of the divergence, with half as many questions on the safety axis."""
    gains, losses = (beta(curve, icc=cell.icc, graded=cell.graded) for curve in (CURVE, LOSS))
    truth = (gains.curve - gains.curve[0]) - (losses.curve - losses.curve[0])
    held = 0
    for run in range(runs):
        rng = np.random.default_rng([seed, cell.questions, run])
        capability = gains.study(questions=cell.questions, draws=DRAWS, rng=rng)
        safety = losses.study(questions=max(cell.questions // 2, 2), draws=DRAWS, rng=rng)
        found = divergence(capability, safety, BUDGETS, level=LEVEL, rng=rng)
        held += bool(((found.low <= truth) & (truth <= found.high)).all())
    return held / runs
