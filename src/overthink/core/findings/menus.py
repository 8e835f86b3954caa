"""What a budget may be spent on: the curves of one task, the arms among them, and the questions they share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.allocation import SCORED, Allocation, Menu, joined, log_budgets, menu_of
from overthink.core.amounts import noun
from overthink.core.costing import Unit
from overthink.core.curve import mean_curve, parallel_curves
from overthink.core.findings.page import Analysis, Page
from overthink.core.findings.priced import UNCOUNTED, attempt_price, verifier_price
from overthink.core.frontier import FOLDS, PARTITIONS
from overthink.core.identity import prefixes
from overthink.core.interval import question_weights
from overthink.core.outcomes import Outcomes
from overthink.core.record import Axis

Array = NDArray[np.float64]

CROSS_FITTED = f"valued on questions that did not choose it ({FOLDS} folds, drawn {PARTITIONS} times)"
STOPPED = "sampling stopped at the first success: k tries do not cost k attempts"


@dataclass(frozen=True, slots=True, eq=False)
class Choosers:
    """The curves of one task that budgets may be spent on, and the page that their findings stand on.

    Attributes:
        page: The curve, or one that stands for several arms.
        pages: By arm; under None where there is one curve.
    """

    page: Page
    pages: dict[str | None, Page]

    @classmethod
    def alone(cls, page: Page) -> "Choosers":
        """One curve."""
        return cls(page, {None: page})

    @property
    def attacker(self) -> bool:
        """Whether the lowest value is wanted."""
        return self.page.table.axis is Axis.SAFETY

    @property
    def tables(self) -> list[Outcomes]:
        """The curves, in the order of the arms."""
        return [page.table for page in self.pages.values()]

    @property
    def stopped(self) -> bool:
        """Whether sampling stopped at the first success, so that tries have no price of their own."""
        return any(page.batch is not None for page in self.pages.values())

    def said(self, choice: Allocation) -> str:
        """An allocation in words."""
        how = "one try" if choice.selector == "single" else f"{choice.selector.replace('_', ' ')} of {choice.k} tries"
        arm = "" if choice.arm is None else f" of {choice.arm}"
        return f"{how} at rung {self.pages[choice.arm].table.rungs[choice.rung].index}{arm}"


def can_choose(page: Page) -> bool:
    """Whether a curve leaves anything to choose: more than one rung, or more than one draw."""
    return not page.is_control and (page.rungs > 1 or bool(page.draws.max(initial=0) > 1))


def together(groups: Sequence[tuple[str, Sequence[Page]]]) -> list[Choosers]:
    """Each group as one choice among its arms; the first page, under the group's name, stands for all of them."""
    tables = [replace(group[0].table, arm=name) for name, group in groups]
    return [
        Choosers(
            replace(group[0], table=replace(group[0].table, arm=name), prefix=prefix),
            {page.table.arm: page for page in group},
        )
        for (name, group), prefix in zip(groups, prefixes(tables), strict=True)
    ]


def menu_for(who: Choosers, tables: Sequence[Outcomes], questions: Sequence[str] | None = None) -> Menu:
    """Every allocation of these tables, one per page. Arms that have no price are left out, and the limits say so.

    Args:
        who: Who chooses.
        tables: One per page, with the draws that may be used.
        questions: What the menu is of, in this order; None for what all tables share, or all of a single table.
    """
    menus = [_menu_of(table, who.page.analysis, attacker=who.attacker) for table in tables]
    if questions is None and len(menus) == 1:
        return menus[0]
    shared = shared_questions(tables) if questions is None else questions
    named = [
        menu.of(arm, rows_of(table, shared)) if menu.options else menu
        for menu, arm, table in zip(menus, who.pages, tables, strict=True)
    ]
    whole = joined(named) if len(named) > 1 else named[0]
    missing = (
        f"{arm} has no place among them: {'; '.join(menu.unpriced)}"
        for arm, menu in zip(who.pages, menus, strict=True)
        if not menu.options and whole.options
    )
    why = () if whole.options else tuple(dict.fromkeys(reason for menu in menus for reason in menu.unpriced))
    return replace(whole, limits=(*whole.limits, *missing), unpriced=why)


def nothing_to_choose(menu: Menu) -> str | None:
    """Why there is no frontier; None if there is one."""
    if not menu.options:
        return "; ".join(menu.unpriced) or UNCOUNTED
    if len(menu.options) < 2:
        return "there is one allocation only"
    if menu.used.sum() < 2 * FOLDS:
        return f"{menu.used.sum()} questions are too few: some choose, others value; needed: {2 * FOLDS}"
    if not log_budgets(menu).size:
        return f"no allocation costs any {noun(menu.unit)}"
    return None


def budgets_mean(unit: Unit) -> str:
    """What a budget counts, in words."""
    if unit is Unit.SECONDS:
        return "budgets are mean seconds per question, as if tries were made one by one; judges are not counted"
    parts = "decoded ones" if unit is Unit.TOKENS else "of what is decoded"
    return (
        f"budgets are mean {noun(unit)} per question: {parts}, and those of verifiers and guards; prompts and judges "
        "are not counted"
    )


def resampling(seed: int, questions: int) -> tuple[Array, np.random.Generator]:
    """Weights of the bootstrap, and who draws the folds: the same for all curves on so many questions."""
    rng = np.random.default_rng(seed)
    return question_weights(questions, rng=rng), rng


def shared_questions(tables: Sequence[Outcomes]) -> list[str]:
    """Questions that all tables have, in one order."""
    return sorted(set.intersection(*(set(table.questions) for table in tables)))


def rows_of(table: Outcomes, questions: Sequence[str]) -> NDArray[np.int64]:
    """Where these questions stand in a table."""
    place = {question: i for i, question in enumerate(table.questions)}
    return np.array([place[question] for question in questions], dtype=np.int64)


def _menu_of(table: Outcomes, analysis: Analysis, *, attacker: bool) -> Menu:
    nobody = np.ones((1, len(table.questions)))  # the curves' own intervals are not asked for
    curves = (mean_curve(table, nobody, level=0.5), *parallel_curves(table, nobody, level=0.5))
    attempt, verifier = attempt_price(table, analysis, prompts=False), verifier_price(table, analysis)
    menu = menu_of(curves, attempt.cells, unit=analysis.unit, verifier=verifier.cells, attacker=attacker)
    scored = any(option.selector in SCORED for option in menu.options)
    notes = dict.fromkeys((*attempt.notes, *(verifier.notes if scored else ())))
    return replace(menu, limits=(*menu.limits, *notes), unpriced=() if menu.options else (attempt.reason,))
