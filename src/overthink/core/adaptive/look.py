"""One look at a curve between waves: how wide its intervals are, and how wide they would stay with endless draws."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.adaptive.waves import Array
from overthink.core.interval import mean_intervals

NEARLY_ALIKE = 1e-3
"""Share of the spread that is left where questions do not seem to differ at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Half-widths of the intervals of a curve's means. Arrays are (rung,).

    Attributes:
        half_width: As they are.
        floor: As they would stay with endless draws of the same questions: what questions differ is left.
        questions: Questions known at the rung.
        within: Variance of a question's cell that comes from drawing, mean over questions.
        between: Variance of the questions' own values.
    """

    half_width: Array
    floor: Array
    questions: NDArray[np.int64]
    within: Array
    between: Array

    @property
    def worst(self) -> int:
        """The rung whose interval is widest; the lowest among equals. -1 where no rung has an interval."""
        return -1 if np.isnan(self.half_width).all() else int(np.nanargmax(self.half_width))

    def questions_needed(self, target: float, *, level: float) -> int:
        """Questions that the widest rung would need for the target with endless draws of each."""
        floor, n = float(self.floor[self.worst]), int(self.questions[self.worst])
        if self.between[self.worst] > 0:
            return int(np.ceil(n * (floor / target) ** 2))
        return int(np.ceil(np.log((1 - level) / 2) / np.log1p(-2 * target)))


def look(cells: Array, noise: Array, weights: Array, *, level: float) -> Look:
    """Look at a curve.

    Args:
        cells: (question, rung) what each question is worth.
        noise: (question, rung) variance of that which comes from drawing.
        weights: (resample, question) from :func:`~overthink.core.interval.question_weights`: those of the report, so
            that the intervals are those of the report.
        level: Confidence level.

    Example:
        >>> from overthink.core.interval import question_weights
        >>> cells, rng = np.array([[0.0], [0.5], [1.0], [0.5]] * 10), np.random.default_rng(1)
        >>> seen = look(cells, np.full((40, 1), 0.06), question_weights(40, rng=rng), level=0.95)
        >>> [x.round(2).tolist() for x in (seen.half_width, seen.floor)]
        [[0.11], [0.08]]
    """
    found = mean_intervals(cells, weights, level=level)
    known = ~np.isnan(cells)
    n = known.sum(axis=0)
    filled = np.where(known, cells - np.where(n > 0, found.estimate, 0.0), 0.0)
    variance = (filled**2).sum(axis=0) / np.maximum(n - 1, 1)
    within = np.where(known, noise, 0.0).sum(axis=0) / np.maximum(n, 1)
    between = np.maximum(variance - within, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = np.where(variance > 0, np.sqrt(between / variance), 0.0)
    # Endless draws bring questions together, but not into one number, for which there is an interval of its own.
    kept = np.maximum(kept, NEARLY_ALIKE)
    settled = mean_intervals(np.where(known, found.estimate + kept * filled, np.nan), weights, level=level)
    return Look(
        half_width=(found.high - found.low) / 2,
        floor=(settled.high - settled.low) / 2,
        questions=n,
        within=np.asarray(within),
        between=np.asarray(between),
    )
