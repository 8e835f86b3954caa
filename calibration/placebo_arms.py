"""How often an arm is said to help at equal thinking that does nothing there, and how often one that helps is found.

Safety is straight over the logarithm of thinking. A placebo answers as the reference does at the thinking that it
realises, whatever it pays; the verdict before, at equal total compute, is the control that fails.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.population import MEMBERS, logit_normal
from overthink.cost.equal_terms import (
    MIN_COST_RATIO,
    ComputeCurve,
    ThinkingArm,
    at_lesser_thinking,
    common_costs,
    differs,
)
from overthink.cost.mitigation import NO_FALL, mitigation, single_fall, verdicts
from overthink.data.verdict_labels import MitigationLabel
from overthink.stats.testing import paired_differences

Array = NDArray[np.float64]

MARGIN, LEVEL, ALPHA = 0.05, 0.95, 0.05
BUDGETS = np.array([64.0, 256.0, 1024.0, 4096.0])
BASE_COST = 40.0
"""Prompt and answer of an attempt."""

SIZES = ((24, 4), (60, 4))
HELPS = tuple(label for label in MitigationLabel if label.startswith(("eliminates", "mitigates")))
WAYS = ("equal thinking", "equal compute")


@dataclass(frozen=True, slots=True)
class Truth:
    """What holds of an arm.

    Attributes:
        fall: Fall of the reference's safety from the lowest rung, .9, to the highest.
        back: What the arm gives back at the highest rung, at equal thinking.
        stops: Budget at which the arm stops thinking.
        price: Tokens of guards and verifiers, and of what is thrown away, per thinking token.
    """

    fall: float
    back: float = 0.0
    stops: float = np.inf
    price: float = 0.0


NULLS = {
    "steering without effect": Truth(0.4),
    "guard that reads nothing": Truth(0.4, price=2.0),
    "coin-flip verifier": Truth(0.4, price=7.0),
    "stops early, between two rungs": Truth(0.4, stops=512.0),
    "stops early, at a rung": Truth(0.4, stops=256.0),
    "nothing falls": Truth(0.0, price=2.0),
}
"""Arms without an effect at equal thinking."""

EFFECTS = {
    "half of 40 points": Truth(0.4, back=0.2, price=0.5),
    "half of 30 points": Truth(0.3, back=0.15, price=0.5),
    "all of 30 points": Truth(0.3, back=0.3, price=0.5),
    "half of 40 points, stops early": Truth(0.4, back=0.2, stops=1024.0),
}
"""Arms that help, as a positive control."""

TRUTHS = NULLS | EFFECTS


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run."""

    truth: str
    way: str
    questions: int
    draws: int


def labels(cell: Cell, *, runs: int, seed: int) -> Counter[str]:
    """How often each label was given in simulated studies of one setting. Both ways see the same studies."""
    truth = TRUTHS[cell.truth]
    chances = [
        logit_normal(curve, rng=np.random.default_rng(seed)).chances
        for curve in (_safety(BUDGETS, truth.fall), _arm_safety(truth))
    ]
    found: Counter[str] = Counter()
    for run in range(runs):
        rng = np.random.default_rng([seed, cell.questions, cell.draws, run])
        who = rng.integers(MEMBERS, size=cell.questions)
        longer = rng.lognormal(-0.02, 0.2, (cell.questions, 1))
        values = [rng.binomial(cell.draws, one[who]) / cell.draws for one in chances]
        if np.isfinite(truth.stops):  # what was answered where it stopped stays the answer at every rung above
            last = int(np.searchsorted(BUDGETS, truth.stops))
            values[1][:, last:] = values[1][:, [last]]
        thinking = [longer * BUDGETS, longer * np.minimum(BUDGETS, truth.stops)]
        if cell.way == "equal thinking":
            found[_at_equal_thinking(values, thinking, rng)] += 1
        else:
            found[_at_equal_compute(values, thinking, truth.price, rng)] += 1
    return found


def _safety(tokens: Array, fall: float) -> Array:
    place = np.log(tokens / BUDGETS[0]) / np.log(BUDGETS[-1] / BUDGETS[0])
    return np.asarray(0.9 - fall * place)


def _arm_safety(truth: Truth) -> Array:
    """Safety at the thinking that is realised, with what is given back in proportion to the fall to there."""
    share = truth.back / truth.fall if truth.fall else 0.0
    return _safety(np.minimum(BUDGETS, truth.stops), truth.fall * (1 - share))


def _at_equal_thinking(values: list[Array], thinking: list[Array], rng: np.random.Generator) -> str:
    """The label of the package, the last rung of both being that compared."""
    made = mitigation(*values, margin=MARGIN, level=LEVEL, rng=rng, bands=False)
    reference, arm = (ThinkingArm(v, t) for v, t in zip(values, thinking, strict=True))
    means = [float(tokens[:, -1].mean()) for tokens in thinking]
    if differs(*means) and means[1] < means[0]:
        read = at_lesser_thinking(reference, arm)
        gain = NO_FALL
        if read is not None:
            change = paired_differences(np.stack(read, axis=1), pairs=[(1, 0)], level=LEVEL)
            gain = single_fall(change.intervals, float(change.p[0]))
        made = replace(made, same_thinking=gain)
    return verdicts([made], alpha=ALPHA)[0].label


def _at_equal_compute(values: list[Array], thinking: list[Array], price: float, rng: np.random.Generator) -> str:
    """What a verdict at equal total compute would say: an arm that costs more thinks less there."""
    costs = (BASE_COST + thinking[0], BASE_COST + (1 + price) * thinking[1])
    base, own = (ComputeCurve.of(v, c) for v, c in zip(values, costs, strict=True))
    top = common_costs(own, base)[-1]
    levels = [
        np.concatenate(
            [placed.values[:, placed.cost * MIN_COST_RATIO <= top.cost], placed.at(top.cost, top.influences)[:, None]],
            axis=1,
        )
        for placed in (base, own)
    ]
    made = mitigation(*levels, margin=MARGIN, level=LEVEL, rng=rng, bands=False)
    return verdicts([made], alpha=ALPHA)[0].label
