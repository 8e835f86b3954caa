"""Result of adaptive sampling: precision reached, reason for stopping, and cost of equal draws per question."""

from dataclasses import replace
from typing import Any

import numpy as np

from overthink.adaptive.stopping import StoppingState, stopping_rule
from overthink.analysis.request import CurveContext
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Limit
from overthink.data.record import Estimand
from overthink.data.results.curve import AdaptiveResult
from overthink.data.selectors import Selector
from overthink.data.verdict_labels import StopLabel
from overthink.data.waves import Waves
from overthink.stats.bootstrap import resampled_sums

WEIGHTED = Limit(
    "draws came in {waves:d} waves, {least:d} to {most:d} per question, each wave settled by those before it: a wave "
    "counts by its share of all draws, the same for every question"
)
EVEN = Limit(
    "k tries of the {even:d} draws that every question was sure to get: the others went where earlier ones varied"
)
ONE_WAVE = Limit("more draws were possible, and were not needed or could not help")
SAME_DRAWS = "judged by the draws that were shared out by it, so somewhat too high; the interval is over questions"
MODEL = (
    "by the model band of the forecast, which counts draws as they came, at a level that holds for all looks together"
)


def wave_limit(waves: Waves, *, single: bool) -> str:
    """Return the limitation of a value whose draws were collected in waves."""
    if len(waves.counts) == 1:
        return ONE_WAVE
    if not single:
        return EVEN.text(even=waves.guaranteed_draws)
    return WEIGHTED.text(waves=len(waves.counts), least=waves.draws.min(), most=waves.draws.max())


def adaptive(context: CurveContext, *, seed: int) -> AdaptiveResult | None:
    """Return the precision reached (half-width or crossing), the draws used, and the cost of equal draws per question.

    Args:
        context: The curve.
        seed: Seed of the forecast's posterior draws.

    Returns:
        The result; None for a curve that was not drawn in waves, or is a control.
    """
    aim, waves = context.analysis.aim, context.whole.waves
    if aim is None or waves is None or context.is_control or context.table.estimand is not Estimand.FORCED:
        return None
    state = stopping_rule(context.whole, aim, context.weights, level=context.level, seed=seed)
    n_draws = int(waves.counts.sum())
    result = AdaptiveResult(
        _crossing(context, state) if state.look is None else _half_width(context, state),
        _draws_finding(context, Metric.DRAWS, waves, estimate=float(n_draws)),
    )
    if len(waves.counts) < 2 or state.stop == StopLabel.UNDEFINED:
        return result
    even, (low, high) = state.even_draws, _even_draws(context, state)
    saving, least, most = (1 - n_draws / draws for draws in (even, low, high))
    per = waves.draws
    label = (
        f"{n_draws:,} draws in {len(waves.counts)} waves, {per.min():,} to {per.max():,} per question; as many for "
        f"every question would have taken {even:,.0f} for the same error"
    )
    return replace(
        result,
        even_draws=_draws_finding(context, Metric.EVEN_DRAWS, waves, estimate=even, low=low, high=high),
        saving=_draws_finding(context, Metric.SAVING, waves, estimate=saving, low=least, high=most, label=label),
    )


def _draws_finding(context: CurveContext, metric: Metric, waves: Waves, **fields: Any) -> Finding:
    finding = replace(context.finding(Kind.ADAPTIVE, metric, At()), n_draws=int(waves.draws.max()), **fields)
    return finding if finding.low is None else replace(finding, level=context.level, limits=(SAME_DRAWS,))


def _half_width(context: CurveContext, state: StoppingState) -> Finding:
    look, target = state.look, state.target.half_width
    assert look is not None
    assert target is not None
    rung = look.worst
    if rung < 0:
        return replace(context.finding(Kind.ADAPTIVE, Metric.HALF_WIDTH, At()), reason="no rung has an interval")
    finding = context.finding(
        Kind.ADAPTIVE, Metric.HALF_WIDTH, replace(context.at(rung), k=1, selector=Selector.SINGLE)
    )
    width, floor = float(look.half_width[rung]), float(look.floor[rung])
    text = f"half-width {width:.3g} at its widest rung, {target:g} wanted"
    if state.stop == StopLabel.FLOOR:
        n_needed = look.questions_needed(target, level=context.level)
        text += (
            f"; more draws of these {look.questions[rung]} questions cannot reach it: endless ones would leave "
            f"{floor:.3g}; about {n_needed:,} questions would be needed"
        )
    elif state.stop == StopLabel.CAP:
        text += f"; stopped at {state.target.max_draws:,} draws of a question"
    return replace(
        finding,
        estimate=width,
        level=context.level,
        n_questions=int(look.questions[rung]),
        n_draws=int(state.waves.draws.max()),
        label=f"{state.stop or 'unfinished'}: {text}",
        limits=(wave_limit(state.waves, single=True),),
    )


def _crossing(context: CurveContext, state: StoppingState) -> Finding:
    finding = replace(
        context.finding(Kind.ADAPTIVE, Metric.CROSSING, context.at(context.rungs - 1)), level=context.level
    )
    crossing = state.crossing
    if crossing is None:
        return replace(finding, label=StopLabel.UNDEFINED, reason="graded values have no success to wait for")
    is_reached = bool(np.isfinite(crossing.estimate))
    outcome = (
        "resolved by the model band"
        if state.stop == StopLabel.REACHED
        else f"not resolved by the model band with {state.target.max_draws:,} draws of a question"
    )
    return replace(
        finding,
        estimate=crossing.estimate if is_reached else None,
        low=crossing.low if np.isfinite(crossing.low) else None,
        high=crossing.high if np.isfinite(crossing.high) else None,
        n_draws=int(state.waves.draws.max()),
        label=f"{state.stop or 'unfinished'}: {state.target} {outcome}",
        reason=None if is_reached else "the threshold is not reached at any k, or nothing succeeded",
        limits=(f"threshold {crossing.threshold:g}; an end that is null is open", MODEL),
    )


def _even_draws(context: CurveContext, state: StoppingState) -> tuple[float, float]:
    """Return the interval of the number of draws under equal allocation, by resampling questions."""
    columns = np.stack([state.within_question_variance, state.noise], axis=1)
    within, noise = resampled_sums(context.weights, columns).T
    ratios = within / noise * len(columns)
    low, high = np.quantile(ratios, [(1 - context.level) / 2, (1 + context.level) / 2])
    return float(low), float(high)
