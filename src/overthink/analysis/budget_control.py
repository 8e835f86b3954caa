"""Budget adherence and its value: the control, scaling and performance metrics of s1."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.stats.bands import simultaneous_bands
from overthink.stats.budget_control import control, scaling, steepest
from overthink.data.finding import At, Finding
from overthink.analysis.request import CurveContext
from overthink.stats.bootstrap import mean_intervals
from overthink.data.record import Estimand

PER = 1000
"""Tokens per unit of scaling."""

NO_MINIMUM = "budgets are upper limits here: a trace that ends early has kept to its budget"
SLOPE = f"value per {PER:,} tokens of requested thinking, the mean over every two budgets"
HIGHEST = "the highest of several means is higher than the mean that is truly highest, on average"


def budget_control(context: CurveContext, *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield the three metrics of a curve with at least two budgets in tokens."""
    budgets = [rung.requested_tokens for rung in context.table.rungs]
    targets = [tokens for tokens in budgets if tokens is not None]
    cut = context.table.estimand in (Estimand.FORCED, Estimand.EFFORT)
    if context.is_control or not cut or len(targets) < max(2, len(budgets)):
        return
    gates = context.failed_gates(range(context.rungs))
    adherence = mean_intervals(control(context.table.thinking_tokens, targets), context.weights, level=context.level)
    finding = context.estimate("budget_control", "control", At(), adherence, (), unknown="thinking tokens are unknown")
    yield replace(finding, limits=(*finding.limits, NO_MINIMUM))
    most = steepest(targets) * PER
    slopes = mean_intervals(
        scaling(context.cells, targets) * PER, context.weights, level=context.level, support=(-most, most)
    )
    finding = context.estimate(
        "budget_control", "scaling", At(), slopes, (), unknown="no question has a value at every budget"
    )
    yield replace(finding, gates_failed=gates, limits=(*finding.limits, SLOPE))
    yield replace(_performance(context, rng), gates_failed=gates)


def _performance(context: CurveContext, rng: np.random.Generator) -> Finding:
    """Return the highest mean; the highest ends of the simultaneous band bound the highest true mean."""
    finding = replace(context.finding("budget_control", "performance", At()), level=context.level, simultaneous=True)
    band = simultaneous_bands(context.cells, level=context.level, rng=rng)
    if np.isnan(band.estimate).all():
        return replace(finding, reason="no value is known at any budget")
    finding = replace(finding, estimate=float(np.nanmax(band.estimate)), limits=(HIGHEST,))
    if np.isnan(band.low).any():
        return replace(finding, reason="no interval: a rung is known for one question only")
    return replace(finding, low=float(band.low.max()), high=float(band.high.max()))
