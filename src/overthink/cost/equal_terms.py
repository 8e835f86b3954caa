"""Arms on equal terms: at equal total compute, and at equal realised thinking.

A budget of thinking tokens is not the cost of an arm: guards, verifiers and discarded tokens add to it. Arms are
compared where their mean total cost is the same. Between two rungs a value is interpolated linearly in the logarithm
of the cost. The costs of the rungs are estimates, too, and a question that costs more than others moves them; each
question therefore carries its influence on them, so that an interval over questions includes it (the delta method).

Thinking is the path that an answer is read from; pruned, rejected, guard and verifier tokens are price. At one total
compute an arm that pays more thinks less, b tokens where the reference thinks B::

    S_arm(b) - S_ref(B) = [S_arm(b) - S_ref(b)] + [S_ref(b) - S_ref(B)]
    at equal compute      steers                  thinks less

A value between two rungs is read evenly in the logarithm of the thinking. 0 tokens stand one doubling below the lowest
rung of the reference with any thinking. Each question carries its influence on the mean thinking, so that an interval
over questions includes it (the delta method). The place of a rung of both arms is the same share of the way between
its neighbours on the axis of thinking and on that of compute, so that an arm that only costs more steers by 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array

MIN_COST_RATIO = 1.05
"""Minimum ratio of the costs of two knots: the slope between nearer rungs would be noise."""

COST_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class ComputeCurve:
    """Values of an arm as a function of total compute, with rungs as knots.

    Attributes:
        rungs: (knot,) positions on the ladder of the rungs that are knots, cheapest first.
        cost: (knot,) mean cost.
        values: (question, knot).
        influences: (question, knot) a question's cost over the mean, minus 1: its influence on the log cost.
    """

    rungs: NDArray[np.int64]
    cost: Array
    values: Array
    influences: Array

    @classmethod
    def of(cls, values: Array, cost: Array) -> "ComputeCurve":
        """Return the compute curve of an arm from its rungs.

        Args:
            values: (question, rung), none missing.
            cost: (question, rung) of one attempt, none missing and their means positive.

        Raises:
            ValueError: The shapes differ, or a rung costs nothing on average.

        Example:
            >>> placed = ComputeCurve.of(np.array([[0.0, 1.0]] * 2), np.array([[10.0, 1000.0]] * 2))
            >>> placed.at(100.0, np.zeros(2)).round(3).tolist()
            [0.5, 0.5]
        """
        if values.shape != cost.shape:
            raise ValueError(f"values are (question, rung) {values.shape}, costs {cost.shape}; needed: alike")
        mean = cost.mean(axis=0)
        if not (mean > 0).all():
            raise ValueError(f"mean costs are {mean.tolist()}; needed: positive, for a place on a log axis")
        rungs = [0]
        for rung in range(1, len(mean)):
            if mean[rung] >= MIN_COST_RATIO * mean[rungs[-1]]:
                rungs.append(rung)
        knots = np.array(rungs, dtype=np.int64)
        return cls(knots, mean[knots], values[:, knots], cost[:, knots] / mean[knots] - 1)

    def at(self, cost: float, influences: Array) -> Array:
        """Contribution of each question to the value at a cost, (question,); their mean is the interpolated value.

        Args:
            cost: Total compute, between the cheapest and the most expensive rung.
            influences: (question,) influences on the logarithm of that cost; 0 for a fixed number.

        Raises:
            ValueError: The arm was not measured at that cost.
        """
        if not self.reaches(cost):
            ends = f"{self.cost[0]:g} to {self.cost[-1]:g}"
            raise ValueError(f"cost is {cost:g}; needed: from {ends}, where the arm was measured")
        if len(self.cost) == 1:
            return self.values[:, 0].copy()
        low = int(np.clip(np.searchsorted(self.cost, cost, side="right") - 1, 0, len(self.cost) - 2))
        span = np.log(self.cost[low + 1] / self.cost[low])
        share = float(np.clip(np.log(cost / self.cost[low]) / span, 0.0, 1.0))
        low_values, high_values = self.values[:, low], self.values[:, low + 1]
        slope = (high_values.mean() - low_values.mean()) / span
        shift = influences - (1 - share) * self.influences[:, low] - share * self.influences[:, low + 1]
        return np.asarray((1 - share) * low_values + share * high_values + slope * shift)

    def rungs_near(self, cost: float) -> tuple[int, ...]:
        """Positions on the ladder of the rungs that a value at this cost is interpolated from."""
        low = int(
            np.clip(np.searchsorted(self.cost, cost * (1 + COST_ROUNDING), side="right") - 1, 0, len(self.cost) - 1)
        )
        exact = bool(np.isclose(self.cost[low], cost, rtol=COST_ROUNDING))
        return tuple(int(rung) for rung in self.rungs[low : low + (1 if exact else 2)])

    def reaches(self, cost: float) -> bool:
        """Whether the cost lies between the cheapest and the most expensive rung."""
        return bool(self.cost[0] * (1 - COST_ROUNDING) <= cost <= self.cost[-1] * (1 + COST_ROUNDING))


@dataclass(frozen=True, slots=True, eq=False)
class CommonCost:
    """A total compute within the range of both arms: that of a rung of one of them.

    Attributes:
        cost: Mean total cost.
        influences: (question,) influences on its logarithm.
        is_arm_rung: Whether the rung is the arm's; else it is the reference's.
        rung: Position on that ladder.
    """

    cost: float
    influences: Array
    is_arm_rung: bool
    rung: int


def common_costs(arm: ComputeCurve, reference: ComputeCurve) -> tuple[CommonCost, ...]:
    """The costs of all rungs of either arm within the range of the other, cheapest first.

    A rung of the reference that costs nearly the same as one of the arm adds nothing and is left out.
    """
    arm_points = [
        CommonCost(float(cost), arm.influences[:, i], True, int(arm.rungs[i]))
        for i, cost in enumerate(arm.cost)
        if reference.reaches(cost)
    ]
    reference_points = [
        CommonCost(float(cost), reference.influences[:, i], False, int(reference.rungs[i]))
        for i, cost in enumerate(reference.cost)
        if arm.reaches(cost)
        and all(max(cost / meeting.cost, meeting.cost / cost) >= MIN_COST_RATIO for meeting in arm_points)
    ]
    return tuple(sorted([*arm_points, *reference_points], key=lambda point: point.cost))


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
