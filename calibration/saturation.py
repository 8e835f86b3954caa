"""How often a straight rise is called saturating, and how often a plateau is."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.population import logit_normal
from overthink.data.verdict_labels import ShapeLabel
from overthink.stats.multiplier_bootstrap import all_pairs, units
from overthink.stats.shape import shape_verdict
from overthink.stats.testing import p_equivalent

ALPHA = 0.05
EFFECT_SD = 1.0
PLATEAU = (0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8)
RUNGS = (3, 4, 5, 6, 8)
SLOPES = (0.01, 0.02, 0.04)
"""Rise per doubling; with the smallest, the top half of a straight rise lies within the margin."""

STRAIGHT_SIZES = ((100, 4), (500, 8))
STRAIGHT_MARGIN = 0.06
PLATEAU_SIZES = ((300, 4, 0.06, 0.80), (500, 4, 0.05, 0.85))
"""(questions, draws, margin, bar)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting.

    Attributes:
        curve: (rung,) true means.
        questions: Questions of the study.
        draws: Draws per question.
        margin: Largest difference that does not matter.
    """

    curve: tuple[float, ...]
    questions: int
    draws: int
    margin: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Labels of the studies of one setting.

    Attributes:
        labels: How often each label was given.
        without_slopes: Studies that rise from end to end and whose top half is equivalent within the margin: the test
            that takes no account of slopes, as a positive control.
    """

    labels: Counter[str]
    without_slopes: int


def straight(rungs: int, slope: float) -> tuple[float, ...]:
    """Return a curve that rises by the same amount with every doubling."""
    return tuple((0.5 + slope * np.arange(rungs)).round(9).tolist())


def budgets(rungs: int) -> NDArray[np.float64]:
    """Return a ladder of doublings from 0."""
    return np.array([0, *(512 * 2**i for i in range(rungs - 1))], dtype=np.float64)


def outcome(cell: Cell, *, runs: int, seed: int) -> Outcome:
    """Return what simulated studies of one setting are called."""
    population = logit_normal(cell.curve, effect_sd=EFFECT_SD, slope_sd=0.0, rng=np.random.default_rng([seed, 81]))
    n_rungs = len(cell.curve)
    later, earlier = all_pairs(n_rungs)
    upper = earlier >= n_rungs // 2
    counts: Counter[str] = Counter()
    without_slopes = 0
    for run in range(runs):
        rng = np.random.default_rng([seed, 82, cell.questions, cell.draws, run])
        values = population.study(questions=cell.questions, draws=cell.draws, rng=rng)
        verdict = shape_verdict(values, budgets(n_rungs), margin=cell.margin, alpha=ALPHA, rng=rng)
        counts[verdict.label] += 1
        changes = units(values.mean(axis=1)).differences(later, earlier)
        level_top = p_equivalent(changes[:, upper], margin=cell.margin, all_parts=changes)
        without_slopes += max(dict(verdict.claims)[ShapeLabel.UP], level_top) <= ALPHA
    return Outcome(counts, without_slopes)
