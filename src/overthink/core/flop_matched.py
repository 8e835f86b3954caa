"""Where a small model that is given more inference compute does as well as a larger one (Snell et al. 2024)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.frontier import Frontier, over_partitions
from overthink.core.interval import CHANGE, mean_intervals


@dataclass(frozen=True, slots=True)
class Match:
    """One point of the larger model's frontier, and the least compute at which the small one is there too.

    Attributes:
        large_cost: Mean cost of the larger model at its budget.
        large_value: Its cross-fitted value there.
        small_cost: Least cost at which the small model's estimate is as high; None if it is at none.
        shown_cost: Least cost at which it is shown to be no worse than the margin; None if it is at none.
        reason: Why one of them is None.
    """

    large_cost: float
    large_value: float
    small_cost: float | None
    shown_cost: float | None
    reason: str | None = None

    @property
    def multiple(self) -> float | None:
        """Inference compute of the small model over that of the larger; below 1 the small one is simply cheaper."""
        return None if self.small_cost is None else self.small_cost / self.large_cost


def flop_matched(
    small: Frontier, large: Frontier, *, weights: NDArray[np.float64], level: float, margin: float
) -> tuple[Match, ...]:
    """For every budget of the larger model: at what cost does the small one match it?

    Both frontiers are of the same questions, so differences are paired. Estimates that cross tell where the curves
    meet; "shown" needs the lower end of the interval of small minus large above minus the margin, and holds for each
    cost by itself. Training is not counted here; to count it, compare the multiple with M + 3(M - 1)/R, for a model M
    times larger and R tokens served per token of pre-training.

    Args:
        small: Frontier of the smaller model.
        large: Frontier of the larger one, in the same unit, which must be FLOP for models of different size.
        weights: (resample, question).
        level: Confidence level.
        margin: Largest loss that does not matter.

    Returns:
        One match per budget that the larger model can afford.

    Raises:
        ValueError: Units or numbers of questions differ, or the margin is negative.
    """
    if small.unit != large.unit:
        raise ValueError(f"one frontier is in {small.unit}, the other in {large.unit}; needed: one unit, such as FLOP")
    if len(small.cells) != len(large.cells):
        raise ValueError(f"{len(small.cells)} and {len(large.cells)} questions; needed: the same ones in both")
    if not margin >= 0:
        raise ValueError(f"margin is {margin}; needed: 0 or more")
    change = small.cells[:, None, :, :] - large.cells.transpose(0, 2, 1)[:, :, :, None]
    found = over_partitions(mean_intervals(change, weights, level=level, support=CHANGE))
    matches = []
    for i, value in enumerate(large.value.estimate):
        if not np.isnan(value):
            met = _least(small.cost, found.estimate[i] >= 0)
            shown = _least(small.cost, found.low[i] > -margin)
            reason = None
            if met is None:
                reason = "not reached: no budget tried makes the small model's estimate as high"
            elif shown is None:
                reason = f"estimates meet, but no budget tried shows a loss below {margin:g}"
            matches.append(Match(float(large.cost[i]), float(value), met, shown, reason))
    return tuple(matches)


def _least(cost: NDArray[np.float64], where: NDArray[np.bool_]) -> float | None:
    possible = cost[where & ~np.isnan(cost)]
    return float(possible.min()) if possible.size else None
