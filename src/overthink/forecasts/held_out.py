"""Validation of a curve family on held-out upper rungs of the ladder, and its forecast beyond the ladder."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.forecasts.curve_families import HUMP, SLACK, CurveFamily, has_turn, predict
from overthink.stats.bootstrap import question_weights

Array = NDArray[np.float64]

CURVE_RESAMPLES = 1000

FEWEST_BELOW = 2
"""Minimum number of rungs below a held-out rung: enough to fit the simplest families."""

HELD_OUT = 2
"""Maximum number of held-out rungs, from the highest down."""

ERRORS_ALLOWED = 1.645
"""Standard errors beyond the margin at which a family fails, and by which a turn must stand out for a hump."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Prediction and measurement of one held-out rung.

    Attributes:
        budget: Budget of the rung.
        prediction: Prediction from rungs at least as many octaves below as the forecast is above the ladder.
        measurement: Measured mean at the rung.
        error: Standard error of the difference, paired by question.
    """

    budget: float
    prediction: float
    measurement: float
    error: float


@dataclass(frozen=True, slots=True)
class FamilyForecast:
    """Forecast of one family.

    Attributes:
        family: The family.
        held_out: Its held-out predictions; empty if there were too few rungs below to fit it.
        predicts: Whether the family passed validation and is used.
        reason: Why the family is not used; None where it is.
        estimate: Prediction from all rungs; NaN if the family was not fitted.
        low: Lower end of the family's interval; NaN if it is not used.
        high: Upper end.
    """

    family: CurveFamily
    held_out: tuple[HeldOut, ...]
    predicts: bool
    reason: str | None
    estimate: float
    low: float
    high: float


def held_out_splits(rungs: Array, horizon: float) -> list[tuple[int, int]]:
    """Return the highest rungs that can be predicted from as far below as the forecast is above the ladder.

    Args:
        rungs: (rung,) budgets in doublings, increasing.
        horizon: Doublings from the top rung to the forecast budget.

    Returns:
        Pairs (number of lowest rungs to fit, index of the rung to predict), highest first; at most ``HELD_OUT``.

    Example:
        >>> hold_out(np.array([9.0, 10, 11, 12]), 1.0)
        [(3, 3), (2, 2)]
    """
    below = [int((rungs <= rung - horizon + SLACK).sum()) for rung in rungs]
    return [(n, i) for i, n in reversed(list(enumerate(below))) if n >= FEWEST_BELOW][:HELD_OUT]


class Fits:
    """Fits of the families to one curve and its resamples; row 0 of the curves is the sample itself.

    Args:
        cells: (question, rung) in [0, 1], none missing, at least two questions.
        rungs: (rung,) budgets in doublings.
        point: Budget to forecast, in doublings.
        splits: Result of :func:`held_out_splits`.
        margin: Largest negligible error of a prediction.
        rng: Source of randomness.
    """

    def __init__(
        self,
        cells: Array,
        rungs: Array,
        point: float,
        splits: list[tuple[int, int]],
        margin: float,
        rng: np.random.Generator,
    ) -> None:
        n = len(cells)
        self.cells, self.rungs, self.point, self.splits = cells, rungs, point, splits
        self.margin, self.rng = margin, rng
        self.weights = question_weights(n, rng=rng, resamples=CURVE_RESAMPLES)
        mean = cells.mean(axis=0)
        # Resampled means vary around the sample's mean, not around the truth: too little by (n-1)/n.
        spread = mean + (self.weights @ cells / n - mean) * np.sqrt(n / (n - 1))
        self.curves = np.clip(np.concatenate([mean[None], spread]), 0, 1)

    def forecast(self, family: CurveFamily, *, level: float) -> tuple[FamilyForecast, Array]:
        """Return the forecast of a family and its draws of the point; no draws if the family is not used.

        A draw is the prediction of one resample, plus and minus a normal error of the size of the family's errors on
        the held-out rungs.

        Args:
            family: The family.
            level: Confidence level of the family's interval.
        """
        checks = [(n, i) for n, i in self.splits if n >= family.parameters]
        if not checks:
            few = f"is not asked: it has {family.parameters} parameters, and fewer rungs lie below those held out"
            return FamilyForecast(family, (), False, few, np.nan, np.nan, np.nan), np.empty(0)
        misses = np.stack([self._misses(family, n, i) for n, i in checks])
        predictions = predict(family, self.curves, self.rungs, self.point)
        held_out = tuple(self._comparison(miss, i) for miss, (_, i) in zip(misses, checks, strict=True))
        reason = self._failure(family, held_out)
        result = FamilyForecast(family, held_out, reason is None, reason, float(predictions[0]), np.nan, np.nan)
        if not result.predicts:
            return result, np.empty(0)
        errors = np.sqrt((misses[:, 0] ** 2).mean()) * self.rng.standard_normal(CURVE_RESAMPLES)
        draws = np.concatenate([predictions[1:] + errors, predictions[1:] - errors])
        low, high = central_interval(draws, level)
        return replace(result, low=min(low, result.estimate), high=max(high, result.estimate)), draws

    def _misses(self, family: CurveFamily, n: int, rung: int) -> Array:
        """Return the prediction of a rung from the n lowest minus the measured mean, (resample,)."""
        predictions = predict(family, self.curves[:, :n], self.rungs[:n], float(self.rungs[rung]))
        return np.asarray(predictions - self.curves[:, rung])

    def _comparison(self, miss: Array, rung: int) -> HeldOut:
        measurement = float(self.curves[0, rung])
        return HeldOut(float(2 ** self.rungs[rung]), measurement + float(miss[0]), measurement, float(miss[1:].std()))

    def _failure(self, family: CurveFamily, held_out: tuple[HeldOut, ...]) -> str | None:
        for check in held_out:
            if self._misses_rung(check):
                observation = f"where {check.measurement:.2f} was measured"
                return f"predicted {check.prediction:.2f} at {check.budget:,.0f} tokens, {observation}"
        top = len(self.rungs) - 1
        top_check = self._comparison(self._misses(family, top + 1, top), top)
        if self._misses_rung(top_check):
            observation = f"where {top_check.measurement:.2f} was measured"
            return f"fitted to all rungs, is {top_check.prediction:.2f} at the top, {observation}"
        if family is HUMP and not has_turn(self.curves[0], self.curves[1:], errors=ERRORS_ALLOWED):
            return "is not asked: the curve does not turn inside the ladder, as far as can be told"
        return None

    def _misses_rung(self, check: HeldOut) -> bool:
        return abs(check.prediction - check.measurement) > self.margin + ERRORS_ALLOWED * check.error + SLACK


def central_interval(draws: Array, level: float) -> tuple[float, float]:
    """Return the central interval of the draws, clipped to [0, 1].

    Args:
        draws: Draws of a mean.
        level: Share of the draws inside the interval.
    """
    low, high = np.clip(np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]), 0, 1)
    return float(low), float(high)
