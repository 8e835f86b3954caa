"""The best use of a budget: how long to think, how often to try, how to choose, and which arm to think with."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.allocation import Allocation, log_budgets, rounded_up
from overthink.core.amounts import amount
from overthink.core.difficulty import Difficulty, set_aside, without_first
from overthink.core.finding import At, Finding
from overthink.core.findings.arm_pairs import reference_of
from overthink.core.findings.menus import (
    CROSS_FITTED,
    STOPPED,
    Choosers,
    budgets_mean,
    can_choose,
    menu_for,
    nothing_to_choose,
    resampling,
    rows_of,
    shared_questions,
    together,
)
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.findings.priced import attempt_price
from overthink.core.frontier import FOLDS, Frontier, frontier
from overthink.core.interval import Intervals
from overthink.core.outcomes import Outcomes

Array = NDArray[np.float64]

BUDGETS = 8
"""Budgets per curve at most."""

BINS = 3
"""Bins of difficulty at most: fewer questions than two per fold cannot choose for each other."""

ASIDE = 4
"""One draw in so many is set aside to learn how hard a question is."""

ALL_ARMS = "all arms"

NAIVE = "too good to be true: valued on the questions that chose it"
ATTACKER = "the worst that an attacker with this budget can choose"
PREDICTED = "difficulty is read from a verifier's scores of {draws} draws at rung {rung}, set aside and paid for"
ORACLE = (
    "difficulty is read from the values of {draws} draws at rung {rung}, set aside and paid for; nobody has them in "
    "use (oracle)"
)


def frontiers(pages: Sequence[Page], *, rng: np.random.Generator) -> Iterator[Finding]:
    """The best value at each budget, cross-fitted, and the naive best cell beside it; overall and by difficulty.

    On the safety axis it is the attacker's: the lowest value. Where arms are compared, one more frontier chooses among
    all of them. A curve with one rung and one draw has nothing to choose.

    Args:
        pages: The curves; controls are left out.
        rng: Draws the folds and the resamples.
    """
    seed = int(rng.integers(2**63))
    groups: dict[tuple[str, ...], list[Page]] = {}
    for page in pages:
        if can_choose(page):
            table = page.table
            groups.setdefault((table.axis, table.task, table.scorer, table.estimand), []).append(page)
            yield from _of_task(Choosers.alone(page), seed, by_difficulty=not _several_arms(pages, page))
    if reference_of(pages) is not None:
        several = [_reference_first(group) for group in groups.values() if len(group) > 1]
        for who in together([(_name_of_all(group), group) for group in several]):
            yield from _of_task(who, seed, by_difficulty=True)


def _several_arms(pages: Sequence[Page], page: Page) -> bool:
    """Whether the task of a page has another arm; difficulty is then told once, of all arms."""
    return any(other.table.task == page.table.task and other.table.arm != page.table.arm for other in pages)


def _reference_first(group: Sequence[Page]) -> list[Page]:
    reference = next((page for page in group if page.table.arm == reference_of(group)), group[0])
    return [reference, *(page for page in group if page is not reference)]


def _name_of_all(group: Sequence[Page]) -> str:
    return ALL_ARMS if all(page.table.arm != ALL_ARMS for page in group) else f"{ALL_ARMS}, together"


def _of_task(who: Choosers, seed: int, *, by_difficulty: bool) -> Iterator[Finding]:
    best, naive = ("worst_value", "naive_worst") if who.attacker else ("best_value", "naive_best")
    if who.stopped:
        yield replace(who.page.finding("frontier", best, At()), reason=STOPPED)
        return
    menu = menu_for(who, who.tables)
    reason = nothing_to_choose(menu)
    if reason is not None:
        yield replace(who.page.finding("frontier", best, At()), reason=reason, limits=menu.limits)
        return
    weights, rng = resampling(seed, len(menu.used))
    found = frontier(menu, log_budgets(menu, BUDGETS), weights=weights, level=who.page.level, rng=rng)
    limits = (*menu.limits, budgets_mean(who.page.analysis.unit), *((ATTACKER,) if menu.attacker else ()))
    for i, choice in enumerate(found.choices[0]):
        if choice is not None:
            share = f"folds chose this for {found.agreement[i]:.0%} of the questions"
            yield _point(who, found, i, choice, metric=best, limits=(CROSS_FITTED, share, *limits))
            yield _point(who, found, i, choice, metric=naive, limits=(NAIVE, *limits))
    if by_difficulty:
        yield from _by_difficulty(who, found.budgets, weights, rng)


def _point(
    who: Choosers, found: Frontier, i: int, choice: Allocation, *, metric: str, limits: tuple[str, ...]
) -> Finding:
    shown = found.naive if metric.startswith("naive") else found.value
    page = who.pages[choice.arm]
    made = _at_budget(who, metric, found, i, shown, (i,))
    return replace(
        made,
        at=_within(found, i, replace(page.at(choice.rung), k=choice.k, selector=choice.selector)),
        label=f"within {amount(found.budgets[i], found.unit)}: {who.said(choice)}",
        n_draws=int(page.draws[choice.rung]),
        gates_failed=page.failed([choice.rung]),
        limits=(*made.limits, *limits, POINTWISE),
    )


def _within(found: Frontier, i: int, at: At) -> At:
    return replace(at, total=float(found.budgets[i]), unit=str(found.unit))


def _at_budget(who: Choosers, metric: str, found: Frontier, i: int, shown: Intervals, cell: tuple[int, ...]) -> Finding:
    unknown = "no allocation is within the budget"
    made = who.page.estimated("frontier", metric, At(), shown, cell, unknown=unknown)
    return replace(made, id=f"{made.id}/{np.format_float_positional(found.budgets[i], trim='-')}{found.unit}")


def _by_difficulty(who: Choosers, budgets: Array, weights: Array, rng: np.random.Generator) -> Iterator[Finding]:
    """The value where each bin of difficulty chooses for itself, and pays for being known."""
    told = _difficulty(who)
    if told is None:
        return
    left, difficulty, draws, rung = told
    menu = menu_for(who, left)
    if nothing_to_choose(menu) is not None or (menu.used & (difficulty.bins >= 0)).sum() < 2 * FOLDS:
        return
    known = menu.used & (difficulty.bins >= 0)
    dearest = rounded_up(float(menu.cost[known].mean(axis=0).max() + difficulty.cost[known].mean()))
    limits = np.unique([*budgets, dearest])
    found = frontier(menu, limits, weights=weights, level=who.page.level, rng=rng, difficulty=difficulty)
    how = (PREDICTED if difficulty.predicted else ORACLE).format(draws=draws, rung=left[0].rungs[rung].index)
    counted = budgets_mean(who.page.analysis.unit)
    said = (CROSS_FITTED, how, *menu.limits, counted, *((ATTACKER,) if menu.attacker else ()), POINTWISE)
    metric = "worst_by_difficulty" if who.attacker else "best_by_difficulty"
    for i, budget in enumerate(found.budgets.tolist()):
        choices = [row[i] for row in found.choices]
        at = _within(found, i, At())
        within = f"within {amount(budget, found.unit)}"
        if all(choice is not None for choice in choices):
            each = "; ".join(f"bin {b}: {who.said(choice)}" for b, choice in enumerate(choices) if choice)
            made = replace(_at_budget(who, metric, found, i, found.value, (i,)), at=at, label=f"{within}: {each}")
            yield replace(made, limits=(*made.limits, *said))
        for b, choice in enumerate(choices):
            if choice is not None:
                made = _at_budget(who, f"{metric}_bin{b}", found, i, found.by_bin, (b, i))
                hard = "the hardest questions" if b == 0 else "the easiest" if b == len(choices) - 1 else "in between"
                label = f"{within}, {hard}: {who.said(choice)}"
                yield replace(made, at=at, label=label, limits=(*made.limits, *said))


def _difficulty(who: Choosers) -> tuple[list[Outcomes], Difficulty, int, int] | None:
    """Tables without the draws set aside, what these tell, how many they are, and the rung at which they are read.

    The first table is looked at, at the lowest rung whose draws tell bins apart that are large enough to choose for
    themselves; None where no rung does, or there are too few draws.
    """
    tables = who.tables
    total = min(len(table.draws) for table in tables)
    if total < 2:
        return None
    draws, first = max(1, total // ASIDE), tables[0]
    rows = rows_of(first, shared_questions(tables)) if len(tables) > 1 else np.arange(len(first.questions))
    attempt = attempt_price(first, who.page.analysis, prompts=False).cells
    for rung in range(len(first.rungs)):
        for bins in range(BINS, 1, -1):
            told = set_aside(first, attempt, draws=draws, rung=rung, bins=bins)[1]
            sizes = np.bincount(told.bins[rows][told.bins[rows] >= 0])
            if len(sizes) > 1 and sizes.min() >= 2 * FOLDS:
                mine = replace(told, bins=told.bins[rows], cost=told.cost[rows])
                return [without_first(table, draws) for table in tables], mine, draws, rung
    return None
