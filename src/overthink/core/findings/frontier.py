"""The best use of a budget: for a few budgets per curve, how long to think, how often to try, how to choose."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from overthink.core.allocation import Allocation, Menu, log_budgets, menu_of
from overthink.core.attempt import attempt_parts
from overthink.core.category import Category
from overthink.core.curve import mean_curve, parallel_curves, question_means
from overthink.core.finding import At, Finding
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.frontier import FOLDS, PARTITIONS, Frontier, frontier
from overthink.core.interval import question_weights
from overthink.core.record import Axis
from overthink.core.tokens import attempt_tokens

BUDGETS = 8
"""Budgets per curve at most."""

BUDGET = "budgets are mean tokens per question: decoded ones and a verifier's; prompts and judges are not counted"
CROSS_FITTED = f"valued on questions that did not choose it ({FOLDS} folds, drawn {PARTITIONS} times)"
NAIVE = "too good to be true: valued on the questions that chose it"
ATTACKER = "the worst that an attacker with this budget can choose"


def frontiers(pages: Sequence[Page], *, rng: np.random.Generator) -> Iterator[Finding]:
    """The best value at each budget, cross-fitted, and the naive best cell beside it.

    On the safety axis it is the attacker's: the lowest value. A curve with one rung and one draw has nothing to choose.

    Args:
        pages: The curves; controls are left out.
        rng: Draws the folds and the resamples.
    """
    seed = int(rng.integers(2**63))
    for page in pages:
        if not page.is_control and (page.rungs > 1 or page.draws.max(initial=0) > 1):
            yield from _of_curve(page, seed)


def _of_curve(page: Page, seed: int) -> Iterator[Finding]:
    rng = np.random.default_rng(seed)  # the same for all curves, so that they share folds where they share questions
    best, naive = ("worst_value", "naive_worst") if page.table.axis is Axis.SAFETY else ("best_value", "naive_best")
    if page.batch is not None:
        stopped = "sampling stopped at the first success: k tries do not cost k attempts"
        yield replace(page.finding("frontier", best, At()), reason=stopped)
        return
    menu = _menu(page)
    reason = _nothing_to_choose(menu)
    if reason is not None:
        yield replace(page.finding("frontier", best, At()), reason=reason, limits=menu.limits)
        return
    weights = question_weights(len(page.table.questions), rng=rng)
    found = frontier(menu, log_budgets(menu, BUDGETS), weights=weights, level=page.level, rng=rng)
    for i, choice in enumerate(found.choices[0]):
        if choice is not None:
            limits = (*menu.limits, BUDGET, *((ATTACKER,) if menu.attacker else ()))
            share = f"folds chose this for {found.agreement[i]:.0%} of the questions"
            yield _point(page, found, i, choice, metric=best, limits=(CROSS_FITTED, share, *limits))
            yield _point(page, found, i, choice, metric=naive, limits=(NAIVE, *limits))


def _menu(page: Page) -> Menu:
    nobody = np.ones((1, len(page.table.questions)))  # the curves' own intervals are not asked for
    curves = (
        mean_curve(page.table, nobody, level=page.level),
        *parallel_curves(page.table, nobody, level=page.level),
    )
    return menu_of(
        curves,
        question_means(attempt_tokens(page.table)),
        unit="tokens",
        verifier=question_means(attempt_parts(page.table)[Category.VERIFIER]),
        attacker=page.table.axis is Axis.SAFETY,
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


def _point(page: Page, found: Frontier, i: int, choice: Allocation, *, metric: str, limits: tuple[str, ...]) -> Finding:
    shown = found.naive if metric.startswith("naive") else found.value
    made = page.estimated("frontier", metric, At(), shown, (i,), unknown="no allocation is within the budget")
    budget = np.format_float_positional(found.budgets[i], trim="-")
    how = "one try" if choice.selector == "single" else f"{choice.selector} of {choice.k} tries"
    rung = page.table.rungs[choice.rung].index
    return replace(
        made,
        id=f"{made.id}/{budget}tokens",
        at=replace(page.at(choice.rung), k=choice.k, selector=choice.selector),
        label=f"within {found.budgets[i]:,.12g} tokens: {how} at rung {rung}",
        n_draws=int(page.draws[choice.rung]),
        gates_failed=page.failed([choice.rung]),
        limits=(*made.limits, *limits, POINTWISE),
    )
