"""Allocations of a budget per question: thinking length, number of tries, and selector among the tries.

Difficulty of a question, estimated from draws that are reserved for it and charged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array
from overthink.data.outcomes import Outcomes
from overthink.data.selectors import ATTACKER_SELECTORS, DEPLOYED_SELECTORS, SCORED_SELECTORS, Allocation, Selector
from overthink.stats.curve import SelectorCurve

BUDGET_MARGIN = 0.05
"""Margin of a budget over the mean cost of the allocation that it is set for."""

MIN_BUDGET_RATIO = 1.1
"""Allocations that cost less than this times the cheapest of them share a budget."""

MIN_KNOWN_SHARE = 0.9
"""Share of the questions for which an allocation must be known to be compared with others."""


@dataclass(frozen=True, slots=True, eq=False)
class AllocationOptions:
    """All allocations with a value and a cost, per question.

    Attributes:
        unit: Unit of costs, such as "tokens" or "flop".
        attacker: Whether the lowest value is the best one (an attacker's choice).
        allocations: The allocations.
        values: (question, option) expected value.
        cost: (question, option) expected cost.
        comparable: (question,) known at every option; the others are left out of comparisons.
        limits: What was left out, with the reasons, and the notes.
        notes: Bounds and assumptions of the costs, which hold for a choice among several arms as well.
        reasons: Why there are no options; empty where there are some.
    """

    unit: str
    attacker: bool
    allocations: tuple[Allocation, ...]
    values: Array
    cost: Array
    comparable: NDArray[np.bool_]
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def of(self, arm: str | None, questions: NDArray[np.int64]) -> "AllocationOptions":
        """The same allocations with the name of an arm, for these questions in this order."""
        return replace(
            self,
            allocations=tuple(replace(option, arm=arm) for option in self.allocations),
            values=self.values[questions],
            cost=self.cost[questions],
            comparable=self.comparable[questions],
        )


def join_options(arm_options: Sequence[AllocationOptions]) -> AllocationOptions:
    """Join the allocations of several arms, on the questions for which all of them are known.

    Args:
        arm_options: From :meth:`AllocationOptions.of`, on the same questions; arms without an option may be among them.

    Raises:
        ValueError: Units, questions or the side that chooses differ.
    """
    nonempty = [options for options in arm_options if options.allocations]
    if not nonempty:
        return arm_options[0]
    first = nonempty[0]
    if len({(options.unit, options.attacker, len(options.values)) for options in nonempty}) > 1:
        raise ValueError("menus differ in unit, in questions or in who chooses; needed: those of one task")
    notes = tuple(dict.fromkeys(note for options in arm_options for note in options.notes))
    return _comparable_options(
        replace(
            first,
            allocations=tuple(option for options in nonempty for option in options.allocations),
            values=np.concatenate([options.values for options in nonempty], axis=1),
            cost=np.concatenate([options.cost for options in nonempty], axis=1),
            limits=notes,
            notes=notes,
        )
    )


def allocation_options(
    curves: Sequence[SelectorCurve],
    attempt: Array,
    *,
    unit: str,
    once: Array | None = None,
    verifier: Array | None = None,
    attacker: bool = False,
) -> AllocationOptions:
    """All allocations of a pool: rung × k × selector.

    k tries cost the shared cost (one prompt) and k attempts, and with a verifier k scorings.
    Allocations known for too few questions are left out, as their means would be over different questions.

    Args:
        curves: From :func:`~overthink.stats.curve.mean_curve` and :func:`~overthink.stats.curve.parallel_curves`.
        attempt: (question, rung) mean cost of one attempt, NaN where unknown.
        unit: Unit of the costs.
        once: (question, rung) cost that all tries share; None for none.
        verifier: (question, rung) cost of scoring an attempt; None where unknown, which leaves what it scores out.
        attacker: Whether the lowest value is the best one, among an attacker's selectors.

    Raises:
        ValueError: Curves and costs are of other questions or rungs.
    """
    allocations: list[Allocation] = []
    values, costs, limits = [], [], []
    for curve in curves:
        if curve.cells.shape[:2] != attempt.shape:
            raise ValueError(
                f"values are (question, rung) {curve.cells.shape[:2]}, costs {attempt.shape}; needed: alike"
            )
        if curve.selector not in (ATTACKER_SELECTORS if attacker else DEPLOYED_SELECTORS):
            continue
        scoring = np.zeros_like(attempt)
        if curve.selector in SCORED_SELECTORS:
            scoring = np.full_like(attempt, np.nan) if verifier is None else verifier
            if np.isnan(scoring).all():
                label = curve.selector.replace("_", " ")
                limits.append(f"{label} of k is left out: what its verifier costs is unknown")
        for rung, i in np.ndindex(curve.cells.shape[1:]):
            k = int(curve.k[i])
            if k > 1 or curve.selector == Selector.SINGLE:
                allocations.append(Allocation(rung, k, curve.selector))
                values.append(curve.cells[:, rung, i])
                shared_cost = 0.0 if once is None else once[:, rung]
                costs.append(shared_cost + k * (attempt[:, rung] + scoring[:, rung]))
    return _comparable_options(
        AllocationOptions(
            unit, attacker, tuple(allocations), _columns(values), _columns(costs), np.array([]), tuple(limits)
        )
    )


def _columns(columns: list[Array]) -> Array:
    return np.stack(columns, axis=1) if columns else np.empty((0, 0))


def _comparable_options(options: AllocationOptions) -> AllocationOptions:
    """Drop allocations known for too few questions, then questions with an unknown allocation."""
    is_known = ~np.isnan(options.values) & ~np.isnan(options.cost)
    has_value = (~np.isnan(options.values)).any(axis=1)
    keep = (
        is_known[has_value].mean(axis=0) >= MIN_KNOWN_SHARE
        if has_value.any()
        else np.zeros(len(options.allocations), dtype=np.bool_)
    )
    comparable: NDArray[np.bool_] = np.asarray(is_known[:, keep].all(axis=1) & keep.any())
    limits = list(options.limits)
    if has_value.sum() > comparable.sum() and keep.any():
        limits.append(
            f"{has_value.sum() - comparable.sum()} questions are left out: they lack a value or a cost somewhere"
        )
    return replace(
        options,
        allocations=tuple(option for option, is_kept in zip(options.allocations, keep, strict=True) if is_kept),
        values=options.values[:, keep],
        cost=options.cost[:, keep],
        comparable=comparable,
        limits=tuple(limits),
    )


def log_budgets(options: AllocationOptions, most: int = 8) -> Array:
    """Budgets from the cheapest allocation to the most expensive, in equal steps of log cost, rounded up to two digits.

    Args:
        options: The allocations.
        most: Maximum number of budgets.

    Returns:
        (budget,) increasing; empty where there is no allocation.
    """
    if not options.allocations or not options.comparable.any():
        return np.array([])
    mean = options.cost[options.comparable].mean(axis=0)
    low, high = float(mean[mean > 0].min(initial=np.inf)), float(mean.max())
    if not np.isfinite(low):
        return np.array([])
    return np.unique([rounded_up(budget) for budget in np.geomspace(low, high, most)])


def option_budgets(options: AllocationOptions, most: int) -> Array:
    """Budgets that each afford one more allocation, with a margin.

    Some questions cost more than others. A budget equal to an allocation's mean cost would suffice for some folds of
    the questions and not for others, and its value would be a mixture of two allocations.

    Args:
        options: The allocations.
        most: Maximum number of budgets; allocations that cost nearly the same share one.

    Returns:
        (budget,) increasing; empty where there is nothing to choose.
    """
    if not options.allocations or not options.comparable.any():
        return np.array([])
    costs = np.sort(options.cost[options.comparable].mean(axis=0))
    costs = costs[costs > 0]
    if not costs.size:
        return np.array([])
    step = max(MIN_BUDGET_RATIO, (costs[-1] / costs[0]) ** (1 / most) * (1 + BUDGET_MARGIN))
    budgets, first = [], costs[0]
    for cost, dearer in zip(costs, [*costs[1:], np.inf], strict=True):
        if dearer > first * step:
            budgets.append(cost * (1 + BUDGET_MARGIN))
            first = dearer
    return np.array(budgets)


def rounded_up(number: float) -> float:
    """The next number of two digits.

    >>> rounded_up(0.00412), rounded_up(3.11e12), rounded_up(10.0)
    (0.0042, 3200000000000.0, 10.0)
    """
    power = int(np.floor(np.log10(number))) - 1
    digits = int(np.ceil(number / 10.0**power - 1e-9))
    return float(f"{digits}e{power}")  # a power of ten below 1 is no exact number, its product would not be round


@dataclass(frozen=True, slots=True, eq=False)
class Difficulty:
    """Estimated difficulty of each question before a budget is spent on it.

    Attributes:
        bins: (question,) bin, from 0 for the hardest; -1 where unknown.
        cost: (question,) cost of the estimate, in the unit of the allocations.
        from_verifier: Whether it is from a verifier's scores; else from right answers, an oracle.
    """

    bins: NDArray[np.int64]
    cost: NDArray[np.float64]
    from_verifier: bool


def set_aside(
    outcomes: Outcomes, attempt: NDArray[np.float64], *, draws: int, rung: int, bins: int
) -> tuple[Outcomes, Difficulty]:
    """Split the draws: the first ones estimate each question's difficulty, budgets are spent on the others.

    The score of a question is its mean over the draws set aside, of the verifier's scores where there are any, else of
    the values; its bin is by quantiles of the scores (Snell et al. 2024, arXiv:2408.03314, use 2048 draws, reuse
    them, and do not charge them). Draws set aside are charged at the full cost of an attempt.

    Args:
        outcomes: The table.
        attempt: (question, rung) mean cost of one attempt.
        draws: Draws to set aside.
        rung: Position on the ladder of these draws.
        bins: Bins at most; fewer where scores are alike.

    Returns:
        The table of the other draws, and the difficulty.

    Raises:
        ValueError: No draw would be set aside, or none left; or there is no such rung.
    """
    total = len(outcomes.draws)
    if not 0 < draws < total:
        raise ValueError(f"{draws} of {total} draws are to be set aside; needed: at least one, and one left")
    if not 0 <= rung < len(outcomes.rungs):
        raise ValueError(f"rung is {rung}; needed: from 0 to {len(outcomes.rungs) - 1}")
    if bins < 1:
        raise ValueError(f"bins is {bins}; needed: 1 or more")
    scores = outcomes.verifier_score[:, :draws, rung]
    from_verifier = bool((~np.isnan(scores)).any())
    score = _row_means(scores if from_verifier else outcomes.values[:, :draws, rung])
    is_known = ~np.isnan(score) & ~np.isnan(attempt[:, rung])
    bin_of_question = np.full(len(score), -1, dtype=np.int64)
    if is_known.any():
        edges = np.unique(np.quantile(score[is_known], np.arange(1, bins) / bins)) if bins > 1 else np.array([])
        bin_of_question[is_known] = np.unique(
            np.searchsorted(edges, score[is_known], side="left"), return_inverse=True
        )[1]
    other_draws = without_first(outcomes, draws)
    return other_draws, Difficulty(bins=bin_of_question, cost=draws * attempt[:, rung], from_verifier=from_verifier)


def without_first(outcomes: Outcomes, draws: int) -> Outcomes:
    """The table of the draws that are not set aside.

    The same draws of other arms are excluded with them: they may share a prefix with the draws set aside.
    """
    rest = {
        field.name: getattr(outcomes, field.name)[:, draws:]
        for field in fields(outcomes)
        if isinstance(getattr(outcomes, field.name), np.ndarray)
    }
    return replace(outcomes, draws=outcomes.draws[draws:], **rest)


def _row_means(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    is_known = ~np.isnan(cells)
    count = is_known.sum(axis=1)
    return np.asarray(np.where(count > 0, np.where(is_known, cells, 0).sum(axis=1) / np.maximum(count, 1), np.nan))
