"""Realised thinking of two arms at the rungs compared, and their difference at the lesser of both."""

from dataclasses import dataclass

import numpy as np

from overthink.analysis.arm_pairs import Pair
from overthink.cost.equal_thinking import ThinkingArm, at_lesser_thinking, differs
from overthink.cost.mitigation import NO_FALL, Fall, single_fall
from overthink.data.arrays import Array, Weights
from overthink.data.phrases import Limit, Phrase, one_of
from overthink.stats.testing import paired_differences

OTHERS = ("reference", "placebo")
"""What an arm is compared with, in words."""

SAME_RUNG = Limit("at the highest thinking budget that both arms were given")
THINKING = Limit(
    "realised thinking, mean per trace: {arm:,.0f} tokens in the arm, {reference:,.0f} in the {other}",
    other=one_of(*OTHERS),
)
NO_THINKING = Limit("realised thinking is unknown: the source does not count it")
THINKS_LESS = Limit("the arm thinks over 10 % less: a claim of help needs a gain at equal realised thinking, too")
THINKS_MORE = Limit("the arm thinks over 10 % more than the {other}", other=one_of(*OTHERS))
LESSER = Phrase(
    "at equal realised thinking, {tokens:,.0f} tokens, the lesser of the two means; read between rungs evenly in the "
    "logarithm of thinking, 0 one doubling below the {other}'s lowest rung",
    other=one_of(*OTHERS),
)


@dataclass(frozen=True, slots=True, eq=False)
class RealisedThinking:
    """Realised thinking of two arms at the rungs compared.

    Attributes:
        cells: (question, 2) tokens of the reference, and of the arm.
        weights: (resample, question).
        gain: Gain of the arm at the lesser thinking; ``NO_FALL`` where it cannot be read.
        other: What the arm is compared with, in words.
    """

    cells: Array
    weights: Weights
    gain: Fall
    other: str

    @property
    def means(self) -> tuple[float, float]:
        """Mean tokens of the reference, and of the arm."""
        reference, arm = self.cells.mean(axis=0)
        return float(reference), float(arm)

    @property
    def differs(self) -> bool:
        """Whether the two differ by over 10 %."""
        return differs(*self.means)

    @property
    def is_less(self) -> bool:
        """Whether the arm thinks over 10 % less."""
        return self.differs and self.means[1] < self.means[0]

    @property
    def limits(self) -> tuple[str, ...]:
        """Limits that state both, and which is the larger where they differ."""
        reference, arm = self.means
        more = () if not self.differs else (THINKS_LESS if self.is_less else THINKS_MORE.text(other=self.other),)
        return (THINKING.text(arm=arm, reference=reference, other=self.other), *more)


def realised_thinking(pair: Pair, low: int, high: int, *, other: str) -> RealisedThinking | None:
    """Return the realised thinking at two rungs; None where it is known for fewer than two questions.

    Args:
        pair: The arms.
        low: Rung of the reference.
        high: Rung of the arm.
        other: What the arm is compared with, in words.
    """
    tables = [
        array[:, : 1 + top]
        for both in (pair.values, pair.thinking)
        for array, top in zip(both, (low, high), strict=True)
    ]
    is_known = ~np.logical_or.reduce([np.isnan(table).any(axis=1) for table in tables])
    if is_known.sum() < 2:
        return None
    base, own, base_thinking, own_thinking = (table[is_known] for table in tables)
    weights = pair.weights[:, is_known]
    read = at_lesser_thinking(ThinkingArm(base, base_thinking), ThinkingArm(own, own_thinking))
    gain = NO_FALL
    if read is not None:
        change = paired_differences(np.stack(read, axis=1), pairs=[(1, 0)], level=pair.arm.level)
        gain = single_fall(change.intervals, float(change.p[0]))
    return RealisedThinking(np.stack([base_thinking[:, -1], own_thinking[:, -1]], axis=1), weights, gain, other)
