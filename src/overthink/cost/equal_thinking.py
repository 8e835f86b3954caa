"""Comparison of two arms at the same realised thinking, and a difference at equal compute split by thinking.

Thinking is the path that an answer is read from; pruned, rejected, guard and verifier tokens are price. At one total
compute an arm that pays more thinks less, b tokens where the reference thinks B::

    S_arm(b) - S_ref(B) = [S_arm(b) - S_ref(b)] + [S_ref(b) - S_ref(B)]
    at equal compute      steers                  thinks less

A value between two rungs is read evenly in the logarithm of the thinking. 0 tokens stand one doubling below the
lowest rung of the reference with any thinking. Each question carries its influence on the mean thinking, so that an
interval over questions includes it (the delta method). The place of a rung of both arms is the same share of the way
between its neighbours on the axis of thinking and on that of compute, so that an arm that only costs more steers by 0.
"""

from dataclasses import dataclass

import numpy as np

from overthink.cost.equal_compute import CommonCost, ComputeCurve
from overthink.data.arrays import Array

MAX_DIFFERENCE = 0.1
"""Largest difference of two mean numbers of tokens, over the larger one, that counts as equal thinking."""


def differs(one: float, other: float) -> bool:
    """Return whether two mean numbers of thinking tokens differ by over 10 % of the larger one.

    Example:
        >>> differs(1000.0, 905.0), differs(1000.0, 890.0), differs(0.0, 0.0)
        (False, True, False)
    """
    return abs(one - other) > MAX_DIFFERENCE * max(one, other)


@dataclass(frozen=True, slots=True, eq=False)
class ThinkingArm:
    """Values and realised thinking of an arm.

    Attributes:
        values: (question, rung), none missing.
        thinking: (question, rung) mean thinking tokens, none missing.
    """

    values: Array
    thinking: Array

    def on_axis(self, zero: float) -> ComputeCurve:
        """Return the arm on the axis of thinking, where the knots stand at their tokens plus ``zero``."""
        return ComputeCurve.of(self.values, self.thinking + zero)

    def log_place(self, zero: float) -> Array:
        """Return (question, rung) contributions to the log of the mean place on the axis of thinking."""
        place = (self.thinking + zero).mean(axis=0)
        return np.asarray(np.log(place) + (self.thinking + zero) / place - 1)


def zero_place(reference: ThinkingArm) -> float:
    """Return the tokens at which 0 tokens stand: the mean of the lowest rung with any thinking; 1 without one."""
    means = reference.thinking.mean(axis=0)
    return float(means[means > 0].min(initial=np.inf)) if (means > 0).any() else 1.0


def at_lesser_thinking(reference: ThinkingArm, arm: ThinkingArm) -> tuple[Array, Array] | None:
    """Return (question,) values of reference and arm at the lesser of their realised thinking at their last rungs.

    The one that thinks less is read at its last rung, the other between its rungs.

    Returns:
        Both, the reference first; None where the other one has no rung as low.

    Example:
        >>> base = ThinkingArm(np.tile([0.9, 0.5], (3, 1)), np.tile([100.0, 400.0], (3, 1)))
        >>> early = ThinkingArm(np.tile([0.9, 0.7], (3, 1)), np.tile([100.0, 150.0], (3, 1)))
        >>> read = at_lesser_thinking(base, early)
        >>> read is not None and [float(values.mean().round(3)) for values in read]
        [0.803, 0.7]
    """
    zero = zero_place(reference)
    arms = (reference, arm)
    lesser = int(arm.thinking[:, -1].mean() < reference.thinking[:, -1].mean())
    low, other = arms[lesser], arms[1 - lesser].on_axis(zero)
    place = low.thinking[:, -1] + zero
    mean = float(place.mean())
    if not other.reaches(mean):
        return None
    read = other.at(mean, place / mean - 1)
    return (read, low.values[:, -1]) if lesser else (low.values[:, -1], read)


@dataclass(frozen=True, slots=True, eq=False)
class PriceParts:
    """Difference of two arms at one total compute, split by thinking.

    Attributes:
        arm_thinking: Mean thinking tokens that the compute buys the arm.
        reference_thinking: Mean thinking tokens that it buys the reference.
        give_back: (question,) the arm minus the reference.
        steers: (question,) the arm minus the reference at the arm's thinking; None where the reference has no such.
        thinks_less: (question,) the reference at the arm's thinking minus the reference; None as above.
    """

    arm_thinking: float
    reference_thinking: float
    give_back: Array
    steers: Array | None
    thinks_less: Array | None


def price_parts(
    reference: ThinkingArm, arm: ThinkingArm, costs: tuple[Array, Array], meeting: CommonCost
) -> PriceParts:
    """Return the difference of two arms at one total compute, split by thinking.

    Args:
        reference: The reference.
        arm: The arm.
        costs: (question, rung) total compute of the reference, and of the arm.
        meeting: Total compute within the range of both.
    """
    zero = zero_place(reference)
    base, own = (_at_cost(one.values, cost, meeting) for one, cost in zip((reference, arm), costs, strict=True))
    places = [_at_cost(one.log_place(zero), cost, meeting) for one, cost in zip((reference, arm), costs, strict=True)]
    thinking = [max(float(np.exp(place.mean())) - zero, 0.0) for place in places]
    curve = reference.on_axis(zero)
    place = float(np.exp(places[1].mean()))
    if not curve.reaches(place):
        return PriceParts(thinking[1], thinking[0], own - base, None, None)
    less = curve.at(place, places[1] - places[1].mean())
    return PriceParts(thinking[1], thinking[0], own - base, own - less, less - base)


def _at_cost(values: Array, cost: Array, meeting: CommonCost) -> Array:
    return ComputeCurve.of(values, cost).at(meeting.cost, meeting.influences)
