"""How often a hump as high as the minimum detectable effect is shown among other curves, and flat ones are not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.population import Population, logit_normal
from overthink.analysis.families import resamples
from overthink.data.verdict_labels import ShapeLabel
from overthink.stats.curve import question_means
from overthink.stats.shape import ShapeTest, ShapeVerdict, shape_of_cells
from overthink.stats.testing import holm

BUDGETS = (0, 512, 1024, 2048, 4096)
TENT = np.array([0, 0.5, 1, 0.5, 0])
START = 0.6
MARGIN = 0.05
ALPHA = 0.05
SIZES = (1, 20)
QUESTIONS, DRAWS = 100, 4
PILOTS = 200
"""Flat studies whose mean minimum detectable effect is the height of the tent."""

POWER = (0.75, 0.85)
"""Bar for the share of studies in which the tent is called a hump."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run.

    Attributes:
        size: Curves of the family; all but the tent are flat.
        corrected: Whether the height is the effect of the corrected verdict; else of a curve alone, the control.
    """

    size: int
    corrected: bool = True


@dataclass(frozen=True, slots=True)
class Shares:
    """What verdicts did.

    Attributes:
        height: Height of the tent.
        hump: Share of studies in which the tent is a hump.
        false: Share of studies in which some flat curve gets another label than flat; 0 without flat curves.
    """

    height: float
    hump: float
    false: float


def shares(cell: Cell, *, runs: int, seed: int) -> Shares:
    """Shares of simulated studies of one setting."""
    flat = _population(0.0)
    spec = ShapeTest(MARGIN, ALPHA, None, resamples(cell.size, ALPHA), cell.size)
    pilot = spec if cell.corrected else ShapeTest(MARGIN, ALPHA)
    height = float(np.mean([_verdict(flat, pilot, [seed, 0, i]).mde for i in range(PILOTS)]))
    tent = _population(height)
    counts = np.zeros(2)
    for run in range(runs):
        verdicts = [_verdict(tent if i == 0 else flat, spec, [seed, 1, run, i]) for i in range(cell.size)]
        p = holm([verdict.p_value for verdict in verdicts])
        labels = [v.label if p[i] <= ALPHA else ShapeLabel.UNDETERMINED for i, v in enumerate(verdicts)]
        counts += [
            labels[0] == ShapeLabel.HUMP,
            any(label not in (ShapeLabel.FLAT, ShapeLabel.UNDETERMINED) for label in labels[1:]),
        ]
    return Shares(height, *(counts / runs).tolist())


def _population(height: float) -> Population:
    curve: NDArray[np.float64] = START + height * TENT
    return logit_normal(curve, rng=np.random.default_rng(0))


def _verdict(population: Population, spec: ShapeTest, seed: list[int]) -> ShapeVerdict:
    rng = np.random.default_rng(seed)
    cells = question_means(population.study(questions=QUESTIONS, draws=DRAWS, rng=rng))
    return shape_of_cells(cells, BUDGETS, spec, rng=rng)
