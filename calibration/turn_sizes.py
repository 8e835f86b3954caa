"""How often the interval of the largest rise or fall holds the truth, and how often a fall is shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.population import logit_normal
from overthink.stats.bootstrap import CHANGE, mean_intervals, question_weights
from overthink.stats.turning_points import turn_sizes

LEVEL = 0.95

CURVES: dict[str, tuple[float, ...]] = {
    "flat": (0.7,) * 8,
    "plateau": (0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8),
    "hump, 25 points": (0.60, 0.75, 0.80, 0.85, 0.85, 0.85, 0.72, 0.60),
    "hump, 10 points": (0.70, 0.75, 0.80, 0.80, 0.80, 0.80, 0.75, 0.70),
    "fall, 25 points": (0.85, 0.81, 0.78, 0.74, 0.71, 0.67, 0.64, 0.60),
}
EFFECT_SD = 1.0
SIZES = ((40, 4), (100, 4), (200, 4))


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting: a curve of ``CURVES`` and the size of the study."""

    curve: str
    questions: int
    draws: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Shares and means over the studies of one setting.

    Attributes:
        rise: Share of intervals that hold the true rise.
        drawdown: Share of intervals that hold the true drawdown.
        shown: Share of studies in which a fall is shown.
        width: Mean width of the drawdown's interval.
        estimate: Mean estimate of the drawdown.
        naive: Share of pointwise intervals at the selected pair that hold the true drawdown, the positive control.
    """

    rise: float
    drawdown: float
    shown: float
    width: float
    estimate: float
    naive: float


def true_sizes(curve: NDArray[np.float64]) -> tuple[float, float]:
    """Return the largest rise and the largest fall of a curve."""
    lowest, highest = np.minimum.accumulate(curve), np.maximum.accumulate(curve)
    return float((curve - lowest).max()), float((highest - curve).max())


def coverage(cell: Cell, *, runs: int, seed: int) -> Outcome:
    """Return how the intervals did in simulated studies of one setting."""
    population = logit_normal(
        CURVES[cell.curve], effect_sd=EFFECT_SD, slope_sd=0.0, rng=np.random.default_rng([seed, 71])
    )
    true_rise, true_fall = true_sizes(population.curve.round(9))
    rows = []
    for run in range(runs):
        rng = np.random.default_rng([seed, 72, cell.questions, cell.draws, run])
        cells = population.study(questions=cell.questions, draws=cell.draws, rng=rng).mean(axis=1)
        rise, fall = turn_sizes(cells, level=LEVEL, rng=rng)
        change = (cells[:, fall.from_rung] - cells[:, fall.rung])[:, None]
        weights = question_weights(cell.questions, rng=rng, resamples=500)
        naive = mean_intervals(change, weights, level=LEVEL, support=CHANGE)
        rows.append(
            (
                rise.low <= true_rise <= rise.high,
                fall.low <= true_fall <= fall.high,
                fall.is_shown,
                fall.high - fall.low,
                fall.estimate,
                naive.low[0] <= true_fall <= naive.high[0],
            )
        )
    return Outcome(*np.array(rows, dtype=np.float64).mean(axis=0).tolist())
