"""Forecast one octave beyond the ladder, from curve families validated on the held-out upper rungs.

Nothing below the top rung proves what happens above it. It can be checked whether an extrapolation has worked on this
very curve: each family is fitted to the lower rungs and must predict rungs above them that are as far away as the
forecast is. A family that fails is not used. If all fail, there is no forecast.

The rung at 0 is left out: it has no position on a logarithmic axis, and an answer without any thinking is another
regime (``decisions/0011-sequential-forecasts.md`` gives the cost of including it).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from overthink.data.arrays import Array
from overthink.data.outcomes import check_budgets, check_values
from overthink.forecasts.counts import check_share
from overthink.forecasts.curve_families import CURVE_FAMILIES, HUMP, SLACK, CurveFamily, has_turn, predict
from overthink.stats.bootstrap import mean_intervals, question_weights, resampled_sums
from overthink.stats.curve import question_means

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
        >>> held_out_splits(np.array([9.0, 10, 11, 12]), 1.0)
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
        spread = mean + (resampled_sums(self.weights, cells) / n - mean) * np.sqrt(n / (n - 1))
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


FEWEST_RUNGS = 4
"""Minimum number of rungs with a budget above 0: two to fit the simplest family, one held out, one to detect a bend."""

TOO_SHORT = "{n} rungs with a budget above 0; needed: {needed}, to hold some of them out"
TOO_DENSE = "no rung lies {octaves:.2g} octaves above {fewest} others: nothing as far away as the forecast was checked"
TOO_FEW = "{n} questions with a value at every rung; needed: two at least"
NONE_PREDICTS = "no family predicted the held-out rungs from those below: {misses}"


@dataclass(frozen=True, slots=True)
class CurveForecast:
    """The forecast of a curve beyond its ladder.

    Attributes:
        target: Budget of the forecast.
        top: Highest measured budget.
        estimate: Median of the pool; NaN if there is no forecast.
        low: Lower end of the interval; NaN if there is no forecast.
        high: Upper end.
        level: Confidence level of the interval.
        families: Forecast of each family; empty where the ladder or the table is too small.
        n_questions: Number of questions with a value at every rung above 0; others are left out.
        reason: Reason why there is no forecast; None where there is one.
    """

    target: float
    top: float
    estimate: float
    low: float
    high: float
    level: float
    families: tuple[FamilyForecast, ...]
    n_questions: int
    reason: str | None


def extrapolate_curve(
    values: ArrayLike,
    budgets: Sequence[float] | Array,
    *,
    level: float,
    margin: float,
    target: float | None = None,
    rng: np.random.Generator,
) -> CurveForecast:
    """Forecast the mean over questions at a budget above the ladder.

    The interval pools the families that passed, each with equal weight. It covers sampling of questions (they are
    resampled, and every family is refitted), differences between families, and each family's errors on the held-out
    rungs, in either direction. It is never narrower than the interval at the top rung. A turn beyond the ladder cannot
    be predicted, and is not covered.

    Args:
        values: (question, draw, rung) in [0, 1]; NaN where missing.
        budgets: (rung,) tokens, increasing; a rung at 0 is left out.
        level: Confidence level, between 0 and 1.
        margin: Largest negligible error of a prediction, between 0 and 1: a family fails if its error at a rung
            exceeds this by more than 1.645 standard errors.
        target: The budget to forecast, above the highest; None for twice the highest. The further away, the further
            below a held-out rung must the rungs be that predict it.
        rng: Random generator; the same state gives the same forecast.

    Returns:
        The forecast, or the reason why there is none: too few rungs or questions, or no family that predicts.

    Raises:
        ValueError: The shapes do not match, the budgets do not increase, a value, the level or the margin is out of
            range, or the target is not above the ladder.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> rising = [0.3, 0.4, 0.5, 0.6, 0.7]
        >>> values = (rng.random((200, 4, 5)) < rising).astype(float)
        >>> result = extrapolate_curve(values, [512, 1024, 2048, 4096, 8192], level=0.9, margin=0.05, rng=rng)
        >>> result.low < 0.8 < result.high, [fit.family.name for fit in result.families if fit.predicts]
        (True, ['log_linear', 'power_ceiling', 'logistic'])
    """
    cells = question_means(check_values(values))
    return extrapolate_cells(cells, budgets, level=level, margin=margin, target=target, rng=rng)


def extrapolate_cells(
    cells: Array,
    budgets: Sequence[float] | Array,
    *,
    level: float,
    margin: float,
    target: float | None = None,
    rng: np.random.Generator,
) -> CurveForecast:
    """Forecast as in :func:`extrapolate_curve`, from the mean of each question at each rung.

    Args:
        cells: (question, rung) in [0, 1]: mean over draws; NaN where unknown.
        budgets: As in :func:`extrapolate_curve`, and so for the rest.
        level: Confidence level.
        margin: Largest negligible error.
        target: The budget to forecast.
        rng: Random generator.

    Returns:
        As :func:`extrapolate_curve`.

    Raises:
        ValueError: As :func:`extrapolate_curve`.
    """
    cells = np.asarray(cells, dtype=np.float64)
    ladder = check_budgets(budgets, rungs=cells.shape[1])
    level, margin, top = check_share(level, "level"), check_share(margin, "margin"), float(ladder[-1])
    target = 2 * top if target is None else float(target)
    if not (np.isfinite(target) and target > top):
        raise ValueError(f"target is {target:g}; needed: a budget above the highest of the ladder, {top:g}")
    cells = cells[:, ladder > 0]
    cells, rungs = cells[~np.isnan(cells).any(axis=1)], np.log2(ladder[ladder > 0])
    horizon = float(np.log2(target / top))
    splits = held_out_splits(rungs, horizon)
    reason = _too_small(len(cells), len(rungs), splits, horizon)
    blank = CurveForecast(target, top, np.nan, np.nan, np.nan, level, (), len(cells), reason)
    return (
        blank
        if reason is not None
        else _pool_families(blank, Fits(cells, rungs, rungs[-1] + horizon, splits, margin, rng))
    )


def _too_small(questions: int, rungs: int, splits: list[tuple[int, int]], horizon: float) -> str | None:
    if rungs < FEWEST_RUNGS:
        return TOO_SHORT.format(n=rungs, needed=FEWEST_RUNGS)
    if not splits:
        return TOO_DENSE.format(octaves=horizon, fewest=FEWEST_BELOW)
    return TOO_FEW.format(n=questions) if questions < 2 else None


def _pool_families(blank: CurveForecast, fits: Fits) -> CurveForecast:
    forecasts = [fits.forecast(family, level=blank.level) for family in CURVE_FAMILIES]
    families = tuple(result for result, _ in forecasts)
    if not any(result.predicts for result in families):
        misses = "; ".join(f"{result.family.words} {result.reason}" for result in families if result.held_out)
        return replace(blank, families=families, reason=NONE_PREDICTS.format(misses=misses))
    pool = np.concatenate([draws for _, draws in forecasts])
    estimate = float(np.clip(np.median(pool), 0, 1))
    low, high = central_interval(pool, blank.level)
    top = mean_intervals(fits.cells[:, -1], fits.weights, level=blank.level)
    low = min(low, max(estimate - float(top.estimate - top.low), 0.0))
    high = max(high, min(estimate + float(top.high - top.estimate), 1.0))
    return replace(blank, families=families, estimate=estimate, low=low, high=high)
