"""Forecasts at twice the highest budget as results: the pooled forecast, then each family with its error."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import Outcomes, guaranteed_part
from overthink.data.record import Estimand
from overthink.data.results.forecast import FamilyResult, NextBudgetResult
from overthink.data.selectors import Selector
from overthink.data.verdict_labels import NextBudgetLabel
from overthink.forecasts.next_budget import CurveForecast, FamilyForecast, extrapolate_cells
from overthink.stats.curve import POSITION, REQUESTED_TOKENS, Ladder, ladder_of, single_cells
from overthink.stats.first_success import is_uneven, stopped_at_success
from overthink.stats.gates import GateResult, gates

FORECAST_ESTIMANDS = (Estimand.FORCED, Estimand.EFFORT, Estimand.NATURAL)
"""Estimands that are forecast. The others are control rows, or count turns instead of thinking."""

BEYOND = "extrapolated from {top:,.0f} to {target:,.0f} tokens: nothing was measured there"
UNFORESEEN = "a turn above the ladder cannot be foreseen: no interval holds it"
POOL = "pool of the families that predicted the held-out rungs: {families}"
PLACED = "rungs are placed by {unit}"
WITHOUT_ZERO = "the rung at 0 is left out: an answer without thinking is another regime"
NO_TOKENS = "the rungs cannot be placed in tokens: nothing says how far an octave is"
FAILED = "gates failed on the ladder: {names}"


def next_budget_result(
    table: Outcomes, *, level: float, margin: float, stopping: str | None, prefix: str, rng: np.random.Generator
) -> NextBudgetResult | None:
    """Return the forecast of a curve one octave beyond its ladder.

    Args:
        table: Outcomes of the curve.
        level: Confidence level.
        margin: Largest negligible error of a prediction.
        stopping: Stopping rule of the counts: "fixed", "first_success", or None to infer it.
        prefix: Prefix of every id.
        rng: Random generator.

    Returns:
        The forecast, or why there is none; None for a single rung, or for an estimand without a thinking budget.

    Raises:
        ValueError: The level or the margin is out of range.
        InputError: The stopping rule does not fit the counts.
    """
    if len(table.rungs) < 2 or table.estimand not in FORECAST_ESTIMANDS:
        return None
    ladder, even = ladder_of(table), guaranteed_part(table)
    key = CurveKey(table.axis.value, table.task, table.arm, table.scorer, table.estimand.value)
    folder = f"{prefix}/next_octave"
    batch = stopped_at_success(even, stopping)
    results = gates(even, uneven=is_uneven(table, stopping, batch))
    blank = _blank(table, even, results, f"{folder}/{Metric.MEAN}")
    if not ladder.in_tokens:
        none = NextBudgetLabel.NOT_FORECAST
        pool = replace(blank, label=none, reason=NO_TOKENS)
        return NextBudgetResult(key, POSITION, none, NO_TOKENS, None, None, None, (), pool)
    cells = single_cells(table, batch)
    forecast = extrapolate_cells(cells, ladder.budgets, level=level, margin=margin, rng=rng)
    beyond = BEYOND.format(top=forecast.top, target=forecast.target)
    notes = _notes(ladder, blank.gates_failed)
    at = replace(blank.at, requested_tokens=round(forecast.target))
    blank = replace(blank, at=at, level=level, n_questions=forecast.n_questions, limits=(beyond, *notes))
    families = tuple(_families(blank, forecast, folder))
    if forecast.reason is None:
        notes = (*notes, POOL.format(families=", ".join(family.words for family in families if family.is_used)))
    pool = _pool(replace(blank, limits=(beyond, *notes)), forecast)
    label = NextBudgetLabel.EXTRAPOLATED if forecast.reason is None else NextBudgetLabel.NOT_FORECAST
    return NextBudgetResult(
        key, ladder.unit, label, forecast.reason, forecast.top, forecast.target, level, notes, pool, families
    )


def _blank(table: Outcomes, even: Outcomes, results: Sequence[GateResult], name: str) -> Finding:
    failed_gates = dict.fromkeys(gate.name for gate in results if gate.passed is False)
    return Finding(
        id=name,
        kind=Kind.NEXT_OCTAVE,
        axis=table.axis.value,
        task=table.task,
        arm=table.arm,
        estimand=table.estimand.value,
        metric=Metric.MEAN,
        at=At(k=1, selector=Selector.SINGLE),
        n_draws=int((~np.isnan(even.values)).sum(axis=1).max(initial=0)),
        gates_failed=tuple(failed_gates),
        scorer=table.scorer,
    )


def _notes(ladder: Ladder, failed_gates: tuple[str, ...]) -> tuple[str, ...]:
    notes = [UNFORESEEN]
    notes += [PLACED.format(unit=ladder.unit)] if ladder.unit != REQUESTED_TOKENS else []
    notes += [WITHOUT_ZERO] if ladder.budgets[0] == 0 else []
    notes += [FAILED.format(names=", ".join(failed_gates))] if failed_gates else []
    return tuple(notes)


def _pool(blank: Finding, forecast: CurveForecast) -> Finding:
    if forecast.reason is not None:
        return replace(blank, label=NextBudgetLabel.NOT_FORECAST, reason=forecast.reason)
    return replace(
        blank,
        label=NextBudgetLabel.EXTRAPOLATED,
        estimate=forecast.estimate,
        low=forecast.low,
        high=forecast.high,
    )


def _families(blank: Finding, forecast: CurveForecast, folder: str) -> Iterator[FamilyResult]:
    for result in forecast.families:
        name = result.family.name
        label = NextBudgetLabel.PREDICTS if result.predicts else NextBudgetLabel.NOT_USED
        value = replace(blank, id=f"{folder}/{name}", metric=Metric(name), reason=result.reason, label=label)
        if not np.isnan(result.estimate):
            value = replace(value, estimate=result.estimate)
        if result.predicts:
            value = replace(value, low=result.low, high=result.high)
        error = _error(value, result) if result.held_out else None
        yield FamilyResult(name, result.family.words, result.predicts, result.reason, value, error)


def _error(finding: Finding, result: FamilyForecast) -> Finding:
    """Return the finding of the family's mean absolute error on the held-out rungs."""
    errors = [abs(check.prediction - check.measurement) for check in result.held_out]
    comparison = "; ".join(
        f"{check.prediction:.3f} predicted and {check.measurement:.3f} measured at {check.budget:,.0f} tokens"
        for check in result.held_out
    )
    return replace(
        finding, id=f"{finding.id}_error", metric=Metric(f"{finding.metric}_error"), estimate=float(np.mean(errors)),
        low=None, high=None, reason=None, limits=(comparison,),
    )  # fmt: skip
