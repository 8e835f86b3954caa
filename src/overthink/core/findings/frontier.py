"""The best use of a budget: how long to think, how often to try, how to choose, and which arm to think with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.allocation import Allocation, Menu, joined, log_budgets, menu_of, rounded_up
from overthink.core.attempt import answer_verifier_tokens, strategy_tokens
from overthink.core.curve import mean_curve, parallel_curves, question_means
from overthink.core.difficulty import Difficulty, set_aside, without_first
from overthink.core.finding import At, Finding
from overthink.core.findings.arm_pairs import reference_of
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.frontier import FOLDS, PARTITIONS, Frontier, frontier
from overthink.core.identity import prefixes
from overthink.core.interval import Intervals, question_weights
from overthink.core.outcomes import Outcomes
from overthink.core.record import Axis

Array = NDArray[np.float64]

BUDGETS = 8
"""Budgets per curve at most."""

BINS = 3
"""Bins of difficulty at most: fewer questions than two per fold cannot choose for each other."""

ASIDE = 4
"""One draw in so many is set aside to learn how hard a question is."""

ALL_ARMS = "all arms"

BUDGET = (
    "budgets are mean tokens per question: decoded ones, and those of verifiers and guards; prompts and judges are not "
    "counted"
)
CROSS_FITTED = f"valued on questions that did not choose it ({FOLDS} folds, drawn {PARTITIONS} times)"
NAIVE = "too good to be true: valued on the questions that chose it"
ATTACKER = "the worst that an attacker with this budget can choose"
PREDICTED = "difficulty is read from a verifier's scores of {draws} draws at rung {rung}, set aside and paid for"
ORACLE = (
    "difficulty is read from the values of {draws} draws at rung {rung}, set aside and paid for; nobody has them in "
    "use (oracle)"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Choosers:
    """The curves of one task that budgets may be spent on, and the page that their findings stand on.

    Attributes:
        page: The curve, or one that stands for all arms.
        pages: By arm; under None where there is one curve.
        seed: Of folds and resamples.
    """

    page: Page
    pages: dict[str | None, Page]
    seed: int

    @property
    def attacker(self) -> bool:
        """Whether the lowest value is wanted."""
        return self.page.table.axis is Axis.SAFETY


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
        if not page.is_control and (page.rungs > 1 or page.draws.max(initial=0) > 1):
            table = page.table
            groups.setdefault((table.axis, table.task, table.scorer, table.estimand), []).append(page)
            alone = _Choosers(page, {None: page}, seed)
            yield from _of_task(alone, by_difficulty=not _several_arms(pages, page))
    if reference_of(pages) is not None:
        for together in _together([group for group in groups.values() if len(group) > 1], seed):
            yield from _of_task(together, by_difficulty=True)


def _several_arms(pages: Sequence[Page], page: Page) -> bool:
    """Whether the task of a page has another arm; difficulty is then told once, of all arms."""
    return any(other.table.task == page.table.task and other.table.arm != page.table.arm for other in pages)


def _together(groups: Sequence[list[Page]], seed: int) -> Iterator[_Choosers]:
    tables = []
    for group in groups:
        name = ALL_ARMS if all(page.table.arm != ALL_ARMS for page in group) else f"{ALL_ARMS}, together"
        tables.append(replace(group[0].table, arm=name))
    for group, table, prefix in zip(groups, tables, prefixes(tables), strict=True):
        reference = next((page for page in group if page.table.arm == reference_of(group)), group[0])
        ordered = [reference, *(page for page in group if page is not reference)]
        yield _Choosers(
            replace(reference, table=replace(reference.table, arm=table.arm), prefix=prefix),
            {page.table.arm: page for page in ordered},
            seed,
        )


def _of_task(who: _Choosers, *, by_difficulty: bool) -> Iterator[Finding]:
    rng = np.random.default_rng(who.seed)  # the same for all, so that curves on the same questions share folds
    best, naive = ("worst_value", "naive_worst") if who.attacker else ("best_value", "naive_best")
    if any(page.batch is not None for page in who.pages.values()):
        stopped = "sampling stopped at the first success: k tries do not cost k attempts"
        yield replace(who.page.finding("frontier", best, At()), reason=stopped)
        return
    menu = _menu(who, [page.table for page in who.pages.values()])
    reason = _nothing_to_choose(menu)
    if reason is not None:
        yield replace(who.page.finding("frontier", best, At()), reason=reason, limits=menu.limits)
        return
    weights = question_weights(len(menu.used), rng=rng)
    found = frontier(menu, log_budgets(menu, BUDGETS), weights=weights, level=who.page.level, rng=rng)
    limits = (*menu.limits, BUDGET, *((ATTACKER,) if menu.attacker else ()))
    for i, choice in enumerate(found.choices[0]):
        if choice is not None:
            share = f"folds chose this for {found.agreement[i]:.0%} of the questions"
            yield _point(who, found, i, choice, metric=best, limits=(CROSS_FITTED, share, *limits))
            yield _point(who, found, i, choice, metric=naive, limits=(NAIVE, *limits))
    if by_difficulty:
        yield from _by_difficulty(who, found.budgets, weights, rng)


def _menu(who: _Choosers, tables: Sequence[Outcomes]) -> Menu:
    """Every allocation of these tables, one per page, on the questions that all of them share."""
    shared = _shared(tables)
    menus = [_menu_of(table, attacker=who.attacker) for table in tables]
    if len(menus) == 1:
        return menus[0]
    arms = [str(arm) for arm in who.pages]
    named = (
        menu.of(arm, _rows(table, shared)) if menu.options else menu
        for menu, arm, table in zip(menus, arms, tables, strict=True)
    )
    return joined(list(named))


def _menu_of(table: Outcomes, *, attacker: bool) -> Menu:
    nobody = np.ones((1, len(table.questions)))  # the curves' own intervals are not asked for
    curves = (mean_curve(table, nobody, level=0.5), *parallel_curves(table, nobody, level=0.5))
    return menu_of(
        curves,
        question_means(strategy_tokens(table)),
        unit="tokens",
        verifier=question_means(answer_verifier_tokens(table)),
        attacker=attacker,
    )


def _nothing_to_choose(menu: Menu) -> str | None:
    """Why there is no frontier; None if there is one."""
    if not menu.options:
        return "the source does not count the tokens of an attempt"
    if len(menu.options) < 2:
        return "there is one allocation only"
    if menu.used.sum() < 2 * FOLDS:
        return f"{menu.used.sum()} questions are too few: some choose, others value; needed: {2 * FOLDS}"
    if not log_budgets(menu).size:
        return "no allocation costs any tokens"
    return None


def _point(
    who: _Choosers, found: Frontier, i: int, choice: Allocation, *, metric: str, limits: tuple[str, ...]
) -> Finding:
    shown = found.naive if metric.startswith("naive") else found.value
    page = who.pages[choice.arm]
    made = _at_budget(who, metric, found, i, shown, (i,))
    return replace(
        made,
        at=replace(page.at(choice.rung), k=choice.k, selector=choice.selector, total_tokens=float(found.budgets[i])),
        label=f"within {found.budgets[i]:,.12g} tokens: {_said(page, choice)}",
        n_draws=int(page.draws[choice.rung]),
        gates_failed=page.failed([choice.rung]),
        limits=(*made.limits, *limits, POINTWISE),
    )


def _at_budget(
    who: _Choosers, metric: str, found: Frontier, i: int, shown: Intervals, cell: tuple[int, ...]
) -> Finding:
    unknown = "no allocation is within the budget"
    made = who.page.estimated("frontier", metric, At(), shown, cell, unknown=unknown)
    return replace(made, id=f"{made.id}/{np.format_float_positional(found.budgets[i], trim='-')}tokens")


def _said(page: Page, choice: Allocation) -> str:
    how = "one try" if choice.selector == "single" else f"{choice.selector.replace('_', ' ')} of {choice.k} tries"
    arm = "" if choice.arm is None else f" of {choice.arm}"
    return f"{how} at rung {page.table.rungs[choice.rung].index}{arm}"


def _by_difficulty(who: _Choosers, budgets: Array, weights: Array, rng: np.random.Generator) -> Iterator[Finding]:
    """The value where each bin of difficulty chooses for itself, and pays for being known."""
    tables = [page.table for page in who.pages.values()]
    told = _difficulty(tables)
    if told is None:
        return
    left, difficulty, draws, rung = told
    menu = _menu(who, left)
    if _nothing_to_choose(menu) is not None or (menu.used & (difficulty.bins >= 0)).sum() < 2 * FOLDS:
        return
    known = menu.used & (difficulty.bins >= 0)
    dearest = rounded_up(float(menu.cost[known].mean(axis=0).max() + difficulty.cost[known].mean()))
    limits = np.unique([*budgets, dearest])
    found = frontier(menu, limits, weights=weights, level=who.page.level, rng=rng, difficulty=difficulty)
    how = (PREDICTED if difficulty.predicted else ORACLE).format(draws=draws, rung=tables[0].rungs[rung].index)
    said = (CROSS_FITTED, how, *menu.limits, BUDGET, *((ATTACKER,) if menu.attacker else ()), POINTWISE)
    metric = "worst_by_difficulty" if who.attacker else "best_by_difficulty"
    for i, budget in enumerate(found.budgets.tolist()):
        choices = [row[i] for row in found.choices]
        at = At(total_tokens=budget)
        within = f"within {budget:,.12g} tokens"
        if all(choice is not None for choice in choices):
            each = "; ".join(
                f"bin {b}: {_said(who.pages[choice.arm], choice)}" for b, choice in enumerate(choices) if choice
            )
            made = replace(_at_budget(who, metric, found, i, found.value, (i,)), at=at, label=f"{within}: {each}")
            yield replace(made, limits=(*made.limits, *said))
        for b, choice in enumerate(choices):
            if choice is not None:
                made = _at_budget(who, f"{metric}_bin{b}", found, i, found.by_bin, (b, i))
                hard = "the hardest questions" if b == 0 else "the easiest" if b == len(choices) - 1 else "in between"
                label = f"{within}, {hard}: {_said(who.pages[choice.arm], choice)}"
                yield replace(made, at=at, label=label, limits=(*made.limits, *said))


def _difficulty(tables: Sequence[Outcomes]) -> tuple[list[Outcomes], Difficulty, int, int] | None:
    """Tables without the draws set aside, what these tell, how many they are, and the rung at which they are read.

    The first table is looked at, at the lowest rung whose draws tell bins apart that are large enough to choose for
    themselves; None where no rung does, or there are too few draws.
    """
    total = min(len(table.draws) for table in tables)
    if total < 2:
        return None
    draws, first = max(1, total // ASIDE), tables[0]
    shared = _shared(tables)
    rows = _rows(first, shared) if len(tables) > 1 else np.arange(len(first.questions))
    attempt = question_means(strategy_tokens(first))
    for rung in range(len(first.rungs)):
        for bins in range(BINS, 1, -1):
            told = set_aside(first, attempt, draws=draws, rung=rung, bins=bins)[1]
            sizes = np.bincount(told.bins[rows][told.bins[rows] >= 0])
            if len(sizes) > 1 and sizes.min() >= 2 * FOLDS:
                mine = replace(told, bins=told.bins[rows], cost=told.cost[rows])
                return [without_first(table, draws) for table in tables], mine, draws, rung
    return None


def _shared(tables: Sequence[Outcomes]) -> list[str]:
    return sorted(set.intersection(*(set(table.questions) for table in tables)))


def _rows(table: Outcomes, questions: Sequence[str]) -> NDArray[np.int64]:
    place = {question: i for i, question in enumerate(table.questions)}
    return np.array([place[question] for question in questions], dtype=np.int64)
