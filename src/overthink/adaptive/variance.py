"""Interim look at a curve between waves: half-widths of its intervals now, and in the limit of infinite draws."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.waves import Array
from overthink.stats.bootstrap import mean_intervals

MIN_SHRINKAGE = 1e-3
"""Minimum shrinkage factor of deviations, where questions do not seem to differ at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Half-widths of the intervals of a curve's means. Arrays are (rung,).

    Attributes:
        half_width: Current half-widths.
        floor: Half-widths in the limit of infinite draws of the same questions: between-question variance remains.
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
        """Number of questions that the widest rung needs for the target in the limit of infinite draws of each."""
        floor, n = float(self.floor[self.worst]), int(self.questions[self.worst])
        if self.between[self.worst] > 0:
            return int(np.ceil(n * (floor / target) ** 2))
        return int(np.ceil(np.log((1 - level) / 2) / np.log1p(-2 * target)))


def interim_look(cells: Array, noise: Array, weights: Array, *, level: float) -> Look:
    """Return the half-widths of a curve's intervals now and in the limit of infinite draws.

    Args:
        cells: (question, rung) estimated value of each question.
        noise: (question, rung) sampling variance of the estimate.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`: those of the report, so
            that the intervals are those of the report.
        level: Confidence level.

    Example:
        >>> from overthink.stats.bootstrap import question_weights
        >>> cells, rng = np.array([[0.0], [0.5], [1.0], [0.5]] * 10), np.random.default_rng(1)
        >>> seen = look(cells, np.full((40, 1), 0.06), question_weights(40, rng=rng), level=0.95)
        >>> [x.round(2).tolist() for x in (seen.half_width, seen.floor)]
        [[0.11], [0.08]]
    """
    intervals = mean_intervals(cells, weights, level=level)
    is_known = ~np.isnan(cells)
    n = is_known.sum(axis=0)
    deviations = np.where(is_known, cells - np.where(n > 0, intervals.estimate, 0.0), 0.0)
    variance = (deviations**2).sum(axis=0) / np.maximum(n - 1, 1)
    within = np.where(is_known, noise, 0.0).sum(axis=0) / np.maximum(n, 1)
    between = np.maximum(variance - within, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shrinkage = np.where(variance > 0, np.sqrt(between / variance), 0.0)
    # In the limit questions come closer but do not become equal; equal values have a different (exact) interval.
    shrinkage = np.maximum(shrinkage, MIN_SHRINKAGE)
    limit_intervals = mean_intervals(
        np.where(is_known, intervals.estimate + shrinkage * deviations, np.nan), weights, level=level
    )
    return Look(
        half_width=(intervals.high - intervals.low) / 2,
        floor=(limit_intervals.high - limit_intervals.low) / 2,
        questions=n,
        within=np.asarray(within),
        between=np.asarray(between),
    )
