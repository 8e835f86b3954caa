"""How well the curve keeps to its budgets, and what they buy: s1's control, scaling and performance."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.core.bands import simultaneous_bands
from overthink.core.budget_control import control, scaling, steepest
from overthink.core.finding import At, Finding
from overthink.core.findings.page import Page
from overthink.core.interval import mean_intervals
from overthink.core.record import Estimand

PER = 1000
"""Scaling is told per so many tokens."""

NO_MINIMUM = "budgets are upper limits here: a trace that ends early has kept to its budget"
SLOPE = f"value per {PER:,} tokens of requested thinking, the mean over every two budgets"
HIGHEST = "the highest of several means is higher than the mean that is truly highest, on average"


def budget_control(page: Page, *, rng: np.random.Generator) -> Iterator[Finding]:
    """The three metrics, for a curve with two budgets in tokens or more."""
    budgets = [rung.requested_tokens for rung in page.table.rungs]
    told = [tokens for tokens in budgets if tokens is not None]
    cut = page.table.estimand in (Estimand.FORCED, Estimand.EFFORT)
    if page.is_control or not cut or len(told) < max(2, len(budgets)):
        return
    gates = page.failed(range(page.rungs))
    kept = mean_intervals(control(page.table.thinking_tokens, told), page.weights, level=page.level)
    made = page.estimated("budget_control", "control", At(), kept, (), unknown="thinking tokens are unknown")
    yield replace(made, limits=(*made.limits, NO_MINIMUM))
    most = steepest(told) * PER
    slopes = mean_intervals(scaling(page.cells, told) * PER, page.weights, level=page.level, support=(-most, most))
    made = page.estimated(
        "budget_control", "scaling", At(), slopes, (), unknown="no question has a value at every budget"
    )
    yield replace(made, gates_failed=gates, limits=(*made.limits, SLOPE))
    yield replace(_performance(page, rng), gates_failed=gates)


def _performance(page: Page, rng: np.random.Generator) -> Finding:
    """The highest mean; the band of the whole curve holds the highest true mean between its highest ends."""
    made = replace(page.finding("budget_control", "performance", At()), level=page.level, simultaneous=True)
    band = simultaneous_bands(page.cells, level=page.level, rng=rng)
    if np.isnan(band.estimate).all():
        return replace(made, reason="no value is known at any budget")
    made = replace(made, estimate=float(np.nanmax(band.estimate)), limits=(HIGHEST,))
    if np.isnan(band.low).any():
        return replace(made, reason="no interval: a rung is known for one question only")
    return replace(made, low=float(band.low.max()), high=float(band.high.max()))
