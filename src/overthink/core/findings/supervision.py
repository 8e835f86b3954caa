"""Process against outcome supervision: what scores of steps and of answers select, at equal verifier tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from overthink.core.finding import Finding
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.interval import question_weights
from overthink.core.outcomes import Outcomes
from overthink.core.record import Estimand
from overthink.core.supervision import Supervised, process_against_outcome

CAPPED = "one of the two has no more tries to judge, and leaves some of the budget unspent"
PROXY = "a proxy at hand, and no measure of legibility by readers"


def supervision(pages: Sequence[Page], *, rng: np.random.Generator) -> Iterator[Finding]:
    """One finding per rung, budget and measure, for every two curves of the same tries, one scored by its steps.

    Args:
        pages: The curves; those whose scores know the targets are not compared.
        rng: Source of randomness.
    """
    seed = int(rng.integers(2**63))
    by_steps = [page for page in pages if _is_scored(page, "steps")]
    by_answer = [page for page in pages if _is_scored(page, "answer")]
    for page in by_steps:
        for other in by_answer:
            outcome = replace(other.table, arm=page.table.arm)
            if not _same_tries(page.table, outcome):
                continue
            natural = next((p.table for p in pages if _is_natural(p.table, page.table)), None)
            weights = question_weights(len(page.table.questions), rng=np.random.default_rng(seed))
            for one in process_against_outcome(page.table, outcome, weights=weights, level=page.level, natural=natural):
                yield from _of_budget(page, other, one)


def _of_budget(page: Page, other: Page, one: Supervised) -> Iterator[Finding]:
    steps, answers = one.tries
    beside = other.prefix.replace("/", ".")
    at = replace(page.at(one.rung), k=min(one.tries), selector="best")
    for measure, found in one.difference.items():
        means = one.selected[measure]
        made = page.estimated(
            "supervision",
            measure,
            at,
            found,
            (),
            unknown="no question has a value of this",
            part=f"{beside}/{one.budget:.0f}tokens",
        )
        limits = (POINTWISE, *((CAPPED,) if one.capped else ()), *((PROXY,) if measure != "value" else ()))
        yield replace(
            made,
            n_draws=int(page.draws[one.rung]),
            label=f"{one.budget:,.0f} verifier tokens: steps judge {steps} ({means[0]:.3g}), answers {answers} "
            f"({means[1]:.3g})",
            gates_failed=page.failed([one.rung]),
            limits=(*made.limits, *limits),
        )


def _is_scored(page: Page, by: str) -> bool:
    told = page.verified
    return told is not None and told.by == by and not told.oracle


def _same_tries(a: Outcomes, b: Outcomes) -> bool:
    named = ("axis", "task", "scorer", "estimand", "questions", "draws", "rungs")
    alike = all(getattr(a, name) == getattr(b, name) for name in named)
    return alike and bool(np.array_equal(a.values, b.values, equal_nan=True))


def _is_natural(table: Outcomes, of: Outcomes) -> bool:
    same = (table.arm, table.task, table.scorer, table.axis) == (of.arm, of.task, of.scorer, of.axis)
    return same and table.estimand is Estimand.NATURAL
