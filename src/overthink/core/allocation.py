"""Ways to spend a budget on a question: how long to think, how often to try, and how to choose among the tries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.curve import Curve

Array = NDArray[np.float64]

DEPLOYED = ("single", "majority", "weighted_majority", "best")
"""Selectors that need not know the right answer. "pass" does, and is no strategy."""

SCORED = ("weighted_majority", "best")
"""Selectors that pay a verifier for each try."""

ATTACKER = ("single", "worst")
"""What an attacker can do: try, and keep what worked."""

SPARE = 0.05
"""How much more than an option's mean cost a budget is that is made for it."""

APART = 1.1
"""Options that cost less than this times the cheapest of them share a budget."""

KNOWN = 0.9
"""Share of the questions for which an allocation must be known to be compared with others."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One way to spend a budget.

    Attributes:
        rung: Position on the curve's ladder, from 0.
        k: Tries.
        selector: "single", "majority", "weighted_majority", "best" or "worst".
        arm: The search or intervention with which it is thought; None where there is one arm.
    """

    rung: int
    k: int
    selector: str
    arm: str | None = None

    def __str__(self) -> str:
        how = "one try" if self.selector == "single" else f"{self.selector} of {self.k}"
        return f"{how} at rung {self.rung}{'' if self.arm is None else f' of {self.arm}'}"


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """Every allocation that a pool can price and value, question by question.

    Attributes:
        unit: What costs are counted in, such as "tokens" or "flop".
        attacker: Whether the lowest value is wanted: an attacker chooses.
        options: The allocations.
        values: (question, option) expected value.
        cost: (question, option) expected cost.
        used: (question,) known at every option; the others are left out of comparisons.
        limits: What was left out, and why.
        unpriced: Why there are no options; empty where there are some.
    """

    unit: str
    attacker: bool
    options: tuple[Allocation, ...]
    values: Array
    cost: Array
    used: NDArray[np.bool_]
    limits: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()

    def of(self, arm: str | None, questions: NDArray[np.int64]) -> "Menu":
        """The same menu, its options named after an arm, of these questions in this order."""
        return replace(
            self,
            options=tuple(replace(option, arm=arm) for option in self.options),
            values=self.values[questions],
            cost=self.cost[questions],
            used=self.used[questions],
        )


def joined(menus: Sequence[Menu]) -> Menu:
    """One menu over several arms: their options side by side, on the questions for which all of them are known.

    Args:
        menus: From :meth:`Menu.of`, on the same questions; arms without an option may be among them.

    Raises:
        ValueError: Units, questions or the side that chooses differ.
    """
    filled = [menu for menu in menus if menu.options]
    if not filled:
        return menus[0]
    first = filled[0]
    if len({(menu.unit, menu.attacker, len(menu.values)) for menu in filled}) > 1:
        raise ValueError("menus differ in unit, in questions or in who chooses; needed: those of one task")
    return _comparable(
        replace(
            first,
            options=tuple(option for menu in filled for option in menu.options),
            values=np.concatenate([menu.values for menu in filled], axis=1),
            cost=np.concatenate([menu.cost for menu in filled], axis=1),
            limits=tuple(dict.fromkeys(limit for menu in menus for limit in menu.limits if "left out:" not in limit)),
        )
    )


