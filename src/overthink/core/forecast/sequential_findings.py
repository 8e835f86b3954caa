"""A forecast of a curve beyond its ladder as findings: the pool, and what each family says and was wrong by."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from overthink.core.adaptive.tables import even_part
from overthink.core.curve import single_cells
from overthink.core.finding import At, Finding
from overthink.core.forecast.held_out import FamilyForecast
from overthink.core.forecast.sequential import CurveForecast, extrapolate_cells
from overthink.core.gates import gates
from overthink.core.ladder import ASKED, POSITION, ladder_of
from overthink.core.outcomes import Outcomes
from overthink.core.record import Estimand
from overthink.core.stopping import stopped_at_success

ESTIMANDS = (Estimand.FORCED, Estimand.EFFORT, Estimand.NATURAL)
"""What is forecast. The others stand beside a curve, or count turns and not thinking."""

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
        table: The curve.
        unit: What its rungs are placed by.
        made: The forecast; None where the rungs cannot be placed in tokens.
        findings: What is claimed: the forecast first, then family by family.
    """

    table: Outcomes
    unit: str
    made: CurveForecast | None
    findings: tuple[Finding, ...]


def forecast_curve(
    table: Outcomes, *, level: float, margin: float, stopping: str | None, prefix: str, rng: np.random.Generator
) -> ForecastCurve | None:
    """Forecast a curve one octave beyond its ladder.

    Args:
        table: The curve.
        level: Confidence level.
        margin: Largest error of a prediction that does not matter.
        stopping: How sampling stopped, as in the counts: "fixed", "first_success", or None to infer it.
        prefix: Begins every id.
        rng: Source of randomness.

    Returns:
        The forecast and its findings; None for a single rung, or an estimand that no budget of thinking belongs to.

    Raises:
        ValueError: The level or the margin is out of range.
        InputError: The stopping rule is not that of the counts.
    """
    if len(table.rungs) < 2 or table.estimand not in ESTIMANDS:
        return None
    ladder, even = ladder_of(table), even_part(table)
    blank = _blank(table, even, prefix)
    if not ladder.in_tokens:
        told = replace(blank, label=NOT_FORECAST, reason=NO_TOKENS)
        return ForecastCurve(table, POSITION, None, (told,))
    cells = single_cells(table, stopped_at_success(even, stopping))
    made = extrapolate_cells(cells, ladder.budgets, level=level, margin=margin, rng=rng)
    limits = [BEYOND.format(top=made.top, target=made.target), UNFORESEEN]
    limits += [PLACED.format(unit=ladder.unit)] if ladder.unit != ASKED else []
    limits += [WITHOUT_ZERO] if ladder.budgets[0] == 0 else []
    limits += [FAILED.format(names=", ".join(blank.gates_failed))] if blank.gates_failed else []
    at = replace(blank.at, requested_tokens=round(made.target))
    blank = replace(blank, at=at, level=level, n_questions=made.n_questions, limits=tuple(limits))
    return ForecastCurve(table, ladder.unit, made, (_pool(blank, made), *_families(blank, made)))


def _blank(table: Outcomes, even: Outcomes, prefix: str) -> Finding:
    failed = dict.fromkeys(gate.name for gate in gates(even) if gate.passed is False)
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
        gates_failed=tuple(failed),
        scorer=table.scorer,
    )


def _pool(blank: Finding, made: CurveForecast) -> Finding:
    if made.reason is not None:
        return replace(blank, label=NOT_FORECAST, reason=made.reason)
    used = ", ".join(one.family.words for one in made.families if one.predicts)
    limits = (*blank.limits, POOL.format(families=used))
    return replace(blank, label=EXTRAPOLATED, estimate=made.estimate, low=made.low, high=made.high, limits=limits)


def _families(blank: Finding, made: CurveForecast) -> Iterator[Finding]:
    for one in made.families:
        name = one.family.name
        named = replace(blank, id=blank.id.removesuffix("mean") + name, metric=name, reason=one.reason)
        named = replace(named, label=PREDICTS if one.predicts else NOT_USED)
        if not np.isnan(one.estimate):
            named = replace(named, estimate=one.estimate)
        yield replace(named, low=one.low, high=one.high) if one.predicts else named
        if one.held_out:
            yield _error(named, one)


def _error(named: Finding, one: FamilyForecast) -> Finding:
    """By how much the family missed the rungs held out, on average."""
    errors = [abs(check.predicted - check.seen) for check in one.held_out]
    told = "; ".join(
        f"{check.predicted:.3f} predicted and {check.seen:.3f} measured at {check.budget:,.0f} tokens"
        for check in one.held_out
    )
    return replace(
        named, id=f"{named.id}_error", metric=f"{named.metric}_error", estimate=float(np.mean(errors)), low=None,
        high=None, reason=None, limits=(told,),
    )  # fmt: skip
