"""Findings of a forecast: every claim with its number, interval, layer and limitations."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.data.finding import At, Finding
from overthink.forecasts.false_positives import judge_alone
from overthink.forecasts.result import Forecast
from overthink.forecasts.safety import NO, YES, Band, safe_then_dangerous
from overthink.forecasts.tail_risk import Figure, aggregate_risk, any_question, behaviour_frequency, breadth
from overthink.data.record import Axis

EXACT, MODEL, BOUND = "exact", "model band", "assumption-free band"

AT_K = {Axis.CAPABILITY: "pass_at_k", Axis.SAFETY: "attack_success_at_k", Axis.BENIGN: "refusal_at_k"}
CLAIM = {Axis.SAFETY: "safe_then_dangerous"}
CLAIM_ELSEWHERE = "below_then_above"

NO_ESTIMATE = "a band without an estimate: no assumption on how chances differ between questions narrows it"
NOTHING_SUCCEEDED = "nothing succeeded: no model extrapolates from that"
NOT_REACHED = "the threshold is not reached at any k up to a billion"
INDEPENDENT = "attempts are taken as independent: attacks that adapt to what failed are not covered"
JUDGE = "a judge with a false positive rate of {rate:g} per try finds a success in {share:.1%} of failures at k = {k:,}"
FLAGS = "; the forecast is of flags, not of successes: give human labels (--judge-fpr FLAGGED/FAILURES) to correct it"
CORRECTED_BY_LABELS = "corrected for the judge's false positives by human labels"
CHECKED_TO = 10_000
"""Largest k with a known truth on the banks of the benchmark."""
UNCHECKED = f"beyond {CHECKED_TO:,} tries no forecast has been checked against data"


@dataclass(frozen=True, slots=True, eq=False)
class CurveBank:
    """Attempts and successes of one curve at one rung, with their identity.

    Attributes:
        axis: Meaning of a success: a right answer, a harmful one, a refusal.
        task: Task, or family of questions.
        arm: Model or arm.
        scorer: Name of the scorer; None if unknown.
        estimand: Effect of a budget on the trace.
        at: Position on the ladder.
        questions: (question,) ids.
        attempts: (question,) number of attempts.
        successes: (question,) number of successes.
        stopping: Stopping rule of the sampling; None if unknown.
    """

    axis: Axis
    task: str
    arm: str
    scorer: str | None
    estimand: str
    at: At
    questions: tuple[str, ...]
    attempts: NDArray[np.int64]
    successes: NDArray[np.int64]
    stopping: str | None


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
        yield from _crossing(blank, forecast, threshold)
        yield _claim(blank, bank, forecast, threshold, options)
    yield from _tail(blank, bank, forecast, options)
    if options.judge_rate is not None:
        for k in forecast.k.tolist():
            alone = float(judge_alone(k, options.judge_rate)[0])
            yield _finding_at(blank, "judge_alone", k, estimate=alone, level=None)


def _blank(bank: CurveBank, forecast: Forecast, prefix: str) -> Finding:
    return Finding(
        id=f"{prefix}/forecast",
        kind="forecast",
        axis=bank.axis,
        task=bank.task,
        arm=bank.arm,
        estimand=bank.estimand,
        metric="",
        at=replace(bank.at, selector="pass" if bank.axis is Axis.CAPABILITY else "worst"),
        level=forecast.level,
        n_questions=forecast.n_questions,
        n_draws=int(bank.attempts.max()),
        limits=(INDEPENDENT, *forecast.notes),
        scorer=bank.scorer,
    )


def _finding_at(blank: Finding, metric: str, k: int | None, **values: object) -> Finding:
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
            "label": EXACT if forecast.exact[i] else MODEL if has_estimate else BOUND,
            "reason": None if has_estimate else NOTHING_SUCCEEDED,
            "limits": limits,
        }
        yield _finding_at(blank, metric, k, **values)
        ends = {"low": float(forecast.bound_low[i]), "high": float(forecast.bound_high[i])}
        yield _finding_at(blank, f"{metric}_bound", k, **ends, label=BOUND, reason=NO_ESTIMATE, limits=limits)


def _checked_limit(k: float | None) -> tuple[str, ...]:
    return (UNCHECKED,) if k is not None and k > CHECKED_TO else ()


def _judge_limits(forecast: Forecast, options: ForecastOptions, k: int) -> tuple[str, ...]:
    if options.judge_rate is None:
        return (CORRECTED_BY_LABELS,) if forecast.layers.corrects_judge else ()
    limit = JUDGE.format(rate=options.judge_rate, share=float(judge_alone(k, options.judge_rate)[0]), k=k)
    return (limit, CORRECTED_BY_LABELS) if forecast.layers.corrects_judge else (limit + FLAGS,)


def _crossing(blank: Finding, forecast: Forecast, threshold: float) -> Iterator[Finding]:
    crossing = forecast.crossing(threshold)
    estimate = crossing.estimate if np.isfinite(crossing.estimate) else None
    reason = None
    if estimate is None:
        reason = NOTHING_SUCCEEDED if np.isnan(crossing.estimate) else NOT_REACHED
    limits = (*blank.limits, f"threshold {threshold:g}; an end that is null is open", *_checked_limit(estimate))
    base = replace(blank, id=f"{blank.id}/at{threshold:g}", limits=limits)
    ends = {"low": _open(crossing.low), "high": _open(crossing.high)}
    yield _finding_at(base, "crossing", None, estimate=estimate, **ends, label=crossing.label, reason=reason)
    yield _finding_at(
        base, "crossing_bound", None, low=_open(crossing.bound_low), high=_open(crossing.bound_high), label=BOUND,
        reason=NO_ESTIMATE,
    )  # fmt: skip


def _open(end: float) -> float | None:
    return end if np.isfinite(end) else None


def _claim(blank: Finding, bank: CurveBank, forecast: Forecast, threshold: float, options: ForecastOptions) -> Finding:
    verdict = safe_then_dangerous(forecast, threshold, few=options.few, many=options.many, band=options.band)
    good, bad = ("safe", "dangerous") if bank.axis is Axis.SAFETY else ("below", "above")
    words = {"safe": good, "dangerous": bad}
    at_few, at_many = (words.get(answer, answer) for answer in (verdict.at_few, verdict.at_many))
    claim = f"{good} at K = {options.few:,}, {bad} at K = {options.many:,}"
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
    yield _figure(replace(base, limits=limits), "behaviour_frequency", 1, behaviour_frequency(forecast, threshold))
    for k in forecast.k.tolist():
        yield _figure(replace(base, limits=limits), "breadth_at_k", k, breadth(forecast, k, threshold))
        yield _figure(blank, "any_question_at_k", k, any_question(forecast, k))
        queries = (*blank.limits, f"one try each of {k:,} new questions of the same kind")
        yield _figure(replace(blank, limits=queries), "aggregate_risk", k, aggregate_risk(forecast, k))


def _figure(blank: Finding, metric: str, k: int, figure: Figure) -> Finding:
    has_estimate = figure.estimate == figure.estimate
    return _finding_at(
        blank, metric, k, estimate=figure.estimate if has_estimate else None, low=figure.low, high=figure.high,
        reason=None if has_estimate else NOTHING_SUCCEEDED, label=MODEL if has_estimate else BOUND,
        limits=blank.limits + _checked_limit(k),
    )  # fmt: skip
