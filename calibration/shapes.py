"""How often a verdict on the shape is false, and how often a true hump is found."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from calibration.population import logit_normal
from overthink.stats.regimes import doublings
from overthink.stats.shape import shape_verdict

BUDGETS = (0, 512, 1024, 2048, 4096, 8192, 16384, 32768)
HYPOTHESIS = (1024, 8192)
MARGIN = 0.03
SLOPES = {"low": 0.5, "strong": 3.0}
SKEWED = "skewed"
"""Slopes as strong, exponential about their mean; of flat curves only."""

STEP = np.arange(8) / 7
RISING_THEN_LEVEL = np.minimum(np.arange(8) / 3, 1)
TENT = np.array([0, 1, 2, 3, 3, 2, 1, 0]) / 3
BLOCK = np.array([0, 0, 0, 1, 1, 1, 0, 0])

CURVES: dict[str, NDArray[np.float64]] = {
    "flat": np.full(8, 0.7),
    "rising": 0.6 + 0.25 * STEP,
    "saturating": 0.55 + 0.2 * RISING_THEN_LEVEL,
    "tent, 5 points": 0.7 + 0.05 * TENT,
    "block, 5 points": 0.7 + 0.05 * BLOCK,
    "tent, 10 points": 0.7 + 0.1 * TENT,
}
RISES = ("rising", "saturating")
NULLS = ("flat", *RISES)
FALSE = ("hump", "dip", "down")
"""Labels that are wrong for every one of the ``NULLS``."""

FALSE_OF_FLAT = (*FALSE, "up", "saturating")
"""Labels that are wrong for a flat curve: all but flat and undetermined."""

SIZES = ((100, 4), (100, 5), (200, 4), (200, 5), (313, 4), (313, 5))
LARGER_STEPS = ((100, 4), (200, 4), (313, 5))
"""Three of the sizes, for more studies of each."""

Verdict = Callable[[NDArray[np.float64], np.random.Generator], str]
"""From values, (question, draw, rung), to a label."""


def by_regimes(values: NDArray[np.float64], rng: np.random.Generator) -> str:
    """The primary verdict, on pre-registered regimes."""
    return shape_verdict(values, BUDGETS, margin=MARGIN, hypothesis=HYPOTHESIS, rng=rng).label


def by_max_t(values: NDArray[np.float64], rng: np.random.Generator) -> str:
    """The secondary verdict."""
    return shape_verdict(values, BUDGETS, margin=MARGIN, rng=rng).label


def by_quadratic(values: NDArray[np.float64], rng: np.random.Generator) -> str:
    """What papers do, as a positive control: a quadratic with its top inside the ladder is a hump."""
    del rng
    means = values.mean(axis=1)
    axis = doublings(np.array(BUDGETS, dtype=np.float64))
    design = np.vander(axis, 3, increasing=True)
    coefficient = means @ np.linalg.pinv(design).T  # (question, power): one fit per question, so errors are clustered
    centre = coefficient.mean(axis=0)
    t = centre[2] / (coefficient[:, 2].std(ddof=1) / np.sqrt(len(means)))
    vertex = -centre[1] / (2 * centre[2])
    inside = axis[0] < vertex < axis[-1]
    significant = 2 * special.stdtr(len(means) - 1, -abs(t)) <= 0.05
    return ("hump" if t < 0 else "dip") if significant and inside else "undetermined"


METHODS: dict[str, Verdict] = {"regimes": by_regimes, "max-t": by_max_t}


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run."""

    curve: str
    slopes: str
    questions: int
    draws: int
    method: str


def labels(cell: Cell, *, runs: int, seed: int, verdict: Verdict | None = None) -> Counter[str]:
    """How often each label was given in simulated studies of one setting. Methods see the same studies."""
    is_skewed = cell.slopes == SKEWED
    slope_sd = SLOPES["strong" if is_skewed else cell.slopes]
    curve, members = CURVES[cell.curve], np.random.default_rng(seed)
    population = logit_normal(curve, slope_sd=slope_sd, skewed=is_skewed, rng=members)
    verdict = METHODS[cell.method] if verdict is None else verdict
    found: Counter[str] = Counter()
    for run in range(runs):
        rng = np.random.default_rng([seed, cell.questions, cell.draws, run])
        found[verdict(population.study(questions=cell.questions, draws=cell.draws, rng=rng), rng)] += 1
    return found


def limit(share: float, runs: int) -> float:
    """A share plus two Monte Carlo standard errors."""
    return share + 2 * float(np.sqrt(share * (1 - share) / runs))
