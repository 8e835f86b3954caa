"""Findings of a forecast beyond the ladder: the pooled forecast, and forecast and error of each family."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from overthink.data.adaptive_tables import guaranteed_part
from overthink.stats.curve import single_cells
from overthink.data.finding import At, Finding
from overthink.forecasts.held_out import FamilyForecast
from overthink.forecasts.next_budget import CurveForecast, extrapolate_cells
from overthink.stats.gates import gates
from overthink.stats.ladder_axis import REQUESTED_TOKENS, POSITION, ladder_of
from overthink.data.outcomes import Outcomes
from overthink.data.record import Estimand
from overthink.stats.stopping import stopped_at_success

FORECAST_ESTIMANDS = (Estimand.FORCED, Estimand.EFFORT, Estimand.NATURAL)
"""Estimands that are forecast. The others are control rows, or count turns instead of thinking."""

EXTRAPOLATED, NOT_FORECAST = "extrapolated", "no forecast"
PREDICTS, NOT_USED = "predicts", "not used"

BEYOND = "extrapolated from {top:,.0f} to {target:,.0f} tokens: nothing was measured there"
UNFORESEEN = "a turn above the ladder cannot be foreseen: no interval holds it"
POOL = "pool of the families that predicted the held-out rungs: {families}"
PLACED = "rungs are placed by {unit}"
WITHOUT_ZERO = "the rung at 0 is left out: an answer without thinking is another regime"
NO_TOKENS = "the rungs cannot be placed in tokens: nothing says how far an octave is"
FAILED = "gates failed on the ladder: {names}"


@dataclass(frozen=True, slots=True, eq=False)
class ForecastCurve:
    """A curve and its forecast.

    Attributes:
        table: Outcomes of the curve.
        unit: Unit of the positions of its rungs.
        forecast: The forecast; None where the rungs have no position in tokens.
        findings: Findings: the pooled forecast first, then family by family.
    """

    table: Outcomes
    unit: str
    forecast: CurveForecast | None
    findings: tuple[Finding, ...]


def forecast_curve(
    table: Outcomes, *, level: float, margin: float, stopping: str | None, prefix: str, rng: np.random.Generator
) -> ForecastCurve | None:
    """Forecast a curve one octave beyond its ladder.

    Args:
        table: Outcomes of the curve.
        level: Confidence level.
        margin: Largest negligible error of a prediction.
        stopping: Stopping rule of the counts: "fixed", "first_success", or None to infer it.
        prefix: Prefix of every id.
        rng: Random generator.

    Returns:
        The forecast and its findings; None for a single rung, or for an estimand without a thinking budget.

    Raises:
        ValueError: The level or the margin is out of range.
        InputError: The stopping rule does not fit the counts.
    """
    if len(table.rungs) < 2 or table.estimand not in FORECAST_ESTIMANDS:
        return None
    ladder, even = ladder_of(table), guaranteed_part(table)
    blank = _blank_next_budget(table, even, prefix)
    if not ladder.in_tokens:
        finding = replace(blank, label=NOT_FORECAST, reason=NO_TOKENS)
        return ForecastCurve(table, POSITION, None, (finding,))
    cells = single_cells(table, stopped_at_success(even, stopping))
    result = extrapolate_cells(cells, ladder.budgets, level=level, margin=margin, rng=rng)
    limits = [BEYOND.format(top=result.top, target=result.target), UNFORESEEN]
    limits += [PLACED.format(unit=ladder.unit)] if ladder.unit != REQUESTED_TOKENS else []
    limits += [WITHOUT_ZERO] if ladder.budgets[0] == 0 else []
    limits += [FAILED.format(names=", ".join(blank.gates_failed))] if blank.gates_failed else []
    at = replace(blank.at, requested_tokens=round(result.target))
    blank = replace(blank, at=at, level=level, n_questions=result.n_questions, limits=tuple(limits))
    return ForecastCurve(table, ladder.unit, result, (_pool(blank, result), *_families(blank, result)))


def _blank_next_budget(table: Outcomes, even: Outcomes, prefix: str) -> Finding:
    failed_gates = dict.fromkeys(gate.name for gate in gates(even) if gate.passed is False)
    return Finding(
        id=f"{prefix}/next_octave/mean",
        kind="next_octave",
        axis=table.axis.value,
        task=table.task,
        arm=table.arm,
        estimand=table.estimand.value,
        metric="mean",
        at=At(k=1, selector="single"),
        n_draws=int((~np.isnan(even.values)).sum(axis=1).max(initial=0)),
        gates_failed=tuple(failed_gates),
        scorer=table.scorer,
    )


def _pool(blank: Finding, forecast: CurveForecast) -> Finding:
    if forecast.reason is not None:
        return replace(blank, label=NOT_FORECAST, reason=forecast.reason)
    names = ", ".join(result.family.words for result in forecast.families if result.predicts)
    limits = (*blank.limits, POOL.format(families=names))
    return replace(
        blank, label=EXTRAPOLATED, estimate=forecast.estimate, low=forecast.low, high=forecast.high, limits=limits
    )


def _families(blank: Finding, forecast: CurveForecast) -> Iterator[Finding]:
    for result in forecast.families:
        name = result.family.name
        finding = replace(blank, id=blank.id.removesuffix("mean") + name, metric=name, reason=result.reason)
        finding = replace(finding, label=PREDICTS if result.predicts else NOT_USED)
        if not np.isnan(result.estimate):
            finding = replace(finding, estimate=result.estimate)
        yield replace(finding, low=result.low, high=result.high) if result.predicts else finding
        if result.held_out:
            yield _error(finding, result)


def _error(finding: Finding, result: FamilyForecast) -> Finding:
    """Return the finding of the family's mean absolute error on the held-out rungs."""
    errors = [abs(check.prediction - check.measurement) for check in result.held_out]
    comparison = "; ".join(
        f"{check.prediction:.3f} predicted and {check.measurement:.3f} measured at {check.budget:,.0f} tokens"
        for check in result.held_out
    )
    return replace(
        finding, id=f"{finding.id}_error", metric=f"{finding.metric}_error", estimate=float(np.mean(errors)), low=None,
        high=None, reason=None, limits=(comparison,),
    )  # fmt: skip
