"""How often a verdict on a mitigation is wrong: two arms whose curves over total compute are known exactly."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from calibration.population import MEMBERS, logit_normal
from overthink.cost.equal_terms import MIN_COST_RATIO, ComputeCurve, common_costs
from overthink.cost.mitigation import mitigation, verdicts
from overthink.data.verdict_labels import MitigationLabel

Array = NDArray[np.float64]

MARGIN, LEVEL, ALPHA = 0.05, 0.95, 0.05
COST = np.array([40.0, 160.0, 640.0, 2560.0])
"""Mean total compute of the reference at its rungs."""

GUARD = 1.5
"""What the arm costs over the reference at the same rung."""

PLACE = np.log(COST / COST[0]) / np.log(COST[-1] / COST[0])
SIZES = ((60, 4), (200, 4))

Curve = Callable[[Array], Array]
"""Safety by place on the log axis of total compute: 0 at the reference's lowest rung, 1 at its highest."""


def line(start: float, end: float) -> Curve:
    """A straight line over log compute, which reading between rungs hits exactly."""
    return lambda place: np.clip(start + (end - start) * np.asarray(place), 0.02, 0.98)


def hump(start: float, peak: float, end: float) -> Curve:
    """Up to two thirds of the axis, then down. The bend is a rung of the reference."""
    return lambda place: np.interp(place, [0, 2 / 3, 1, 2], [start, peak, end, end])


@dataclass(frozen=True, slots=True)
class Truth:
    """What holds of two arms, and what would be wrong to say."""

    reference: Curve
    arm: Curve
    wrong: tuple[str, ...]


TRUTHS = {
    "no effect": Truth(
        line(0.9, 0.6),
        line(0.9, 0.6),
        (MitigationLabel.ELIMINATES, MitigationLabel.MITIGATES, MitigationLabel.OPEN, MitigationLabel.WORSENS),
    ),
    "half of it": Truth(line(0.9, 0.6), line(0.9, 0.75), (MitigationLabel.ELIMINATES, MitigationLabel.WORSENS)),
    "all but δ": Truth(line(0.9, 0.6), line(0.9, 0.85), (MitigationLabel.ELIMINATES, MitigationLabel.WORSENS)),
    "all of it": Truth(line(0.9, 0.6), line(0.9, 0.9), (MitigationLabel.MITIGATES, MitigationLabel.WORSENS)),
    "all of it, after a rise": Truth(
        hump(0.8, 0.9, 0.6), line(0.9, 0.9), (MitigationLabel.MITIGATES, MitigationLabel.WORSENS)
    ),
    "worse": Truth(
        line(0.9, 0.75), line(0.9, 0.6), (MitigationLabel.ELIMINATES, MitigationLabel.MITIGATES, MitigationLabel.OPEN)
    ),
    "no degradation, level": Truth(
        line(0.8, 0.8), line(0.8, 0.8), tuple(v for v in MitigationLabel if v != MitigationLabel.UNTESTABLE)
    ),
    "no degradation, a better arm": Truth(
        line(0.7, 0.7),
        line(0.8, 0.8),
        (MitigationLabel.ELIMINATES, MitigationLabel.MITIGATES, MitigationLabel.OPEN, MitigationLabel.NO_EFFECT),
    ),
}

WAYS = ("equal compute", "equal rung")

FOUND = {
    "half of it": MitigationLabel.MITIGATES,
    "all of it": MitigationLabel.ELIMINATES,
    "worse": MitigationLabel.WORSENS,
}
"""What a study should find."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run."""

    truth: str
    way: str
    questions: int
    draws: int


Verdict = Callable[[Array, Array, np.random.Generator], str]
"""From safety of the reference and of the arm, (question, level) with the top last, to a label."""


def by_test(reference: Array, arm: Array, rng: np.random.Generator) -> str:
    """The verdict of the package."""
    made = mitigation(reference, arm, margin=MARGIN, level=LEVEL, rng=rng, bands=False)
    return verdicts([made], alpha=ALPHA)[0].label


def by_p_values(reference: Array, arm: Array, rng: np.random.Generator) -> str:
    """What papers do, as a positive control: t-tests from the best rung seen, and p > .05 is taken for "equal"."""
    del rng
    best = reference[:, int(reference.mean(axis=0).argmax())]
    if not _falls(best, reference[:, -1]):
        return MitigationLabel.UNTESTABLE
    if _falls(reference[:, -1], arm[:, -1]):
        return MitigationLabel.WORSENS
    if not _falls(arm[:, -1], reference[:, -1]):
        return MitigationLabel.NO_EFFECT
    return MitigationLabel.MITIGATES if _falls(best, arm[:, -1]) else MitigationLabel.ELIMINATES


def labels(cell: Cell, *, runs: int, seed: int, verdict: Verdict = by_test) -> Counter[str]:
    """How often each label was given in simulated studies of one setting. Ways and verdicts see the same studies."""
    world = _world(cell.truth, cell.way, seed)
    found: Counter[str] = Counter()
    for run in range(runs):
        rng = np.random.default_rng([seed, cell.questions, cell.draws, run])
        who = rng.integers(MEMBERS, size=cell.questions)
        values = [rng.binomial(cell.draws, arm.chances[who]) / cell.draws for arm in world]
        cost = [arm.cost[who] * rng.lognormal(-0.02, 0.2, (len(who), len(COST))) for arm in world]
        levels = _at_equal_compute(values, cost) if cell.way == "equal compute" else values
        found[verdict(*levels, rng)] += 1
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Arm:
    """Chances to be safe and mean costs of the members of a population, (member, rung)."""

    chances: Array
    cost: Array


@cache
def _world(truth: str, way: str, seed: int) -> tuple[_Arm, _Arm]:
    """The two arms. Members are alike in both; hard ones are less safe and think longer.

    At an equal rung the arm's curve is read at the place of the rung, at equal compute where the rung really costs.
    """
    told = TRUTHS[truth]
    shift = np.log(GUARD) / np.log(COST[-1] / COST[0]) if way == "equal compute" else 0.0
    populations = [
        logit_normal(curve, rng=np.random.default_rng(seed)).chances
        for curve in (told.reference(PLACE), told.arm(PLACE + shift))
    ]
    longer = np.exp(-0.2 * special.ndtri((np.argsort(np.argsort(populations[0][:, 0])) + 0.5) / MEMBERS))
    longer /= longer.mean()
    return tuple(
        _Arm(chances, longer[:, None] * COST * times) for chances, times in zip(populations, (1.0, GUARD), strict=True)
    )  # type: ignore[return-value]


def _at_equal_compute(values: list[Array], cost: list[Array]) -> list[Array]:
    """Levels of both arms up to the highest total compute that both reached, as the findings have them."""
    base, own = (ComputeCurve.of(v, c) for v, c in zip(values, cost, strict=True))
    top = common_costs(own, base)[-1]
    return [
        np.concatenate(
            [placed.values[:, placed.cost * MIN_COST_RATIO <= top.cost], placed.at(top.cost, top.influences)[:, None]],
            axis=1,
        )
        for placed in (base, own)
    ]


def _falls(one: Array, other: Array) -> bool:
    """A t-test over questions, one level against another, two-sided at .05."""
    change = one - other
    error = change.std(ddof=1) / np.sqrt(len(change))
    return bool(error > 0 and change.mean() / error > special.stdtrit(len(change) - 1, 0.975))
