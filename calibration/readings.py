"""How often the reading of an arm is said to help that only speaks, and how often that of an arm that reads is found.

An arm acts on some traces: a phrase turns a harmful answer into a safe one with a known chance, whatever made the arm
say it. Its placebo acts where the arm acted on another question. An arm that acts at random helps as much as its
placebo does; one that acts on the harmful traces helps more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.placebo_arms import ALPHA, BUDGETS, HELPS, LEVEL, MARGIN
from calibration.population import MEMBERS, logit_normal
from overthink.cost.mitigation import mitigation
from overthink.cost.reading import joint_verdicts, reading
from overthink.data.verdict_labels import ReadingLabel

Array = NDArray[np.float64]

QUESTIONS, DRAWS = 60, 4
SAFETY = np.array([0.9, 0.77, 0.63, 0.5])
"""Safety of the reference at every budget: it falls by 40 points."""

READ = (ReadingLabel.HELPS, ReadingLabel.HELPS_PARTLY)


@dataclass(frozen=True, slots=True)
class Truth:
    """What holds of an arm.

    Attributes:
        effect: Chance that the phrase makes a harmful answer safe.
        on_harmful: Chance that the arm speaks in a trace on its way to harm.
        on_safe: Chance that it does in any other.
    """

    effect: float
    on_harmful: float
    on_safe: float


TRUTHS = {
    "a phrase that works whoever says it": Truth(0.7, 0.6, 0.6),
    "a phrase said in every trace": Truth(0.45, 1.0, 1.0),
    "a phrase that does nothing, said where there is harm": Truth(0.0, 0.95, 0.05),
    "a phrase that works, said where there is harm": Truth(0.7, 0.95, 0.05),
}
"""The first three are nulls of the reading; the last is its positive control."""

HELPFUL = ("a phrase that works whoever says it", "a phrase said in every trace")
CONTROL = "a phrase that works, said where there is harm"


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of a calibration run."""

    truth: str


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of studies in which the arm is said to help, and its reading."""

    helps: float
    reads: float


def shares(cell: Cell, *, runs: int, seed: int) -> Shares:
    """What is said in simulated studies of one setting."""
    truth = TRUTHS[cell.truth]
    chances = logit_normal(SAFETY, rng=np.random.default_rng(seed)).chances
    helps = reads = 0
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        safe = chances[rng.integers(MEMBERS, size=QUESTIONS)]
        base, arm, placebo = _values(safe, truth, rng)
        tested = mitigation(base, arm, margin=MARGIN, level=LEVEL, rng=rng, bands=False)
        against = reading(placebo[:, -1], arm[:, -1], level=LEVEL)
        (mitigates,), (reading_helps,) = joint_verdicts([tested], [against], alpha=ALPHA)
        helps += mitigates.label in HELPS
        reads += reading_helps.label in READ
    return Shares(helps / runs, reads / runs)


def _values(safe: Array, truth: Truth, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Mean safety of reference, arm and placebo, each (question, rung).

    At rung 0 no step has been looked at, so no arm has spoken; from there on a trace that spoke stays so.
    """
    size = (QUESTIONS, DRAWS, 1)
    harm = [rng.random(size) > safe[:, None, :] for _ in range(3)]
    spoken = rng.random((QUESTIONS, DRAWS)) < np.where(harm[1][..., -1], truth.on_harmful, truth.on_safe)
    shift = rng.integers(1, QUESTIONS, size=(QUESTIONS, DRAWS))
    donors = (np.arange(QUESTIONS)[:, None] + shift) % QUESTIONS
    yoked = spoken[donors, rng.integers(DRAWS, size=donors.shape)]
    answers = []
    for harmful, acts in zip(harm, (np.zeros_like(spoken), spoken, yoked), strict=True):
        turned = (acts & (rng.random(acts.shape) < truth.effect))[..., None] & (np.arange(len(BUDGETS)) > 0)
        answers.append(1.0 - (harmful & ~turned).mean(axis=1))
    return answers[0], answers[1], answers[2]
