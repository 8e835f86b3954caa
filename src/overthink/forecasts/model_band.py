"""The model band: three families, and the log-log continuation of their curves as far as the attempts identify it.

Within the attempts the families agree, beyond them they differ. The straight line of log(-log pass@k) on log k (Brown
et al. 2024; Hughes et al. 2024), through the last three fifths of the decades of a draw's curve, has other errors: it
is too low where the families are too high. It continues a bend. Where the second half of the attempts solved as many
questions as the first, no bend has shown, and the line is far too low. So each draw is moved towards its line by a
weight that falls to 0 the more its last doubling of the attempts gained. How far up to that weight, nothing tells: each
draw gives a fan of curves, evenly spaced between its own and the weighted line.

The estimate supposes that every question has some chance. The band also holds, as a fourth family of equal weight, that
an unknown share of the questions has none: few solved questions cannot tell the two apart (decisions/0019).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from overthink.data.arrays import Array
from overthink.forecasts.posterior import TINY, Posterior
from overthink.forecasts.prior import chance_grid

LINE_FROM = 0.4
"""Power of the number of attempts where the fit of the line starts: n^0.4 to n."""
LINE_POINTS = 8
FULL_WEIGHT_AT = 0.3
"""The line has its full weight where doubling the attempts gained at most 1 minus this, on a scale where 1 is twice as
many questions solved and 0 none more."""
FAN = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Positions between a draw's own curve and its weighted line."""

MOST_DRAWS, QUESTION_DRAWS = 300, 50_000
"""Maximum of draws per family, and of questions times draws, which bounds the time for large banks."""


@dataclass(frozen=True, slots=True, eq=False)
class Continuation:
    """Draws of the questions' chances, and the line that continues each.

    Attributes:
        chances: (draw, cell) number of questions whose chance of success is in each cell.
        attempts: Attempts up to which the implied curve of a draw is used.
        height: (draw,) log(-log pass@k) at the attempts.
        slope: (draw,) of log(-log pass@k) on log k; not positive.
        weight: (draw,) weight of the line against the draw's own curve, from 0 to 1.
        shares: (draw, cell) share of the questions in each cell.
    """

    chances: Array
    attempts: int
    height: Array
    slope: Array
    weight: Array
    shares: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", _shares(self.chances))

    def curves(self, k: ArrayLike) -> Array:
        """Return pass@k of every draw at each position of the fan.

        Args:
            k: (k,) tries.

        Returns:
            (curve, k), none decreasing with k; position by position, the draws' own curves first.
        """
        tries = np.atleast_1d(np.asarray(k, dtype=np.float64))
        own = _log_log(self.shares, tries)
        beyond = np.log(np.maximum(tries / self.attempts, 1.0))
        line = np.where(tries <= self.attempts, own, self.height[:, None] + self.slope[:, None] * beyond)
        towards = self.weight[:, None] * (line - own)
        return np.asarray(np.exp(-np.exp(np.concatenate([own + position * towards for position in FAN]))))


@dataclass(frozen=True, slots=True, eq=False)
class ModelBand:
    """Draws of the forecast.

    Attributes:
        pool: Draws of the three families, every question with some chance.
        doubt: Draws where a share of the questions has none.
    """

    pool: Continuation
    doubt: Continuation

    @property
    def chances(self) -> Array:
        """Draws of the three families, (draw, cell)."""
        return self.pool.chances

    def quantiles(self, k: ArrayLike, *, tail: float) -> tuple[Array, Array, Array]:
        """Return low, estimate and high, (k,) each: the estimate from the pool, the ends from pool and doubt.

        Args:
            k: (k,) tries.
            tail: Chance beyond each end.
        """
        pool = self.pool.curves(k)
        low, high = np.quantile(np.concatenate([pool, self.doubt.curves(k)]), (tail, 1 - tail), axis=0)
        return low, np.quantile(pool, 0.5, axis=0), high


def model_band(
    posteriors: Sequence[Posterior], doubts: Sequence[Posterior], *, attempts: int, rng: np.random.Generator
) -> ModelBand:
    """Draw the model band.

    Args:
        posteriors: Posteriors of the families, with equally many draws of each.
        doubts: Posteriors of a family with a share of questions without any chance; as many draws of each.
        attempts: Attempts of a typical question without a success.
        rng: Random generator.
    """
    draws = int(np.clip(QUESTION_DRAWS // int(posteriors[0].times.sum()), 60, MOST_DRAWS))

    def drawn(parts: Sequence[Posterior]) -> Continuation:
        return continuation(np.concatenate([part.draw(draws, rng) for part in parts]), attempts)

    return ModelBand(drawn(posteriors), drawn(doubts))


def continuation(
    chances: Array, attempts: int, *, start: float = LINE_FROM, full_weight_at: float = FULL_WEIGHT_AT
) -> Continuation:
    """Return draws with the lines that continue them.

    Args:
        chances: (draw, cell) number of questions with their chance in each cell.
        attempts: Number of attempts, where the fit of the line ends.
        start: Power of the number of attempts where the fit starts.
        full_weight_at: The line has its full weight where doubling the attempts gained at most 1 minus this.

    Returns:
        The draws; the weight of the line is 0 where one attempt gives none.
    """
    height = _log_log(_shares(chances), np.array([float(attempts)]))[:, 0]
    if attempts < 2:
        nothing = np.zeros(len(chances))
        return Continuation(chances, attempts, height, nothing, nothing)
    weight = np.minimum((1 - doubling_gain(chances, attempts)) / full_weight_at, 1.0)
    return Continuation(chances, attempts, height, line_slope(chances, attempts, start=start), weight)


def doubling_gain(chances: Array, attempts: int) -> Array:
    """Return what the last doubling of the attempts gained: log2 of pass@n over pass@(n/2).

    Args:
        chances: (draw, cell) number of questions with their chance in each cell.
        attempts: n, 2 or more.

    Returns:
        (draw,), from 0 where it solved no further question to 1 where it solved as many as the half before.
    """
    log = -np.exp(_log_log(_shares(chances), np.array([attempts / 2, float(attempts)])))
    return np.asarray(((log[:, 1] - log[:, 0]) / np.log(2)).clip(0.0, 1.0))


def line_slope(chances: Array, attempts: int, *, start: float = LINE_FROM) -> Array:
    """Return the slope of log(-log pass@k) on log k of each draw, within the attempts.

    Args:
        chances: (draw, cell) number of questions with their chance in each cell.
        attempts: Number of attempts, 2 or more, where the fit of the line ends.
        start: Power of the number of attempts where the fit starts.

    Returns:
        (draw,), not positive.
    """
    k = np.geomspace(attempts**start, attempts, LINE_POINTS)
    x = np.log(k) - np.log(k).mean()
    return np.asarray(np.minimum(_log_log(_shares(chances), k) @ x / (x @ x), 0.0))


def _shares(chances: Array) -> Array:
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def _log_log(shares: Array, k: Array) -> Array:
    """Return log(-log pass@k), (draw, k), accurate near 0 and near 1."""
    miss, hit = shares @ chance_grid().miss(k), shares @ chance_grid().hit(k)
    minus_log = np.where(miss < 0.5, -np.log1p(-np.minimum(miss, 0.5)), -np.log(np.maximum(hit, TINY)))
    return np.asarray(np.log(np.maximum(minus_log, TINY)))
