"""Compute at which a small model with more inference compute matches a larger one (Snell et al. 2024).

Training can be counted, too. A model of N parameters takes 6·N·D FLOP to be trained on D tokens and 2·N per token that
it serves (Kaplan et al. 2020). Take a larger one of M·N parameters, trained on as many tokens, which serves R tokens
per token of pre-training, and a small one that takes ``multiple`` times its inference FLOP::

    6·N·D + multiple · 2·M·N·R·D  <=  6·M·N·D + 2·M·N·R·D
    multiple                      <=  1 + 3·(M - 1)/(M·R)

Snell et al. count the multiple in the small model's own inference, which is M times this one: M + 3·(M - 1)/R.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.cost.frontier import Frontier, over_partitions
from overthink.data.arrays import Array, Weights
from overthink.stats.bootstrap import CHANGE, Intervals, mean_intervals


@dataclass(frozen=True, slots=True)
class Match:
    """One point of the larger model's frontier, and the minimum compute at which the small one matches it.

    Attributes:
        budget: Position of the larger model's budget.
        large_cost: Mean cost of the larger model there.
        large_value: Its cross-fitted value there.
        small_budget: Position of the small model's budget at which its estimate is as high; None if it is at none.
        small_cost: Its mean cost there.
        low_cost: Minimum cost at which the small model is not shown to be worse: lower end of an interval for the cost
            at which they are equal. None where that is the minimum cost that was tried, or below.
        high_cost: Cost from which on the small model is shown to be as good: the upper end. None if it never is.
        shown_cost: Minimum cost at which it is shown to be no worse than the margin; None if it is at none.
        reason: Why ``small_cost`` or ``shown_cost`` is None.
    """

    budget: int
    large_cost: float
    large_value: float
    small_budget: int | None
    small_cost: float | None
    low_cost: float | None
    high_cost: float | None
    shown_cost: float | None
    reason: str | None = None

    @property
    def multiple(self) -> float | None:
        """Inference compute of the small model over that of the larger; below 1 the small one is simply cheaper."""
        return self.over_large(self.small_cost)

    def over_large(self, cost: float | None) -> float | None:
        """A cost of the small model as a multiple of the larger one's."""
        return None if cost is None else cost / self.large_cost


def flop_matched(
    small: Frontier, large: Frontier, *, weights: Weights, level: float, margin: float
) -> tuple[Match, ...]:
    """Cost at which the small model matches the larger one, for every budget of the larger one.

    Both frontiers are of the same questions, so differences are paired. Where the estimates cross, the curves meet. The
    interval for that cost holds every cost at which the difference may be nothing; it needs a frontier that does not
    fall, which the best use of a larger budget never does, and takes costs as measured. "Shown" needs the lower end
    of the interval of small minus large above minus the margin, and holds for each cost by itself.

    Args:
        small: Frontier of the smaller model. The finer its budgets, the finer the answer.
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
    matches = []
    for i, value in enumerate(large.value.estimate):
        if not np.isnan(value):
            change = small.cells - large.cells[:, :, i, None]
            change_intervals = over_partitions(mean_intervals(change, weights, level=level, support=CHANGE))
            matches.append(_match(small, large, i, change_intervals, margin))
    return tuple(matches)


def served_below(multiple: float, parameters: float) -> float:
    """Tokens that the larger model serves per token of pre-training, below which the small one costs less in all.

    Training and inference are counted, each model trained on as many tokens. See the head of this module.

    Args:
        multiple: Inference FLOP of the small model over those of the larger one.
        parameters: M, active parameters of the larger model over those of the small one.

    Returns:
        R; infinite where the small model takes no more inference than the larger one.

    Raises:
        ValueError: The multiple is not positive, or the larger model is not larger.

    Example:
        >>> served_below(2.0, parameters=4.0), served_below(0.9, parameters=4.0)
        (2.25, inf)
    """
    if not (multiple > 0 and parameters > 1):
        raise ValueError(f"multiple is {multiple}, parameters {parameters}; needed: above 0, and above 1")
    return np.inf if multiple <= 1 else 3 * (parameters - 1) / (parameters * (multiple - 1))


def _match(small: Frontier, large: Frontier, i: int, change: Intervals, margin: float) -> Match:
    is_tried = ~np.isnan(small.cost) & ~np.isnan(change.estimate)
    # Where all questions agree there is no interval, and nothing is shown.
    is_possible, is_shown = is_tried & ~(change.high < 0), change.low > -margin
    small_budget, lowest = _least(small.cost, is_tried & (change.estimate >= 0)), _least(small.cost, is_possible)
    no_worse = _least(small.cost, is_shown & is_tried)
    as_good = np.flatnonzero(np.logical_and.accumulate(((change.low >= 0) | ~is_tried)[::-1])[::-1] & is_tried)
    reason = None
    if small_budget is None:
        reason = "not reached: no budget tried makes the small model's estimate as high"
    elif no_worse is None:
        reason = f"estimates meet, but no budget tried shows a loss below {margin:g}"
    dearest = float(np.nanmax(small.cost)) if is_tried.any() else None
    return Match(
        budget=i,
        large_cost=float(large.cost[i]),
        large_value=float(large.value.estimate[i]),
        small_budget=small_budget,
        small_cost=_cost(small, small_budget),
        low_cost=dearest
        if lowest is None
        else None
        if lowest == _least(small.cost, is_tried)
        else _cost(small, lowest),
        high_cost=float(small.cost[as_good[0]]) if as_good.size else None,
        shown_cost=_cost(small, no_worse),
        reason=reason,
    )


def _least(cost: Array, where: NDArray[np.bool_]) -> int | None:
    """Position of the least cost among some."""
    return int(np.where(where, cost, np.inf).argmin()) if where.any() else None


def _cost(small: Frontier, budget: int | None) -> float | None:
    return None if budget is None else float(small.cost[budget])
