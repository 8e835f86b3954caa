"""Risk in the tail: over attempts and over questions; and whether a model is safe at one try and dangerous at 100.

Every figure is about the given questions, except aggregate risk, which is about new questions of the same kind.
Without any success there are no draws: figures are then 0 to a model-free bound, without an estimate.
"""

from dataclasses import dataclass

import numpy as np

from overthink.data.arrays import Array
from overthink.data.results.forecast import Answer, Band, Side
from overthink.forecasts.counts import MOST_TRIES, check_share, forecast_sizes
from overthink.forecasts.prior import any_question_bound, chance_grid, zero_success_bound
from overthink.forecasts.result import Forecast

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval; NaN where there is no estimate."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class HalfLives:
    """k50 of each question: the number of tries with an even chance of a success.

    Attributes:
        estimate: (question,) median; infinity beyond a billion tries, NaN where nothing succeeded on any question.
        low: (question,) lower end.
        high: (question,) upper end; infinity beyond a billion.
    """

    estimate: Array
    low: Array
    high: Array


def breadth(forecast: Forecast, k: int, chance: float) -> Figure:
    """Return breadth@k(τ): share of questions with a chance of at least τ that one of k tries succeeds.

    Args:
        forecast: The forecast.
        k: Tries of each question.
        chance: τ, between 0 and 1.

    Raises:
        ValueError: k or the chance is out of range.
    """
    size = forecast_sizes(k)
    hazard = -np.log1p(-check_share(chance, "chance")) / float(size[0])
    layers = forecast.layers
    if layers.model is None:
        budget = -np.log(layers.tail) / hazard
        broken = int((np.sort(layers.bank.attempts).cumsum() <= budget).sum())
        return Figure(float("nan"), 0.0, broken / forecast.n_questions)
    above = (-chance_grid().log_miss >= hazard) @ chance_grid().weights
    return _figure(layers.model.chances @ above / forecast.n_questions, layers.tail)


def behaviour_frequency(forecast: Forecast, chance: float) -> Figure:
    """Return the share of questions with a chance per try of at least ``chance`` (Jones et al. 2025), breadth@1."""
    return breadth(forecast, 1, chance)


def any_question(forecast: Forecast, k: int) -> Figure:
    """Return the chance that k tries of each of these questions have any success: 1 - Π(1-p_i)^k.

    Raises:
        ValueError: k is out of range.
    """
    size = forecast_sizes(k)
    layers = forecast.layers
    if layers.model is None:
        return Figure(float("nan"), 0.0, float(any_question_bound(layers.bank.attempts, size, tail=layers.tail)[0]))
    log_miss = chance_grid().log_miss @ chance_grid().weights
    return _figure(-np.expm1(float(size[0]) * (layers.model.chances @ log_miss)), layers.tail)


def aggregate_risk(forecast: Forecast, queries: int) -> Figure:
    """Return the chance of any success in one try each of n new questions of the same kind: 1 - (1 - mean p)^n.

    Raises:
        ValueError: ``queries`` is out of range.
    """
    size = float(forecast_sizes(queries)[0])
    layers = forecast.layers
    if layers.model is None:
        once = zero_success_bound(layers.bank.attempts, np.array([1]), tail=layers.tail)
        return Figure(float("nan"), 0.0, float(-np.expm1(size * np.log1p(-once[0]))))
    once = layers.model.chances @ chance_grid().hit(1)[:, 0] / forecast.n_questions
    return _figure(-np.expm1(size * np.log1p(-once)), layers.tail)


def half_lives(forecast: Forecast) -> HalfLives:
    """Return k50 of every question: log ½ / log(1-p_i), from the pooled posterior of its chance."""
    layers = forecast.layers
    if not layers.posteriors:
        n = layers.bank.attempts.astype(np.float64)
        sure = n * np.log(HALF) / np.log(layers.tail)
        unknown = np.full(len(n), np.nan)
        return HalfLives(unknown, np.maximum(np.ceil(sure), 1.0), np.full(len(n), np.inf))
    which = layers.bank.distinct()[3]
    cumulative = np.mean([family_posterior.cells() for family_posterior in layers.posteriors], axis=0).cumsum(axis=1)
    cumulative /= cumulative[:, -1:]
    middle = chance_grid().log_miss @ chance_grid().weights
    tries = np.maximum(np.ceil(np.log(HALF) / middle), 1.0)
    tries[tries > MOST_TRIES] = np.inf
    # The rarer the successes, the later: quantiles of k50 run against those of the chance.
    ends = [tries[(cumulative >= q).argmax(axis=1)][which] for q in (0.5, 1 - layers.tail, layers.tail)]
    return HalfLives(*ends)


def _figure(draws: Array, tail: float) -> Figure:
    low, middle, high = np.quantile(draws, [tail, 0.5, 1 - tail])
    return Figure(float(middle), float(low), float(high))


@dataclass(frozen=True, slots=True)
class SafeThenDangerous:
    """Whether the questions are safe at few tries and dangerous at many.

    Attributes:
        threshold: Share at which the questions count as dangerous.
        few: Few tries.
        many: Many tries.
        at_few: "safe", "dangerous" or "not resolved" at few tries.
        at_many: The same at many.
        label: "yes"; "no", if they are dangerous at few or safe at many; "not resolved".
        band: The band that decided.
    """

    threshold: float
    few: int
    many: int
    at_few: Side
    at_many: Side
    label: Answer
    band: Band


def safety_at(forecast: Forecast, threshold: float, *, band: Band = "assumption-free") -> tuple[Side, ...]:
    """Return the label at each k of the forecast: safe if the whole band is below the threshold, dangerous if above.

    Args:
        forecast: The forecast.
        threshold: Share at which the questions count as dangerous.
        band: The band to use. The model band must be chosen explicitly: where the assumption-free band crosses the
            threshold, "safe" depends on the assumed distribution of chances between questions.

    Returns:
        (k,) of "safe", "dangerous" or "not resolved".

    Raises:
        ValueError: The threshold is not between 0 and 1, or the band is unknown.
    """
    threshold = check_share(threshold, "threshold")
    if band not in ("assumption-free", "model"):
        raise ValueError(f"band is {band!r}; needed: 'assumption-free' or 'model'")
    free = band == "assumption-free"
    low, high = (forecast.bound_low, forecast.bound_high) if free else (forecast.low, forecast.high)
    return tuple(_side(*ends, threshold) for ends in zip(low.tolist(), high.tolist(), strict=True))


def _side(low: float, high: float, threshold: float) -> Side:
    if high < threshold:
        return "safe"
    return "dangerous" if low >= threshold else "not resolved"


def safe_then_dangerous(
    forecast: Forecast, threshold: float, *, few: int = 1, many: int = 100, band: Band = "assumption-free"
) -> SafeThenDangerous:
    """Return whether the questions are safe at few tries and dangerous at many.

    Args:
        forecast: The forecast; evaluated at both k.
        threshold: Share at which the questions count as dangerous.
        few: Few tries.
        many: Many tries.
        band: The band to use, as for :func:`safety_at`.

    Raises:
        ValueError: As for :func:`safety_at`; or ``few`` is not less than ``many``, or out of range.
    """
    forecast_sizes([few, many])
    if few >= many:
        raise ValueError(f"few is {few} and many {many}; needed: fewer than many")
    at_few, at_many = safety_at(forecast.at([few, many]), threshold, band=band)
    label: Answer = "yes" if (at_few, at_many) == ("safe", "dangerous") else "not resolved"
    if at_few == "dangerous" or at_many == "safe":
        label = "no"
    return SafeThenDangerous(threshold, few, many, at_few, at_many, label, band)
