"""Two arms at the same total compute: each is read between its own rungs, and never beyond them.

A budget of thinking tokens is not what an arm costs: guards, verifiers and what was thrown away come on top. Arms are
compared where their mean total cost is the same. Between two rungs a value is interpolated evenly in the logarithm of
the cost. Where the rungs stand is measured, too, and a question that costs more than others moves them; each question
therefore carries its part of that movement, so that an interval over questions pays for it (the delta method).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

APART = 1.05
"""A rung has a place of its own where it costs at least this times the rung below: nearer rungs would make a slope of
noise."""

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The rungs of an arm on an axis of total compute.

    Attributes:
        rungs: (knot,) positions on the ladder of the rungs that have a place of their own, cheapest first.
        cost: (knot,) mean cost.
        values: (question, knot).
        strays: (question, knot) a question's cost over the mean, minus 1: its part of the error of the log cost.
    """

    rungs: NDArray[np.int64]
    cost: Array
    values: Array
    strays: Array

    @classmethod
    def of(cls, values: Array, cost: Array) -> "Placed":
        """Place the rungs of an arm.

        Args:
            values: (question, rung), none missing.
            cost: (question, rung) of one attempt, none missing and their means positive.

        Raises:
            ValueError: The shapes differ, or a rung costs nothing on average.

        Example:
            >>> placed = Placed.of(np.array([[0.0, 1.0]] * 2), np.array([[10.0, 1000.0]] * 2))
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
            if mean[rung] >= APART * mean[rungs[-1]]:
                rungs.append(rung)
        kept = np.array(rungs, dtype=np.int64)
        return cls(kept, mean[kept], values[:, kept], cost[:, kept] / mean[kept] - 1)

    def at(self, cost: float, strays: Array) -> Array:
        """What each question adds to the value at a cost, (question,); the mean is the interpolated value.

        Args:
            cost: Total compute, between the cheapest and the dearest rung.
            strays: (question,) parts of the error of the logarithm of that cost; 0 for a number that was chosen.

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
        moved = strays - (1 - share) * self.strays[:, low] - share * self.strays[:, low + 1]
        return np.asarray((1 - share) * low_values + share * high_values + slope * moved)

    def around(self, cost: float) -> tuple[int, ...]:
        """Positions on the ladder of the rungs that a value at this cost is read from."""
        low = int(np.clip(np.searchsorted(self.cost, cost * (1 + ROUNDING), side="right") - 1, 0, len(self.cost) - 1))
        exact = bool(np.isclose(self.cost[low], cost, rtol=ROUNDING))
        return tuple(int(rung) for rung in self.rungs[low : low + (1 if exact else 2)])

    def reaches(self, cost: float) -> bool:
        """Whether the cost lies between the cheapest and the dearest rung."""
        return bool(self.cost[0] * (1 - ROUNDING) <= cost <= self.cost[-1] * (1 + ROUNDING))


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """A total compute at which both arms were measured: that of a rung of one of them.

    Attributes:
        cost: Mean total cost.
        strays: (question,) parts of the error of its logarithm.
        of_arm: Whether the rung is the arm's; else it is the reference's.
        rung: Position on that ladder.
    """

    cost: float
    strays: Array
    of_arm: bool
    rung: int


def meetings(arm: Placed, reference: Placed) -> tuple[Meeting, ...]:
    """Every rung of either arm that lies between rungs of the other, cheapest first.

    A rung of the reference that costs nearly the same as one of the arm adds nothing and is left out.
    """
    own = [
        Meeting(float(cost), arm.strays[:, i], True, int(arm.rungs[i]))
        for i, cost in enumerate(arm.cost)
        if reference.reaches(cost)
    ]
    others = [
        Meeting(float(cost), reference.strays[:, i], False, int(reference.rungs[i]))
        for i, cost in enumerate(reference.cost)
        if arm.reaches(cost) and all(max(cost / one.cost, one.cost / cost) >= APART for one in own)
    ]
    return tuple(sorted([*own, *others], key=lambda point: point.cost))