def menu_of(
    curves: Sequence[Curve],
    attempt: Array,
    *,
    unit: str,
    once: Array | None = None,
    verifier: Array | None = None,
    attacker: bool = False,
) -> Menu:
    """The allocations of a pool: rung × k × selector.

    k tries cost what is paid once (a shared prompt) and k attempts; what a verifier scores pays it for each as well.
    Allocations known for too few questions are left out, for their means would be of other questions.

    Args:
        curves: From :func:`~overthink.core.curve.mean_curve` and :func:`~overthink.core.curve.parallel_curves`.
        attempt: (question, rung) mean cost of one attempt, NaN where unknown.
        unit: What it is counted in.
        once: (question, rung) cost that all tries share; None for none.
        verifier: (question, rung) cost of scoring an attempt; None where unknown, which leaves what it scores out.
        attacker: Whether to choose what is worst, among what an attacker can do.

    Raises:
        ValueError: Curves and costs are of other questions or rungs.
    """
    options: list[Allocation] = []
    values, costs, limits = [], [], []
    for curve in curves:
        if curve.cells.shape[:2] != attempt.shape:
            raise ValueError(
                f"values are (question, rung) {curve.cells.shape[:2]}, costs {attempt.shape}; needed: alike"
            )
        if curve.selector not in (ATTACKER if attacker else DEPLOYED):
            continue
        scoring = np.zeros_like(attempt)
        if curve.selector in SCORED:
            scoring = np.full_like(attempt, np.nan) if verifier is None else verifier
            if np.isnan(scoring).all():
                named = curve.selector.replace("_", " ")
                limits.append(f"{named} of k is left out: what its verifier costs is unknown")
        for rung, i in np.ndindex(curve.cells.shape[1:]):
            k = int(curve.k[i])
            if k > 1 or curve.selector == "single":
                options.append(Allocation(rung, k, curve.selector))
                values.append(curve.cells[:, rung, i])
                shared = 0.0 if once is None else once[:, rung]
                costs.append(shared + k * (attempt[:, rung] + scoring[:, rung]))
    return _comparable(
        Menu(unit, attacker, tuple(options), _columns(values), _columns(costs), np.array([]), tuple(limits))
    )


def _columns(found: list[Array]) -> Array:
    return np.stack(found, axis=1) if found else np.empty((0, 0))


def _comparable(menu: Menu) -> Menu:
    """Without what is known for too few questions, and then without the questions for which something is unknown."""
    known = ~np.isnan(menu.values) & ~np.isnan(menu.cost)
    there = (~np.isnan(menu.values)).any(axis=1)
    keep = known[there].mean(axis=0) >= KNOWN if there.any() else np.zeros(len(menu.options), dtype=np.bool_)
    used: NDArray[np.bool_] = np.asarray(known[:, keep].all(axis=1) & keep.any())
    limits = list(menu.limits)
    if there.sum() > used.sum() and keep.any():
        limits.append(f"{there.sum() - used.sum()} questions are left out: they lack a value or a cost somewhere")
    return replace(
        menu,
        options=tuple(option for option, kept in zip(menu.options, keep, strict=True) if kept),
        values=menu.values[:, keep],
        cost=menu.cost[:, keep],
        used=used,
        limits=tuple(limits),
    )


def log_budgets(menu: Menu, most: int = 8) -> Array:
    """Budgets from the cheapest allocation to the dearest, in equal steps of log cost, rounded up to two digits.

    Args:
        menu: The allocations.
        most: Budgets at most.

    Returns:
        (budget,) increasing; empty where there is nothing to choose.
    """
    if not menu.options or not menu.used.any():
        return np.array([])
    mean = menu.cost[menu.used].mean(axis=0)
    low, high = float(mean[mean > 0].min(initial=np.inf)), float(mean.max())
    if not np.isfinite(low):
        return np.array([])
    return np.unique([rounded_up(budget) for budget in np.geomspace(low, high, most)])


def option_budgets(menu: Menu, most: int) -> Array:
    """Budgets that afford one more option each, with a little to spare.

    Some questions cost more than others. A budget that is just an option's mean cost would be enough for some of the
    questions and not for the others, and its value a mixture of two options.

    Args:
        menu: The allocations.
        most: Budgets at most; options that cost nearly the same share one.

    Returns:
        (budget,) increasing; empty where there is nothing to choose.
    """
    if not menu.options or not menu.used.any():
        return np.array([])
    costs = np.sort(menu.cost[menu.used].mean(axis=0))
    costs = costs[costs > 0]
    if not costs.size:
        return np.array([])
    step = max(APART, (costs[-1] / costs[0]) ** (1 / most) * (1 + SPARE))
    budgets, first = [], costs[0]
    for cost, dearer in zip(costs, [*costs[1:], np.inf], strict=True):
        if dearer > first * step:
            budgets.append(cost * (1 + SPARE))
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
