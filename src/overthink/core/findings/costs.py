"""The ledger beyond tokens: FLOP, effective FLOP, USD and seconds of every rung, paid and of one attempt there."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.core.attempt import tells_prompts
from overthink.core.bills import attempt_cost, paid_cost
from overthink.core.costing import Cost, Unit
from overthink.core.finding import Finding
from overthink.core.findings.page import Page
from overthink.core.ledger import rung_means

PAID = "sum over the rows of this rung"
ATTEMPT = "one attempt made by itself, mean over draws, then over questions"
NO_INTERVAL = "no interval: counted, not estimated"
ON_THE_CLOCK = "wall clock as it was, requests of other traces in flight"
WITHOUT_PROMPT = "the prompt, whose tokens are not told"


def cost_findings(page: Page) -> Iterator[Finding]:
    """What a rung of the curve cost and what an attempt there costs, in every unit that the evaluator gave numbers for.

    What is unknown has no estimate, and a reason. Effective FLOP are left out where the hardware is not stated.
    """
    analysis, table = page.analysis, page.whole
    parties, hardware = analysis.parties.get(table.arm), analysis.flop_per_byte
    prompts = tells_prompts(table)
    for unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP, Unit.USD, Unit.SECONDS):
        if unit is Unit.EFFECTIVE_FLOP and hardware is None:
            continue
        paid = paid_cost(table, parties, unit, flop_per_byte=hardware)
        attempt = attempt_cost(table, parties, unit, prompts=prompts, flop_per_byte=hardware)
        if unit is not Unit.SECONDS and not prompts:
            attempt = replace(attempt, at_least=(WITHOUT_PROMPT, *attempt.at_least))
        yield from _paid(page, unit, paid)
        yield from _attempts(page, unit, attempt)


def _paid(page: Page, unit: Unit, cost: Cost) -> Iterator[Finding]:
    """Sums over the rows that say."""
    for rung in range(page.rungs):
        made = page.finding("ledger", f"paid_{unit}", page.at(rung))
        rows = cost.amount[:, :, rung][page.whole.observed[:, :, rung]]
        known = rows[~np.isnan(rows)]
        silent = rows.size - known.size
        partly = (f"at least: {silent} rows do not say",) if silent else ()
        yield _told(made, float(known.sum()) if known.size else None, cost, (PAID, *_clock(unit), *partly))


def _attempts(page: Page, unit: Unit, cost: Cost) -> Iterator[Finding]:
    for rung, mean in enumerate(rung_means(cost.amount)):
        made = page.finding("ledger", f"attempt_{unit}", page.at(rung))
        silent = int((np.isnan(cost.amount) & page.whole.observed)[:, :, rung].sum())
        partly = (f"the mean leaves out {silent} rows that do not say",) if silent else ()
        yield _told(made, mean, cost, (ATTEMPT, *_clock(unit), *partly))


def _told(made: Finding, estimate: float | None, cost: Cost, limits: tuple[str, ...]) -> Finding:
    """The number and all that limits it; of one that is unknown only what it would mean, and why it is not there."""
    if estimate is None:
        return replace(made, reason="; ".join(cost.unknown) or "there is no row", limits=limits[:1])
    return replace(made, estimate=estimate, reason=NO_INTERVAL, limits=(*limits, *cost.limits))


def _clock(unit: Unit) -> tuple[str, ...]:
    return (ON_THE_CLOCK,) if unit is Unit.SECONDS else ()
