"""Stopping rule between two waves: whether the precision target is reached or reachable, and the next allocation.

Reason to stop sampling, and size of the next wave otherwise.

The precision target of adaptive sampling.
"""

from dataclasses import dataclass

import numpy as np

from overthink.adaptive.variance import Look, draw_variance, interim_look, next_wave, passing_variance
from overthink.data.arrays import Array, Weights
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis
from overthink.data.verdict_labels import CrossingLabel, StopLabel
from overthink.data.waves import DrawCounts, Waves
from overthink.forecasts import forecast
from overthink.forecasts.result import Crossing
from overthink.stats.curve import single_cells

WAVE_GROWTH = (0.25, 1.0)
"""Bounds of a wave's draws as a share of all earlier ones: few looks (lower), no overshoot (upper)."""

MAX_LOOKS = 4.0
"""Number of interim looks among which the error rate is divided where stopping depends on an estimate. Pocock's (1977)
constant level for eight looks is .012 for an overall error rate of .05; a study takes three to eight."""


def stop_reason(look: Look, half_width: float, *, draws_left: DrawCounts) -> str | None:
    """Reason to stop sampling for a half-width, or None to continue.

    Args:
        look: The curve as it is.
        half_width: Half-width wanted at every rung.
        draws_left: (question,) draws that each question may still get.

    Returns:
        "reached"; "floor" where endless draws would leave some rung wider; "cap" where a question has no room; None.
    """
    if (look.half_width <= half_width).all():
        return StopLabel.REACHED
    if (look.floor > half_width).any() or look.worst < 0:
        return StopLabel.FLOOR
    return StopLabel.CAP if (draws_left < 1).any() else None


def wave_budget(look: Look, half_width: float, n_drawn: int, *, variance: Array) -> int:
    """Number of draws of the next wave: the estimated need of the widest rung, within ``WAVE_GROWTH``.

    With T draws so far, B more shared out by Neyman's rule, and waves weighted by their share, the variance from
    drawing becomes (T² v + B (Σσ)²/N) / (T + B)², where v is what it is now, mean over the N questions.

    Args:
        look: The curve as it is.
        half_width: Half-width wanted.
        n_drawn: Draws so far.
        variance: (question,) variance of a single draw at the widest rung.
    """
    i = look.worst
    target_variance = (look.within[i] + look.between[i]) * (half_width / look.half_width[i]) ** 2 - look.between[i]
    if not target_variance > 0:
        return wave_size(np.inf, n_drawn, n_questions=variance.size)
    ideal = float(np.sqrt(variance).sum() ** 2 / variance.size)
    # wanted (T + B)² = T² v + B · ideal, solved for B
    half = target_variance * n_drawn - ideal / 2
    root = half**2 - target_variance * n_drawn**2 * (target_variance - look.within[i])
    return wave_size((-half + np.sqrt(max(root, 0.0))) / target_variance, n_drawn, n_questions=variance.size)


def wave_size(n_needed: float, n_drawn: int, *, n_questions: int) -> int:
    """The estimated number of draws of a wave, within ``WAVE_GROWTH``, and one per question at least."""
    least, most = (max(int(np.ceil(share * n_drawn)), n_questions) for share in WAVE_GROWTH)
    return int(np.clip(np.ceil(n_needed), least, most))


DEFAULT_FACTOR = 3.0
"""Default ratio of the ends of the interval of K* at which K* counts as known."""


@dataclass(frozen=True, slots=True)
class PrecisionTarget:
    """Target precision of an interval. Exactly one of half-width and crossing is set.

    Attributes:
        half_width: Target half-width of the interval of the mean, at every rung.
        crossing: Threshold τ; K* is the smallest k at which k tries reach it, at the top rung.
        factor: Largest ratio of the ends of the interval of K*.
        max_draws: Maximum draws per question.
    """

    half_width: float | None
    crossing: float | None
    factor: float
    max_draws: int

    def __str__(self) -> str:
        if self.half_width is not None:
            return f"half-width {self.half_width:g} at every rung"
        return f"K* (tries) at {self.crossing:g} within a factor of {self.factor:g}"


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
    table: Outcomes, target: PrecisionTarget, weights: Weights, *, level: float, seed: int
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
    table: Outcomes, waves: Waves, target: PrecisionTarget, weights: Weights, *, level: float
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
            target,
            waves,
            StopLabel.UNDEFINED,
            None,
            None,
            unit_variance,
            unit_variance / waves.draws,
            trace_cost(table),
        )
    attempts, n_successes = counts
    rng = np.random.default_rng(seed)
    look_level = 1 - (1 - level) / MAX_LOOKS  # stopping at a narrow interval favours low estimates of K*
    fit = forecast(attempts, n_successes, k=[1], level=look_level, stopping="adaptive", rng=rng)
    crossing = fit.crossing(target.crossing)
    stop = (
        StopLabel.REACHED
        if _end_ratio(crossing) <= target.factor
        else (StopLabel.CAP if (draws_left < 1).any() else None)
    )
    k = crossing.estimate if np.isfinite(crossing.estimate) else float(attempts.max())
    variance = passing_variance(attempts, n_successes, k)
    return StoppingState(
        target, waves, stop, None, crossing, variance, variance / np.maximum(attempts, 1), trace_cost(table)
    )


def _end_ratio(crossing: Crossing) -> float:
    return crossing.high / crossing.low if crossing.label == CrossingLabel.RESOLVED else np.inf


def trace_cost(table: Outcomes) -> Array:
    """(question,) decoded tokens of a trace, up its whole ladder, mean over draws; NaN where unknown."""
    tokens = np.where(table.failed, np.nan, table.generated_tokens).sum(axis=2)  # one that failed is no whole trace
    is_known = ~np.isnan(tokens)
    total = np.where(is_known, tokens, 0.0).sum(axis=1)
    return np.asarray(np.where(is_known.any(axis=1), total / np.maximum(is_known.sum(axis=1), 1), np.nan))
