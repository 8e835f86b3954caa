"""How often a hypothesis in three parts is confirmed where it holds, and where the truth contradicts it."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from calibration.population import MEMBERS, Population, logit_normal
from overthink.data.hypothesis import Part, read_hypothesis
from overthink.stats.hypothesis import HypothesisTest, hypothesis_verdict
from overthink.stats.multiplier_bootstrap import SIGN_RESAMPLES, signs, units

BUDGETS = (0, 500, 1000, 2000, 4000, 8000, 16000, 32000)
TEXT = "up@2k,flat@8k,down"
PARTS = tuple(part for part in read_hypothesis(TEXT) if isinstance(part, Part))
MARGIN, ALPHA = 0.06, 0.05
QUESTIONS, DRAWS = 200, 4

CLAIM = (0.60, 0.75, 0.80, 0.85, 0.85, 0.85, 0.72, 0.60)
CONTRARY: dict[str, tuple[float, ...]] = {
    "no plateau": (0.60, 0.70, 0.78, 0.85, 0.80, 0.75, 0.68, 0.60),
    "rises until 8k": (0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.72, 0.60),
    "rises beyond 8k, on the null": (0.60, 0.75, 0.80, 0.85, 0.85, 0.85, 0.60, 0.66),
    "step at 4k": (0.60, 0.70, 0.75, 0.75, 0.85, 0.85, 0.72, 0.60),
    "falls within 0-2k": (0.85, 0.80, 0.75, 0.70, 0.70, 0.70, 0.65, 0.60),
    "flat throughout": (0.70,) * 8,
    "10-point fall between 2k and 4k": (0.60, 0.75, 0.80, 0.90, 0.80, 0.80, 0.70, 0.60),
    "fall inside part 1": (0.60, 0.85, 0.78, 0.72, 0.72, 0.72, 0.60, 0.50),
}
"""Curves that the hypothesis does not describe."""

TRUTHS = {"the claim": CLAIM, **CONTRARY}


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting: the truth, and the spread in logits of questions and of their own deviations at each rung."""

    truth: str
    effect_sd: float = 1.0
    interaction_sd: float = 0.0


SPREADS = ((0.5, 0.0), (1.0, 0.0), (1.5, 0.0), (1.0, 0.7))
CELLS = tuple(Cell(truth, *spread) for truth in TRUTHS for spread in SPREADS)


def with_interaction(
    curve: tuple[float, ...], *, effect_sd: float, interaction_sd: float, rng: np.random.Generator
) -> Population:
    """Questions that deviate from the curve at every rung by themselves; the mean over all is the curve asked for."""
    if not interaction_sd:
        return logit_normal(curve, effect_sd=effect_sd, slope_sd=0.0, rng=rng)
    offset = effect_sd * rng.standard_normal((MEMBERS, 1)) + interaction_sd * rng.standard_normal((MEMBERS, len(curve)))
    low, high = np.full(len(curve), -60.0), np.full(len(curve), 60.0)
    for _ in range(60):  # halving: the mean rises with the location
        middle = (low + high) / 2
        is_below = special.expit(middle + offset).mean(axis=0) < np.asarray(curve)
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return Population(special.expit((low + high) / 2 + offset))


def labels(cell: Cell, *, runs: int, seed: int) -> Counter[str]:
    """How often each label of the whole was given in simulated studies of one setting."""
    found: Counter[str] = Counter()
    population = with_interaction(
        TRUTHS[cell.truth],
        effect_sd=cell.effect_sd,
        interaction_sd=cell.interaction_sd,
        rng=np.random.default_rng(seed),
    )
    for run in range(runs):
        rng = np.random.default_rng([seed, 14, run])
        found[label(population.study(questions=QUESTIONS, draws=DRAWS, rng=rng), rng)] += 1
    return found


def label(values: NDArray[np.float64], rng: np.random.Generator) -> str:
    """The label of the whole, from values (question, draw, rung)."""
    on_rungs = units(values.mean(axis=1))
    flips = signs(len(values), rng=rng, resamples=SIGN_RESAMPLES)
    spec = HypothesisTest(PARTS, MARGIN, ALPHA)
    return hypothesis_verdict(on_rungs, BUDGETS, spec, flips, n_questions=len(values)).label
