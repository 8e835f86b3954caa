"""Stopping rule between two waves: whether the precision target is reached or reachable, and the next allocation."""

from dataclasses import dataclass

import numpy as np

from overthink.adaptive.aim import PrecisionTarget
from overthink.adaptive.allocation import next_wave
from overthink.adaptive.variance import Look, interim_look
from overthink.adaptive.spread import draw_variance, passing_variance
from overthink.adaptive.adaptive_stopping import CAP, MAX_LOOKS, REACHED, UNDEFINED, stop_reason, wave_budget, wave_size
from overthink.data.waves import Array, DrawCounts, Waves
from overthink.stats.curve import single_cells
from overthink.forecasts import forecast
from overthink.forecasts.crossing import RESOLVED, Crossing
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis


@dataclass(frozen=True, slots=True, eq=False)
class StoppingState:
    """State of a curve after a wave.

    Attributes:
        target: What draws are spent for.
        waves: The waves so far.
        stop: Why to stop: "reached", "floor", "cap" or "undefined"; None to go on.
        look: The half-widths; None where the aim is a crossing.
        crossing: K*, with ends that hold at all looks; None where the target is a half-width, or values are graded.
        within_question_variance: (question,) variance that a single draw adds to what is wanted.
        noise: (question,) what of it is left.
        cost: (question,) decoded tokens of a trace; NaN where unknown.
    """

    target: PrecisionTarget
    waves: Waves
    stop: str | None
    look: Look | None
    crossing: Crossing | None
    within_question_variance: Array
    noise: Array
    cost: Array

    @property
    def draws_left(self) -> DrawCounts:
        """(question,) draws that each question may still get."""
        return np.asarray(self.target.max_draws - self.waves.draws)

    @property
    def even_draws(self) -> float:
        """Total number of draws for the same standard error if every question got equally many."""
        return float(self.within_question_variance.mean() / self.noise.mean() * len(self.within_question_variance))

    def next_counts(self) -> DrawCounts:
        """Draws of each question in the next wave, (question,)."""
        n_drawn = int(self.waves.counts.sum())
        if self.look is not None and self.target.half_width is not None:
            budget = wave_budget(self.look, self.target.half_width, n_drawn, variance=self.within_question_variance)
        else:
            log_ratio = np.inf if self.crossing is None else float(np.log(_end_ratio(self.crossing)))
            n_needed = n_drawn * (log_ratio / np.log(self.target.factor)) ** 2 - n_drawn
            budget = wave_size(n_needed, n_drawn, n_questions=len(self.within_question_variance))
        return next_wave(self.within_question_variance, self.cost, budget=budget, draws_left=self.draws_left)


def stopping_rule(
    table: Outcomes, target: PrecisionTarget, weights: Array, *, level: float, seed: int
) -> StoppingState:
    """Evaluate the stopping rule of a curve after its last wave.

    Args:
        table: The curve, with its waves.
        target: What draws are spent for.
        weights: (resample, question) of the report, so that its intervals are looked at.
        level: Confidence level.
        seed: Seed of the forecast's draws.

    Raises:
        ValueError: The table was not drawn in waves.
    """
    if table.waves is None:
        raise ValueError("the table was not drawn in waves; needed: one with its waves")
    if target.half_width is not None:
        return _half_width_state(table, table.waves, target, weights, level=level)
    return _crossing_state(table, table.waves, target, level=level, seed=seed)


def successes(table: Outcomes) -> tuple[DrawCounts, DrawCounts] | None:
    """Draws and successes of each question at the top rung, (question,) each; None where values are graded.

    A success is a right answer on the capability axis, a harmful one on the safety axis, a refusal on the benign one.
    """
    values = table.values[:, :, -1]
    is_known = ~np.isnan(values)
    if not is_known.any() or not np.isin(values[is_known], (0.0, 1.0)).all():
        return None
    success_value = 1.0 if table.axis is Axis.CAPABILITY else 0.0
    return is_known.sum(axis=1), (values == success_value).sum(axis=1)


def _half_width_state(
    table: Outcomes, waves: Waves, target: PrecisionTarget, weights: Array, *, level: float
) -> StoppingState:
    half_width = target.half_width or 0.0
    variance = draw_variance(table.values, first=int(waves.counts[0].min()))
    noise = waves.noise(variance)
    look = interim_look(single_cells(table), noise, weights, level=level)
    draws_left = target.max_draws - waves.draws
    stop = stop_reason(look, half_width, draws_left=draws_left)
    too_wide = look.half_width > half_width
    widest = too_wide if too_wide.any() else np.arange(len(too_wide)) == max(look.worst, 0)
    return StoppingState(
        target,
        waves,
        stop,
        look,
        None,
        variance[:, widest].mean(axis=1),
        noise[:, widest].mean(axis=1),
        trace_cost(table),
    )


def _crossing_state(
    table: Outcomes, waves: Waves, target: PrecisionTarget, *, level: float, seed: int
) -> StoppingState:
    counts, draws_left = successes(table), target.max_draws - waves.draws
    if counts is None or target.crossing is None:
        unit_variance = np.ones(len(table.questions))
        return StoppingState(
            target, waves, UNDEFINED, None, None, unit_variance, unit_variance / waves.draws, trace_cost(table)
        )
    attempts, n_successes = counts
    rng = np.random.default_rng(seed)
    look_level = 1 - (1 - level) / MAX_LOOKS  # stopping at a narrow interval favours low estimates of K*
    fit = forecast(attempts, n_successes, k=[1], level=look_level, stopping="adaptive", rng=rng)
    crossing = fit.crossing(target.crossing)
    stop = REACHED if _end_ratio(crossing) <= target.factor else (CAP if (draws_left < 1).any() else None)
    k = crossing.estimate if np.isfinite(crossing.estimate) else float(attempts.max())
    variance = passing_variance(attempts, n_successes, k)
    return StoppingState(
        target, waves, stop, None, crossing, variance, variance / np.maximum(attempts, 1), trace_cost(table)
    )


def _end_ratio(crossing: Crossing) -> float:
    return crossing.high / crossing.low if crossing.label == RESOLVED else np.inf


def trace_cost(table: Outcomes) -> Array:
    """(question,) decoded tokens of a trace, up its whole ladder, mean over draws; NaN where unknown."""
    tokens = np.where(table.failed, np.nan, table.generated_tokens).sum(axis=2)  # one that failed is no whole trace
    is_known = ~np.isnan(tokens)
    total = np.where(is_known, tokens, 0.0).sum(axis=1)
    return np.asarray(np.where(is_known.any(axis=1), total / np.maximum(is_known.sum(axis=1), 1), np.nan))
