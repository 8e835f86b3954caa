"""Forecasts over more tries as results: every claim with its number, interval, layer and limitations.

The fan of a forecast is its layers on a grid of k that is dense enough for a line chart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis
from overthink.data.results.forecast import (
    Answer,
    Band,
    ClaimResult,
    ForecastResult,
    Side,
    TailPoint,
    TailResult,
    ThresholdResult,
    TriesPoint,
)
from overthink.data.selectors import Selector
from overthink.data.verdict_labels import ForecastLabel
from overthink.forecasts.counts import CurveBank
from overthink.forecasts.layers import judge_alone
from overthink.forecasts.result import Crossing, Forecast
from overthink.forecasts.tail_risk import (
    Figure,
    aggregate_risk,
    any_question,
    behaviour_frequency,
    breadth,
    safe_then_dangerous,
    safety_at,
)
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
OPEN_ENDED = "{threshold}; an end that is null is open"
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


def forecast_result(bank: CurveBank, forecast: Forecast, options: ForecastOptions, *, prefix: str) -> ForecastResult:
    """Return everything that is claimed of one forecast.

    Args:
        bank: The counts that were forecast.
        forecast: The forecast.
        options: Options of the findings.
        prefix: Prefix of every id.

    Raises:
        ValueError: A threshold, or the tries of the claim, are out of range.
    """
    options = options.for_forecast(forecast)
    blank = _blank(bank, forecast, prefix)
    attempts = bank.attempts[bank.attempts > 0]
    return ForecastResult(
        key=CurveKey(bank.axis.value, bank.task, bank.arm, bank.scorer or "", bank.estimand),
        at=bank.at,
        level=forecast.level,
        n_questions=forecast.n_questions,
        n_untried=len(bank.attempts) - len(attempts),
        attempts=(int(attempts.min()), int(attempts.max())),
        stopping=bank.stopping,
        batch=forecast.batch,
        judge_rate=options.judge_rate,
        is_corrected=forecast.layers.corrects_judge,
        has_model=forecast.layers.model is not None,
        notes=forecast.notes,
        points=tuple(_points(blank, forecast, options)),
        thresholds=tuple(_threshold(blank, bank.axis, forecast, tau, options) for tau in options.thresholds),
        tail=_tail(blank, forecast, options.thresholds[0]),
        judge_alone={} if options.judge_rate is None else _judge_alone(blank, forecast, options.judge_rate),
    )


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


def _points(blank: Finding, forecast: Forecast, options: ForecastOptions) -> Iterator[TriesPoint]:
    """Yield the estimate with the model band, and the assumption-free band, at each k of the forecast."""
    metric, rate, is_corrected = blank.metric, options.judge_rate, forecast.layers.corrects_judge
    for i, k in enumerate(forecast.k.tolist()):
        estimate = float(forecast.estimate[i])
        has_estimate = estimate == estimate
        error = None if rate is None else float(judge_alone(k, rate)[0])
        warning = None if error is None else JUDGE.format(rate=rate, share=error, k=k) + ("" if is_corrected else FLAGS)
        limits = blank.limits + _checked_limit(k) + (() if warning is None else (warning,))
        limits += (CORRECTED_BY_LABELS,) if is_corrected else ()
        layer = ForecastLabel.EXACT if forecast.exact[i] else _layer(has_estimate)
        value = _finding_at(
            blank, metric, k, estimate=estimate if has_estimate else None, low=float(forecast.low[i]),
            high=float(forecast.high[i]), label=layer, reason=None if has_estimate else NOTHING_SUCCEEDED,
            limits=limits,
        )  # fmt: skip
        ends = {"low": float(forecast.bound_low[i]), "high": float(forecast.bound_high[i])}
        bound = _finding_at(
            blank, Metric(f"{metric}_bound"), k, **ends, label=ForecastLabel.BOUND, reason=NO_ESTIMATE, limits=limits
        )
        yield TriesPoint(k, layer, value, bound, error, warning)


def _layer(has_estimate: bool) -> ForecastLabel:
    return ForecastLabel.MODEL if has_estimate else ForecastLabel.BOUND


def _checked_limit(k: float | None) -> tuple[str, ...]:
    return (UNCHECKED,) if k is not None and k > CHECKED_TO else ()


def _judge_alone(blank: Finding, forecast: Forecast, rate: float) -> dict[int, Finding]:
    return {
        k: _finding_at(blank, Metric.JUDGE_ALONE, k, estimate=float(judge_alone(k, rate)[0]), level=None)
        for k in forecast.k.tolist()
    }


def threshold_words(threshold: float) -> str:
    """Return a threshold in words, as the limits have it.

    Example:
        >>> threshold_words(0.5)
        'threshold 0.5'
    """
    return f"threshold {threshold:g}"


def _threshold(
    blank: Finding, axis: Axis, forecast: Forecast, threshold: float, options: ForecastOptions
) -> ThresholdResult:
    crossing, band, words = forecast.crossing(threshold), options.band, threshold_words(threshold)
    verdict = crossing.bound_label if band == "assumption-free" else crossing.label
    estimate = _finite(crossing.estimate)
    limits = (*blank.limits, OPEN_ENDED.format(threshold=words), *_checked_limit(estimate))
    base = replace(blank, id=f"{blank.id}/at{threshold:g}", limits=limits)
    model = replace(base, limits=(*limits, LABEL_BY.format(band=band)))
    return ThresholdResult(
        threshold,
        words,
        band,
        verdict,
        sides=safety_at(forecast, threshold, band=band),
        crossing=_finding_at(
            model, Metric.CROSSING, None, estimate=estimate, low=_finite(crossing.low), high=_finite(crossing.high),
            label=verdict, reason=_why_no_crossing(crossing),
        ),
        bound=_finding_at(
            base, Metric.CROSSING_BOUND, None, low=_finite(crossing.bound_low), high=_finite(crossing.bound_high),
            label=ForecastLabel.BOUND, reason=NO_ESTIMATE,
        ),
        claim=_claim(blank, axis, forecast, threshold, options),
    )  # fmt: skip


def _why_no_crossing(crossing: Crossing) -> str | None:
    if np.isfinite(crossing.estimate):
        return None
    return NOTHING_SUCCEEDED if np.isnan(crossing.estimate) else NOT_REACHED


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def side_words(axis: str) -> dict[Side, str]:
    """Return the words for the sides of a threshold: only harmful answers are dangerous.

    Example:
        >>> side_words("capability")["dangerous"]
        'above'
    """
    good, bad = ("safe", "dangerous") if axis == Axis.SAFETY else ("below", "above")
    return {"safe": good, "dangerous": bad, "not resolved": "not resolved"}


def _claim(blank: Finding, axis: Axis, forecast: Forecast, threshold: float, options: ForecastOptions) -> ClaimResult:
    few, many, words = options.few, options.many, side_words(axis)
    verdict = safe_then_dangerous(forecast, threshold, few=few, many=many, band=options.band)
    claim = f"{words['safe']} at k (tries) = {few:,}, {words['dangerous']} at k (tries) = {many:,}"
    labels: dict[Answer, str] = {"yes": claim, "no": f"not so: {claim}", "not resolved": f"not resolved: {claim}"}
    basis = f"at the {threshold_words(threshold)}, by the {options.band} band"
    sides = f"{words[verdict.at_few]} at {few:,}, {words[verdict.at_many]} at {many:,}"
    base = replace(blank, id=f"{blank.id}/at{threshold:g}", limits=blank.limits + _checked_limit(many))
    finding = _finding_at(
        base, CLAIM.get(axis, CLAIM_ELSEWHERE), many, label=labels[verdict.label], reason=f"{basis}: {sides}"
    )
    return ClaimResult(few, many, verdict.at_few, verdict.at_many, verdict.label, finding)


def _tail(blank: Finding, forecast: Forecast, threshold: float) -> TailResult:
    base = replace(
        blank,
        id=f"{blank.id}/at{threshold:g}",
        limits=(*blank.limits, f"share of questions whose chance is at least {threshold:g}"),
    )
    points = []
    for k in forecast.k.tolist():
        queries = replace(blank, limits=(*blank.limits, f"one try each of {k:,} new questions of the same kind"))
        points.append(
            TailPoint(
                k,
                breadth=_figure(base, Metric.BREADTH_AT_K, k, breadth(forecast, k, threshold)),
                any_question=_figure(blank, Metric.ANY_QUESTION_AT_K, k, any_question(forecast, k)),
                aggregate_risk=_figure(queries, Metric.AGGREGATE_RISK, k, aggregate_risk(forecast, k)),
            )
        )
    frequency = _figure(base, Metric.BEHAVIOUR_FREQUENCY, 1, behaviour_frequency(forecast, threshold))
    return TailResult(threshold, frequency, tuple(points))


def _figure(blank: Finding, metric: Metric, k: int, figure: Figure) -> Finding:
    has_estimate = figure.estimate == figure.estimate
    return _finding_at(
        blank, metric, k, estimate=figure.estimate if has_estimate else None, low=figure.low, high=figure.high,
        reason=None if has_estimate else NOTHING_SUCCEEDED, label=_layer(has_estimate),
        limits=blank.limits + _checked_limit(k),
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


def fan_points(bank: CurveBank, forecast: Forecast, options: ForecastOptions, *, prefix: str) -> tuple[TriesPoint, ...]:
    """Return the forecast at every k of the fan.

    Args:
        bank: The counts that were forecast.
        forecast: The forecast.
        options: Options of the forecast findings.
        prefix: Prefix of the ids; the findings of the fan add ``/fan``.
    """
    dense = forecast.at(fan_sizes(forecast))
    return tuple(_points(_blank(bank, dense, f"{prefix}/fan"), dense, options))
