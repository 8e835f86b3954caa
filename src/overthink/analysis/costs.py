"""Ledger in FLOP, effective FLOP, USD and seconds: the total of every rung, and the mean of one attempt."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.cost.attempt import prompts_known
from overthink.cost.bill import attempt_cost, paid_cost
from overthink.cost.units import Cost, Unit
from overthink.data.finding import Finding
from overthink.analysis.request import CurveContext
from overthink.cost.ledger import rung_means

PAID = "sum over the rows of this rung"
ATTEMPT = "one attempt made by itself, mean over draws, then over questions"
NO_INTERVAL = "no interval: counted, not estimated"
ON_THE_CLOCK = "wall clock as it was, requests of other traces in flight"
WITHOUT_PROMPT = "the prompt, whose tokens are not told"


def cost_findings(context: CurveContext) -> Iterator[Finding]:
    """Yield the total cost of every rung and the cost of one attempt, in every unit other than tokens.

    Unknown costs have a reason instead of an estimate. Effective FLOP are left out without a stated hardware ratio.
    """
    analysis, table = context.analysis, context.whole
    roles, hardware = analysis.parties.get(table.arm), analysis.flop_per_byte
    prompts = prompts_known(table)
    for unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP, Unit.USD, Unit.SECONDS):
        if unit is Unit.EFFECTIVE_FLOP and hardware is None:
            continue
        total = paid_cost(table, roles, unit, flop_per_byte=hardware)
        attempt = attempt_cost(table, roles, unit, prompts=prompts, flop_per_byte=hardware)
        if unit is not Unit.SECONDS and not prompts:
            attempt = replace(attempt, at_least=(WITHOUT_PROMPT, *attempt.at_least))
        yield from _rung_totals(context, unit, total)
        yield from _attempts(context, unit, attempt)


def _rung_totals(context: CurveContext, unit: Unit, cost: Cost) -> Iterator[Finding]:
    """Yield sums over the rows with a known cost."""
    for rung in range(context.rungs):
        finding = context.finding("ledger", f"paid_{unit}", context.at(rung))
        rows = cost.amount[:, :, rung][context.whole.observed[:, :, rung]]
        values = rows[~np.isnan(rows)]
        silent = rows.size - values.size
        partly = (f"at least: {silent} rows do not say",) if silent else ()
        yield _with_amount(finding, float(values.sum()) if values.size else None, cost, (PAID, *_clock(unit), *partly))


def _attempts(context: CurveContext, unit: Unit, cost: Cost) -> Iterator[Finding]:
    for rung, mean in enumerate(rung_means(cost.amount)):
        finding = context.finding("ledger", f"attempt_{unit}", context.at(rung))
        silent = int((np.isnan(cost.amount) & context.whole.observed)[:, :, rung].sum())
        partly = (f"the mean leaves out {silent} rows that do not say",) if silent else ()
        yield _with_amount(finding, mean, cost, (ATTEMPT, *_clock(unit), *partly))


def _with_amount(finding: Finding, estimate: float | None, cost: Cost, limits: tuple[str, ...]) -> Finding:
    """Return the finding with its estimate and limits; if unknown, with the definition and the reason only."""
    if estimate is None:
        return replace(finding, reason="; ".join(cost.unknown) or "there is no row", limits=limits[:1])
    return replace(finding, estimate=estimate, reason=NO_INTERVAL, limits=(*limits, *cost.limits))


def _clock(unit: Unit) -> tuple[str, ...]:
    return (ON_THE_CLOCK,) if unit is Unit.SECONDS else ()
