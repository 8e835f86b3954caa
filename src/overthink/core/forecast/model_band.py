"""The model band: three families, and for each the log-log continuation of what it says within the attempts made.

Within the attempts made the families agree, beyond them they differ, and so does the straight line of log(-log pass@k)
on log k (Brown et al. 2024; Hughes et al. 2024), which errs elsewhere than they do: too low where the families are too
high. Each draw of the questions' chances therefore gives two curves that are the same up to the attempts made: what
it implies, and the line through the last three fifths of its decades before. All six kinds of curves weigh the same;
decisions/0010 has the numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.core.forecast.chances import chance_grid
from overthink.core.forecast.posterior import TINY, Posterior

Array = NDArray[np.float64]

LINE_FROM = 0.4
"""The line is laid from this power of the attempts made: n^0.4 to n."""
LINE_POINTS = 8

MOST_DRAWS, QUESTION_DRAWS = 300, 50_000
"""Draws per family, and questions times draws at most, which bounds the time for large banks."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelBand:
    """Draws of the forecast.

    Attributes:
        chances: (draw, cell) how many questions have their chance of success in each cell.
        seen: Attempts up to which a draw's own curve is taken; beyond them the line goes on.
        slope: (draw,) of log(-log pass@k) on log k; not positive. None where one attempt gives no line.
    """

    chances: Array
    seen: int
    slope: Array | None

    def curves(self, k: ArrayLike) -> Array:
        """Pass@k of every draw, its own and continued.

        Args:
            k: (k,) tries.

        Returns:
            (curve, k), none falling with k; the curves that go on as lines are the second half.
        """
        tries = np.atleast_1d(np.asarray(k, dtype=np.float64))
        own = _hit(self.chances, tries)
        if self.slope is None:
            return own
        height = _log_log(self.chances, np.array([float(self.seen)]))
        line = np.exp(-np.exp(height + self.slope[:, None] * np.log(np.maximum(tries / self.seen, 1.0))))
        return np.concatenate([own, np.where(tries <= self.seen, own, line)])


def model_band(posteriors: Sequence[Posterior], *, seen: int, rng: np.random.Generator) -> ModelBand:
    """Draw the forecast.

    Args:
        posteriors: The families after seeing the counts, equally many draws of each.
        seen: Attempts that a typical question without a success had.
        rng: Randomness.
    """
    draws = int(np.clip(QUESTION_DRAWS // int(posteriors[0].times.sum()), 60, MOST_DRAWS))
    chances = np.concatenate([one.draw(draws, rng) for one in posteriors])
    return ModelBand(chances, seen, line_slope(chances, seen))


def line_slope(chances: Array, seen: int, *, start: float = LINE_FROM) -> Array | None:
    """Slope of log(-log pass@k) on log k of each draw, within the attempts made.

    Args:
        chances: (draw, cell) questions with their chance in each cell.
        seen: Attempts made, where the line ends.
        start: The power of them at which it begins.

    Returns:
        (draw,), not positive; None where one attempt gives no line.
    """
    if seen < 2:
        return None
    k = np.geomspace(seen**start, seen, LINE_POINTS)
    x = np.log(k) - np.log(k).mean()
    return np.asarray(np.minimum(_log_log(chances, k) @ x / (x @ x), 0.0))


def _hit(chances: Array, k: Array) -> Array:
    """Mean over questions of 1 - (1-p)^k, (draw, k)."""
    return np.asarray((chances @ chance_grid().hit(k) / chances.sum(axis=1, keepdims=True)).clip(0.0, 1.0))


def _log_log(chances: Array, k: Array) -> Array:
    """log(-log pass@k), (draw, k), exact near 0 and near 1."""
    share = chances / chances.sum(axis=1, keepdims=True)
    miss, hit = share @ chance_grid().miss(k), share @ chance_grid().hit(k)
    minus_log = np.where(miss < 0.5, -np.log1p(-np.minimum(miss, 0.5)), -np.log(np.maximum(hit, TINY)))
    return np.asarray(np.log(np.maximum(minus_log, TINY)))
