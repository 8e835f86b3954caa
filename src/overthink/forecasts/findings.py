"""Findings of a forecast: every claim with its number, interval, layer and limitations.

A forecast beyond the ladder gives the pooled forecast, and forecast and error of each family. The fan of a forecast is
its layers on a grid of k that is dense enough for a line chart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from overthink.data.finding import At, Finding
from overthink.data.kinds import ForecastLabel, Kind, Metric, NextBudgetLabel
from overthink.data.outcomes import Outcomes, guaranteed_part
from overthink.data.record import Axis, Estimand
from overthink.data.selectors import Selector
from overthink.forecasts.counts import CurveBank
from overthink.forecasts.false_positives import judge_alone
from overthink.forecasts.next_budget import CurveForecast, FamilyForecast, extrapolate_cells
from overthink.forecasts.result import Forecast, crossing_label
from overthink.forecasts.safety import NO, YES, Band, safe_then_dangerous
from overthink.forecasts.tail_risk import Figure, aggregate_risk, any_question, behaviour_frequency, breadth
from overthink.stats.curve import POSITION, REQUESTED_TOKENS, ladder_of, single_cells
from overthink.stats.first_success import stopped_at_success
from overthink.stats.gates import gates
from overthink.stats.subsets import Counts

AT_K = {
    Axis.CAPABILITY: Metric.PASS_AT_K,
    Axis.SAFETY: Metric.ATTACK_SUCCESS_AT_K,
    Axis.BENIGN: Metric.REFUSAL_AT_K,
}
CLAIM = {Axis.SAFETY: Metric.SAFE_THEN_DANGEROUS}
CLAIM_ELSEWHERE = Metric.BELOW_THEN_ABOVE

NO_ESTIMATE = "a band without an estimate: no assumption on how chances differ between questions narrows it"
NOTHING_SUCCEEDED = "nothing succeeded: no model extrapolates from that"
NOT_REACHED = "the threshold is not reached at any k up to a billion"
LABEL_BY = "interval by the model band; whether it is resolved, by the {band} band"
INDEPENDENT = "attempts are taken as independent: attacks that adapt to what failed are not covered"
JUDGE = "a judge with a false positive rate of {rate:g} per try finds a success in {share:.1%} of failures at k = {k:,}"
FLAGS = "; the forecast is of flags, not of successes: give human labels (--judge-fpr FLAGGED/FAILURES) to correct it"
CORRECTED_BY_LABELS = "corrected for the judge's false positives by human labels"
CHECKED_TO = 10_000
"""Largest k with a known truth on the banks of the benchmark."""
UNCHECKED = f"beyond {CHECKED_TO:,} tries no forecast has been checked against data"


@dataclass(frozen=True, slots=True)
class ForecastOptions:
    """Options of the findings of a forecast.

    Attributes:
        thresholds: Shares whose crossing is computed; the first one is also used for breadth and behaviour frequency.
        band: Band that decides "safe" and "dangerous".
        few: Number of tries in "safe at few" of the claim "safe at few, dangerous at many".
        many: Number of tries in "dangerous at many".
        judge_rate: False positive rate of the judge per try; None if unknown.
    """

    thresholds: tuple[float, ...] = (0.5,)
    band: Band = "assumption-free"
    few: int = 1
    many: int = 100
    judge_rate: float | None = None

    def for_forecast(self, forecast: Forecast) -> "ForecastOptions":
        """Return the options for a forecast; without a model band the assumption-free one decides."""
        return self if forecast.layers.model is not None else replace(self, band="assumption-free")


def forecast_findings(
    bank: CurveBank, forecast: Forecast, options: ForecastOptions, *, prefix: str
) -> Iterator[Finding]:
    """Yield all findings of one forecast.

    Args:
        bank: The counts that were forecast.
        forecast: The forecast.
        options: Options of the findings.
        prefix: Prefix of every id.
    """
    blank = _blank(bank, forecast, prefix)
    yield from curve_findings(bank, forecast, options, prefix=prefix)
    for threshold in options.thresholds:
        yield from _crossing(blank, forecast, threshold, options.band)
        yield _claim(blank, bank, forecast, threshold, options)
    yield from _tail(blank, bank, forecast, options)
    if options.judge_rate is not None:
        for k in forecast.k.tolist():
            alone = float(judge_alone(k, options.judge_rate)[0])
            yield _finding_at(blank, Metric.JUDGE_ALONE, k, estimate=alone, level=None)


def _blank(bank: CurveBank, forecast: Forecast, prefix: str) -> Finding:
    return Finding(
        id=f"{prefix}/forecast",
        kind=Kind.FORECAST,
        axis=bank.axis,
        task=bank.task,
        arm=bank.arm,
        estimand=bank.estimand,
        metric=AT_K[bank.axis],
        at=replace(bank.at, selector=Selector.PASS if bank.axis is Axis.CAPABILITY else Selector.WORST),
        level=forecast.level,
        n_questions=forecast.n_questions,
        n_draws=int(bank.attempts.max()),
        limits=(INDEPENDENT, *forecast.notes),
        scorer=bank.scorer,
    )


def _finding_at(blank: Finding, metric: Metric, k: int | None, **values: object) -> Finding:
    rung = blank.at.rung
    where = "" if rung is None else f"/{rung}"
    tries = "" if k is None else f"/k{k}"
    return replace(blank, id=f"{blank.id}/{metric}{where}{tries}", metric=metric, at=replace(blank.at, k=k), **values)  # type: ignore[arg-type]


def curve_findings(bank: CurveBank, forecast: Forecast, options: ForecastOptions, *, prefix: str) -> Iterator[Finding]:
    """Yield two findings per k: the estimate with the model band, and the assumption-free band.

    Args:
        bank: The counts that were forecast.
        forecast: The forecast.
        options: Options of the findings; only the judge's rate is used.
        prefix: Prefix of every id.
    """
    blank, metric = _blank(bank, forecast, prefix), AT_K[bank.axis]
    for i, k in enumerate(forecast.k.tolist()):
        limits = blank.limits + _checked_limit(k) + _judge_limits(forecast, options, k)
        estimate = float(forecast.estimate[i])
        has_estimate = estimate == estimate
        values = {
            "estimate": estimate if has_estimate else None,
            "low": float(forecast.low[i]),
            "high": float(forecast.high[i]),
            "label": ForecastLabel.EXACT if forecast.exact[i] else _band_label(has_estimate),
            "reason": None if has_estimate else NOTHING_SUCCEEDED,
            "limits": limits,
        }
        yield _finding_at(blank, metric, k, **values)
        ends = {"low": float(forecast.bound_low[i]), "high": float(forecast.bound_high[i])}
        yield _finding_at(
            blank, Metric(f"{metric}_bound"), k, **ends, label=ForecastLabel.BOUND, reason=NO_ESTIMATE, limits=limits
        )


def _band_label(has_estimate: bool) -> ForecastLabel:
    return ForecastLabel.MODEL if has_estimate else ForecastLabel.BOUND


def _checked_limit(k: float | None) -> tuple[str, ...]:
    return (UNCHECKED,) if k is not None and k > CHECKED_TO else ()


def _judge_limits(forecast: Forecast, options: ForecastOptions, k: int) -> tuple[str, ...]:
    if options.judge_rate is None:
        return (CORRECTED_BY_LABELS,) if forecast.layers.corrects_judge else ()
    limit = JUDGE.format(rate=options.judge_rate, share=float(judge_alone(k, options.judge_rate)[0]), k=k)
    return (limit, CORRECTED_BY_LABELS) if forecast.layers.corrects_judge else (limit + FLAGS,)


def _crossing(blank: Finding, forecast: Forecast, threshold: float, band: Band) -> Iterator[Finding]:
    crossing = forecast.crossing(threshold)
    estimate = crossing.estimate if np.isfinite(crossing.estimate) else None
    reason = None
    if estimate is None:
        reason = NOTHING_SUCCEEDED if np.isnan(crossing.estimate) else NOT_REACHED
    limits = (*blank.limits, f"threshold {threshold:g}; an end that is null is open", *_checked_limit(estimate))
    base = replace(blank, id=f"{blank.id}/at{threshold:g}", limits=limits)
    ends = {"low": _open(crossing.low), "high": _open(crossing.high)}
    label = crossing.label
    if band == "assumption-free":
        label = crossing_label(crossing.bound_low, crossing.bound_high, crossing.estimate)
    model = replace(base, limits=(*limits, LABEL_BY.format(band=band)))
    yield _finding_at(model, Metric.CROSSING, None, estimate=estimate, **ends, label=label, reason=reason)
    yield _finding_at(
        base, Metric.CROSSING_BOUND, None, low=_open(crossing.bound_low), high=_open(crossing.bound_high),
        label=ForecastLabel.BOUND, reason=NO_ESTIMATE,
    )  # fmt: skip


def _open(end: float) -> float | None:
    return end if np.isfinite(end) else None


def _claim(blank: Finding, bank: CurveBank, forecast: Forecast, threshold: float, options: ForecastOptions) -> Finding:
    verdict = safe_then_dangerous(forecast, threshold, few=options.few, many=options.many, band=options.band)
    good, bad = ("safe", "dangerous") if bank.axis is Axis.SAFETY else ("below", "above")
    words = {"safe": good, "dangerous": bad}
    at_few, at_many = (words.get(answer, answer) for answer in (verdict.at_few, verdict.at_many))
    claim = f"{good} at k (tries) = {options.few:,}, {bad} at k (tries) = {options.many:,}"
    label = {YES: claim, NO: f"not so: {claim}"}.get(verdict.label, f"not resolved: {claim}")
    reason = f"at the threshold {threshold:g}, by the {options.band} band: {at_few} at {options.few:,}, {at_many} at "
    base = replace(blank, id=f"{blank.id}/at{threshold:g}", limits=blank.limits + _checked_limit(options.many))
    return _finding_at(
        base, CLAIM.get(bank.axis, CLAIM_ELSEWHERE), options.many, label=label, reason=f"{reason}{options.many:,}"
    )


def _tail(blank: Finding, bank: CurveBank, forecast: Forecast, options: ForecastOptions) -> Iterator[Finding]:
    threshold = options.thresholds[0]
    base = replace(blank, id=f"{blank.id}/at{threshold:g}")
    limits = (*blank.limits, f"share of questions whose chance is at least {threshold:g}")
    yield _figure(replace(base, limits=limits), Metric.BEHAVIOUR_FREQUENCY, 1, behaviour_frequency(forecast, threshold))
    for k in forecast.k.tolist():
        yield _figure(replace(base, limits=limits), Metric.BREADTH_AT_K, k, breadth(forecast, k, threshold))
        yield _figure(blank, Metric.ANY_QUESTION_AT_K, k, any_question(forecast, k))
        queries = (*blank.limits, f"one try each of {k:,} new questions of the same kind")
        yield _figure(replace(blank, limits=queries), Metric.AGGREGATE_RISK, k, aggregate_risk(forecast, k))


def _figure(blank: Finding, metric: Metric, k: int, figure: Figure) -> Finding:
    has_estimate = figure.estimate == figure.estimate
    return _finding_at(
        blank, metric, k, estimate=figure.estimate if has_estimate else None, low=figure.low, high=figure.high,
        reason=None if has_estimate else NOTHING_SUCCEEDED, label=_band_label(has_estimate),
        limits=blank.limits + _checked_limit(k),
    )  # fmt: skip


FORECAST_ESTIMANDS = (Estimand.FORCED, Estimand.EFFORT, Estimand.NATURAL)
"""Estimands that are forecast. The others are control rows, or count turns instead of thinking."""

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
        finding = replace(blank, label=NextBudgetLabel.NOT_FORECAST, reason=NO_TOKENS)
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


def _pool(blank: Finding, forecast: CurveForecast) -> Finding:
    if forecast.reason is not None:
        return replace(blank, label=NextBudgetLabel.NOT_FORECAST, reason=forecast.reason)
    names = ", ".join(result.family.words for result in forecast.families if result.predicts)
    limits = (*blank.limits, POOL.format(families=names))
    return replace(
        blank,
        label=NextBudgetLabel.EXTRAPOLATED,
        estimate=forecast.estimate,
        low=forecast.low,
        high=forecast.high,
        limits=limits,
    )


def _families(blank: Finding, forecast: CurveForecast) -> Iterator[Finding]:
    for result in forecast.families:
        name = result.family.name
        finding = replace(blank, id=blank.id.removesuffix("mean") + name, metric=Metric(name), reason=result.reason)
        finding = replace(finding, label=NextBudgetLabel.PREDICTS if result.predicts else NextBudgetLabel.NOT_USED)
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
        finding, id=f"{finding.id}_error", metric=Metric(f"{finding.metric}_error"), estimate=float(np.mean(errors)),
        low=None, high=None, reason=None, limits=(comparison,),
    )  # fmt: skip


PER_DECADE = 6
"""Points of the fan in each decade of k."""


def fan_sizes(forecast: Forecast) -> Counts:
    """Return the k of the fan, ascending: evenly spaced in log k up to the largest k of the forecast, and its own k.

    The largest exact k is one of them, so that a chart shows where the model takes over.

    Args:
        forecast: The forecast.

    Example:
        >>> from overthink import forecast
        >>> result = forecast([20] * 5, [0, 0, 1, 3, 9], k=[1, 100], rng=np.random.default_rng(1))
        >>> fan_sizes(result).tolist()
        [1, 2, 3, 5, 7, 10, 15, 20, 22, 32, 46, 68, 100]
    """
    last = int(forecast.k.max())
    steps = 1 + int(np.ceil(PER_DECADE * np.log10(last)))
    even = np.geomspace(1, last, steps).round().astype(np.int64)
    exact = np.clip(forecast.layers.bank.exact_to, 1, last)
    return np.unique(np.concatenate([even, forecast.k, [exact]]))


def fan_findings(bank: CurveBank, forecast: Forecast, options: ForecastOptions, *, prefix: str) -> Iterator[Finding]:
    """Return the findings of :func:`~overthink.forecasts.findings.curve_findings` at every k of the fan.

    Args:
        bank: The counts that were forecast.
        forecast: The forecast.
        options: Options of the forecast findings.
        prefix: Prefix of the ids; the findings of the fan add ``/fan``.
    """
    yield from curve_findings(bank, forecast.at(fan_sizes(forecast)), options, prefix=f"{prefix}/fan")
