"""Where a curve stands between two waves: is its aim reached, can it be, and who gets the next draws."""

from dataclasses import dataclass

import numpy as np

from overthink.core.adaptive.aim import Aim
from overthink.core.adaptive.allocation import next_wave
from overthink.core.adaptive.look import Look, look
from overthink.core.adaptive.spread import draw_variance, passing_variance
from overthink.core.adaptive.stopping import CAP, LOOKS, REACHED, UNDEFINED, decided, wave_budget, within
from overthink.core.adaptive.waves import Array, Counts, Waves
from overthink.core.curve import single_cells
from overthink.core.forecast import forecast
from overthink.core.forecast.crossing import RESOLVED, Crossing
from overthink.core.outcomes import Outcomes
from overthink.core.record import Axis


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where a curve stands.

    Attributes:
        aim: What draws are spent for.
        waves: What was drawn so far.
        stop: Why to stop: "reached", "floor", "cap" or "undefined"; None to go on.
        seen: The half-widths; None where the aim is a crossing.
        crossing: K*, with ends that hold at all looks; None where the aim is a half-width, or values are graded.
        spread: (question,) variance that a single draw adds to what is wanted.
        noise: (question,) what of it is left.
        cost: (question,) decoded tokens of a trace; NaN where unknown.
    """

    aim: Aim
    waves: Waves
    stop: str | None
    seen: Look | None
    crossing: Crossing | None
    spread: Array
    noise: Array
    cost: Array

    @property
    def room(self) -> Counts:
        """(question,) draws that each question may still get."""
        return np.asarray(self.aim.max_draws - self.waves.draws)

    @property
    def even_draws(self) -> float:
        """Draws that would leave as much error if every question got as many, in all."""
        return float(self.spread.mean() / self.noise.mean() * len(self.spread))

    def next_counts(self) -> Counts:
        """Draws of each question in the next wave, (question,)."""
        drawn = int(self.waves.counts.sum())
        if self.seen is not None and self.aim.half_width is not None:
            budget = wave_budget(self.seen, self.aim.half_width, drawn, spread=self.spread)
        else:
            apart = np.inf if self.crossing is None else float(np.log(_ratio(self.crossing)))
            needed = drawn * (apart / np.log(self.aim.factor)) ** 2 - drawn
            budget = within(needed, drawn, questions=len(self.spread))
        return next_wave(self.spread, self.cost, budget=budget, room=self.room)


def standing(table: Outcomes, aim: Aim, weights: Array, *, level: float, seed: int) -> Standing:
    """Where a curve stands after its last wave.

    Args:
        table: The curve, with its waves.
        aim: What draws are spent for.
        weights: (resample, question) of the report, so that its intervals are looked at.
        level: Confidence level.
        seed: Of the forecast's draws.

    Raises:
        ValueError: The table was not drawn in waves.
    """
    if table.waves is None:
        raise ValueError("the table was not drawn in waves; needed: one with its waves")
    if aim.half_width is not None:
        return _of_mean(table, table.waves, aim, weights, level=level)
    return _of_crossing(table, table.waves, aim, level=level, seed=seed)


def successes(table: Outcomes) -> tuple[Counts, Counts] | None:
    """Draws and successes of each question at the top rung, (question,) each; None where values are graded.

    A success is a right answer on the capability axis, a harmful one on the safety axis, a refusal on the benign one.
    """
    values = table.values[:, :, -1]
    known = ~np.isnan(values)
    if not known.any() or not np.isin(values[known], (0.0, 1.0)).all():
        return None
    wanted = 1.0 if table.axis is Axis.CAPABILITY else 0.0
    return known.sum(axis=1), (values == wanted).sum(axis=1)


def _of_mean(table: Outcomes, waves: Waves, aim: Aim, weights: Array, *, level: float) -> Standing:
    target = aim.half_width or 0.0
    spread = draw_variance(table.values, first=int(waves.counts[0].min()))
    noise = waves.noise(spread)
    seen = look(single_cells(table), noise, weights, level=level)
    room = aim.max_draws - waves.draws
    stop = decided(seen, target, room=room)
    wide = seen.half_width > target
    shown = wide if wide.any() else np.arange(len(wide)) == max(seen.worst, 0)
    return Standing(
        aim, waves, stop, seen, None, spread[:, shown].mean(axis=1), noise[:, shown].mean(axis=1), trace_cost(table)
    )


def _of_crossing(table: Outcomes, waves: Waves, aim: Aim, *, level: float, seed: int) -> Standing:
    counted, room = successes(table), aim.max_draws - waves.draws
    if counted is None or aim.crossing is None:
        nothing = np.ones(len(table.questions))
        return Standing(aim, waves, UNDEFINED, None, None, nothing, nothing / waves.draws, trace_cost(table))
    attempts, succeeded = counted
    rng = np.random.default_rng(seed)
    guarded = 1 - (1 - level) / LOOKS  # K* is an estimate: who stops when it is narrow stops when it is too low
    made = forecast(attempts, succeeded, k=[1], level=guarded, stopping="adaptive", rng=rng)
    found = made.crossing(aim.crossing)
    stop = REACHED if _ratio(found) <= aim.factor else (CAP if (room < 1).any() else None)
    k = found.estimate if np.isfinite(found.estimate) else float(attempts.max())
    spread = passing_variance(attempts, succeeded, k)
    return Standing(aim, waves, stop, None, found, spread, spread / np.maximum(attempts, 1), trace_cost(table))


def _ratio(found: Crossing) -> float:
    return found.high / found.low if found.label == RESOLVED else np.inf


def trace_cost(table: Outcomes) -> Array:
    """(question,) decoded tokens of a trace, up its whole ladder, mean over draws; NaN where unknown."""
    tokens = np.where(table.failed, np.nan, table.generated_tokens).sum(axis=2)  # one that failed is no whole trace
    known = ~np.isnan(tokens)
    total = np.where(known, tokens, 0.0).sum(axis=1)
    return np.asarray(np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan))
