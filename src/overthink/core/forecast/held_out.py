"""Whether a family of curves foretold the upper rungs of a ladder from the lower ones, and what it then says."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.forecast.curve_families import HUMP, SLACK, Family, predict, turn_is_shown
from overthink.core.interval import question_weights

Array = NDArray[np.float64]

RESAMPLES = 1000

FEWEST_BELOW = 2
"""Rungs below a held-out one: enough to fit the simplest families."""

HELD_OUT = 2
"""The highest rungs are held out, this many."""

ERRORS = 1.645
"""Standard errors by which a family must miss more than the margin to fail, and a turn must show for a hump."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One rung that a family had to predict from those below.

    Attributes:
        budget: Of the rung.
        predicted: From rungs at least as many octaves below as the forecast is above the ladder.
        seen: What was measured there.
        error: Standard error of the difference, paired by question.
    """

    budget: float
    predicted: float
    seen: float
    error: float


@dataclass(frozen=True, slots=True)
class FamilyForecast:
    """What one family says.

    Attributes:
        family: Which.
        held_out: The rungs that it had to predict; empty if there were too few below to fit it.
        predicts: Whether it is used.
        reason: Why it is not; None where it is.
        estimate: Its prediction from all rungs; NaN if it was not fitted.
        low: Lower end of its own interval; NaN if it is not used.
        high: Upper end.
    """

    family: Family
    held_out: tuple[HeldOut, ...]
    predicts: bool
    reason: str | None
    estimate: float
    low: float
    high: float


def hold_out(rungs: Array, horizon: float) -> list[tuple[int, int]]:
    """The highest rungs that can be predicted from as far below as the forecast is above the ladder.

    Args:
        rungs: (rung,) budgets in doublings, increasing.
        horizon: Doublings from the top rung to what is forecast.

    Returns:
        (number of the lowest rungs to fit, index of the rung to predict), highest first; at most ``HELD_OUT``.

    Example:
        >>> hold_out(np.array([9.0, 10, 11, 12]), 1.0)
        [(3, 3), (2, 2)]
    """
    below = [int((rungs <= rung - horizon + SLACK).sum()) for rung in rungs]
    return [(n, i) for i, n in reversed(list(enumerate(below))) if n >= FEWEST_BELOW][:HELD_OUT]


class Fits:
    """What the families say of one curve and its resamples; row 0 is the curve itself.

    Args:
        cells: (question, rung) in [0, 1], none missing, two questions at least.
        rungs: (rung,) budgets in doublings.
        point: What is forecast, in doublings.
        held: From :func:`hold_out`.
        margin: Largest error of a prediction that does not matter.
        rng: Source of randomness.
    """

    def __init__(
        self,
        cells: Array,
        rungs: Array,
        point: float,
        held: list[tuple[int, int]],
        margin: float,
        rng: np.random.Generator,
    ) -> None:
        n = len(cells)
        self.cells, self.rungs, self.point, self.held, self.margin, self.rng = cells, rungs, point, held, margin, rng
        self.weights = question_weights(n, rng=rng, resamples=RESAMPLES)
        mean = cells.mean(axis=0)
        # Resampled means vary around the sample's mean, not around the truth: too little by (n-1)/n.
        spread = mean + (self.weights @ cells / n - mean) * np.sqrt(n / (n - 1))
        self.curves = np.clip(np.concatenate([mean[None], spread]), 0, 1)

    def ask(self, family: Family, *, level: float) -> tuple[FamilyForecast, Array]:
        """What a family says, and its draws of the point; none if it is not used.

        A draw is the prediction of one resample, plus and minus a normal error of the size of what the family missed
        the held-out rungs by.

        Args:
            family: Which.
            level: Confidence level of its own interval.
        """
        checks = [(n, i) for n, i in self.held if n >= family.parameters]
        if not checks:
            few = f"is not asked: it has {family.parameters} parameters, and fewer rungs lie below those held out"
            return FamilyForecast(family, (), False, few, np.nan, np.nan, np.nan), np.empty(0)
        misses = np.stack([self._misses(family, n, i) for n, i in checks])
        told = predict(family, self.curves, self.rungs, self.point)
        held_out = tuple(self._compared(miss, i) for miss, (_, i) in zip(misses, checks, strict=True))
        reason = self._fault(family, held_out)
        made = FamilyForecast(family, held_out, reason is None, reason, float(told[0]), np.nan, np.nan)
        if not made.predicts:
            return made, np.empty(0)
        missed = np.sqrt((misses[:, 0] ** 2).mean()) * self.rng.standard_normal(RESAMPLES)
        draws = np.concatenate([told[1:] + missed, told[1:] - missed])
        low, high = ends_of(draws, level)
        return replace(made, low=min(low, made.estimate), high=max(high, made.estimate)), draws

    def _misses(self, family: Family, n: int, rung: int) -> Array:
        """(resample,) prediction of a rung from the n lowest, minus what was measured there."""
        predicted = predict(family, self.curves[:, :n], self.rungs[:n], float(self.rungs[rung]))
        return np.asarray(predicted - self.curves[:, rung])

    def _compared(self, miss: Array, rung: int) -> HeldOut:
        seen = float(self.curves[0, rung])
        return HeldOut(float(2 ** self.rungs[rung]), seen + float(miss[0]), seen, float(miss[1:].std()))

    def _fault(self, family: Family, held_out: tuple[HeldOut, ...]) -> str | None:
        for one in held_out:
            if self._missed(one):
                return f"predicted {one.predicted:.2f} at {one.budget:,.0f} tokens, where {one.seen:.2f} was measured"
        top = len(self.rungs) - 1
        fitted = self._compared(self._misses(family, top + 1, top), top)
        if self._missed(fitted):
            return f"fitted to all rungs, is {fitted.predicted:.2f} at the top, where {fitted.seen:.2f} was measured"
        if family is HUMP and not turn_is_shown(self.curves[0], self.curves[1:], errors=ERRORS):
            return "is not asked: the curve does not turn inside the ladder, as far as can be told"
        return None

    def _missed(self, one: HeldOut) -> bool:
        return abs(one.predicted - one.seen) > self.margin + ERRORS * one.error + SLACK


def ends_of(draws: Array, level: float) -> tuple[float, float]:
    """The middle share of the draws, kept within [0, 1].

    Args:
        draws: Of a mean.
        level: The share.
    """
    low, high = np.clip(np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]), 0, 1)
    return float(low), float(high)
