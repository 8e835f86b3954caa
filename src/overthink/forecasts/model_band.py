"""The model band: three families, and for each the log-log continuation of its curve within the attempts.

Within the attempts the families agree, beyond them they differ. The straight line of log(-log pass@k) on log k (Brown
et al. 2024; Hughes et al. 2024) has other errors: it is too low where the families are too high. Each draw of the
questions' chances therefore gives two curves that agree up to the number of attempts: the implied curve, and the line
through the last three fifths of its decades. All six kinds of curves have equal weights (decisions/0010).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overthink.data.arrays import Array
from overthink.forecasts.posterior import TINY, Posterior
from overthink.forecasts.prior import chance_grid

LINE_FROM = 0.4
"""Power of the number of attempts where the fit of the line starts: n^0.4 to n."""
LINE_POINTS = 8

MOST_DRAWS, QUESTION_DRAWS = 300, 50_000
"""Maximum of draws per family, and of questions times draws, which bounds the time for large banks."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelBand:
    """Draws of the forecast.

    Attributes:
        chances: (draw, cell) number of questions whose chance of success is in each cell.
        attempts: Attempts up to which the implied curve of a draw is used; the line continues it beyond.
        slope: (draw,) of log(-log pass@k) on log k; not positive. None where one attempt gives no line.
    """

    chances: Array
    attempts: int
    slope: Array | None

    def curves(self, k: ArrayLike) -> Array:
        """Return pass@k of every draw, implied and continued as a line.

        Args:
            k: (k,) tries.

        Returns:
            (curve, k), none decreasing with k; the curves continued as lines are the second half.
        """
        tries = np.atleast_1d(np.asarray(k, dtype=np.float64))
        own = _hit(self.chances, tries)
        if self.slope is None:
            return own
        height = _log_log(self.chances, np.array([float(self.attempts)]))
        line = np.exp(-np.exp(height + self.slope[:, None] * np.log(np.maximum(tries / self.attempts, 1.0))))
        return np.concatenate([own, np.where(tries <= self.attempts, own, line)])


def model_band(posteriors: Sequence[Posterior], *, attempts: int, rng: np.random.Generator) -> ModelBand:
    """Draw the model band.

    Args:
        posteriors: Posteriors of the families, with equally many draws of each.
        attempts: Attempts of a typical question without a success.
        rng: Random generator.
    """
    draws = int(np.clip(QUESTION_DRAWS // int(posteriors[0].times.sum()), 60, MOST_DRAWS))
    chances = np.concatenate([family_posterior.draw(draws, rng) for family_posterior in posteriors])
    return ModelBand(chances, attempts, line_slope(chances, attempts))


def line_slope(chances: Array, attempts: int, *, start: float = LINE_FROM) -> Array | None:
    """Return the slope of log(-log pass@k) on log k of each draw, within the attempts.

    Args:
        chances: (draw, cell) number of questions with their chance in each cell.
        attempts: Number of attempts, where the fit of the line ends.
        start: Power of the number of attempts where the fit starts.

    Returns:
        (draw,), not positive; None where one attempt gives no line.
    """
    if attempts < 2:
        return None
    k = np.geomspace(attempts**start, attempts, LINE_POINTS)
    x = np.log(k) - np.log(k).mean()
    return np.asarray(np.minimum(_log_log(chances, k) @ x / (x @ x), 0.0))


def _hit(chances: Array, k: Array) -> Array:
    """Return the mean over questions of 1 - (1-p)^k, (draw, k)."""
    return np.asarray((chances @ chance_grid().hit(k) / chances.sum(axis=1, keepdims=True)).clip(0.0, 1.0))


def _log_log(chances: Array, k: Array) -> Array:
    """Return log(-log pass@k), (draw, k), accurate near 0 and near 1."""
    share = chances / chances.sum(axis=1, keepdims=True)
    miss, hit = share @ chance_grid().miss(k), share @ chance_grid().hit(k)
    minus_log = np.where(miss < 0.5, -np.log1p(-np.minimum(miss, 0.5)), -np.log(np.maximum(hit, TINY)))
    return np.asarray(np.log(np.maximum(minus_log, TINY)))
