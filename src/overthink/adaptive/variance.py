"""Between two waves: half-widths of a curve's intervals now and in the limit of infinite draws, and who draws next.

The variance of single draws within a question is shrunk so that a few equal draws do not give a variance of zero.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.data.arrays import Array, Weights
from overthink.data.waves import DrawCounts
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


def interim_look(cells: Array, noise: Array, weights: Weights, *, level: float) -> Look:
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
        >>> look = interim_look(cells, np.full((40, 1), 0.06), question_weights(40, rng=rng), level=0.95)
        >>> [x.round(2).tolist() for x in (look.half_width, look.floor)]
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


PRIOR_DRAWS = 2.0
"""Prior weight of the other questions in the variance of graded values of one question, in draws."""

STRENGTH = (0.5, 20.0)
"""Bounds of the prior weight of the other questions where values are 0 or 1, in draws."""


def draw_variance(values: Array, *, first: int) -> Array:
    """Variance of a single draw of each question, shrunk towards the other questions.

    Four equal draws do not show that the fifth will be equal, too. Values of 0 and 1: the mean of p(1-p) over what the
    draws leave open of p, with a beta distribution of the questions' chances. It is right however many draws a question
    was given, and why; its own spread would look small just where few draws were given because it looked small. Graded
    values: each question's sum of squares, joined by ``PRIOR_DRAWS`` of an average question.

    Args:
        values: (question, draw, rung); NaN where unknown.
        first: Draws of the first wave, whose number followed nothing: the questions' chances are read from them.

    Returns:
        (question, rung), never 0.

    Example:
        >>> values = np.array([[0, 0, 0, 0], [0, 1, 0, 1]], dtype=float)[:, :, None]
        >>> draw_variance(values, first=4)[:, 0].round(3).tolist()
        [0.15, 0.21]
    """
    is_known = ~np.isnan(values)
    if not np.isin(values[is_known], (0.0, 1.0)).all():
        return _graded_variance(values, is_known)
    attempts, successes = is_known.sum(axis=1), (values == 1).sum(axis=1)
    early_counts = is_known[:, :first].sum(axis=1), (values[:, :first] == 1).sum(axis=1)
    prior = np.array([chance_prior(n, c) for n, c in zip(early_counts[0].T, early_counts[1].T, strict=True)])
    alpha, beta = prior[:, 0] + successes, prior[:, 1] + attempts - successes
    return np.asarray(alpha * beta / ((alpha + beta) * (alpha + beta + 1)))


def _graded_variance(values: Array, is_known: NDArray[np.bool_]) -> Array:
    count = is_known.sum(axis=1)
    mean = np.where(is_known, values, 0.0).sum(axis=1) / np.maximum(count, 1)
    sum_of_squares = (np.where(is_known, values - mean[:, None, :], 0.0) ** 2).sum(axis=1)
    free = np.maximum(count - 1, 0)
    has_several = free > 0
    average = np.where(has_several, sum_of_squares / np.maximum(free, 1), 0.0).sum(axis=0) / np.maximum(
        has_several.sum(axis=0), 1
    )
    least = 1.0 / (count.sum(axis=0) + 2.0)  # the share of one differing value among all
    average = np.maximum(average, least * (1.0 - least))
    return np.asarray((PRIOR_DRAWS * average + sum_of_squares) / (PRIOR_DRAWS + free))


def passing_variance(attempts: NDArray[np.int64], successes: NDArray[np.int64], k: float) -> Array:
    """Variance that one more draw of each question leaves in the mean of 1 - (1-p)^k, (question,).

    By the delta method this is (k (1-p)^(k-1))² p (1-p), averaged over what the counts leave open of p: a beta
    distribution from the prior of :func:`chance_prior` and the counts.

    Args:
        attempts: (question,) draws made.
        successes: (question,) of them.
        k: Tries at which the curve is wanted.
    """
    a, b = chance_prior(attempts, successes)
    alpha, beta = a + successes, b + attempts - successes
    log = special.betaln(alpha + 1, beta + 2 * k - 1) - special.betaln(alpha, beta)
    return np.asarray(k**2 * np.exp(log))


def chance_prior(attempts: NDArray[np.int64], successes: NDArray[np.int64]) -> tuple[float, float]:
    """A beta distribution of the questions' chances, by their first two moments.

    With n draws a share varies by V(1 - 1/n) + m(1-m)/n, where m is the mean and V the variance of the chances. What
    the distribution counts for is bounded by ``STRENGTH``: a few questions do not show that all are alike.

    Args:
        attempts: (question,) draws made.
        successes: (question,) of them.
    """
    has_several = attempts > 1
    n, c = attempts[has_several].astype(np.float64), successes[has_several].astype(np.float64)
    mean = float((c.sum() + 0.5) / (n.sum() + 1.0))
    most = mean * (1 - mean)
    between = float(((c / n - mean) ** 2 - most / n).sum() / max((1 - 1 / n).sum(), 1e-9))
    strength = float(np.clip(most / max(between, 1e-9) - 1.0, *STRENGTH))
    return mean * strength, (1 - mean) * strength


MIN_WEIGHT = 1e-6
"""Minimum weight relative to the largest: a question without variance gets the draws that the others cannot take."""


def next_wave(variance: Array, cost: Array, *, budget: int, draws_left: DrawCounts) -> DrawCounts:
    """Allocate the draws of a wave to minimise the standard error of the mean per unit of cost.

    Neyman's rule: a question's draws are in proportion to its standard deviation over the root of its cost. Every
    question gets at least one draw, for a wave without it would be missing for a reason, and at most half of what
    room it has left, rounded up: with room for one it still has a wave.

    Args:
        variance: (question,) variance that a single draw adds, 0 or more.
        cost: (question,) what a draw costs, in any unit; NaN where unknown counts as the mean of the others.
        budget: Draws of the wave.
        draws_left: (question,) draws that each question may still get, 1 or more.

    Returns:
        (question,) draws, 1 or more; in all the budget, or the nearest to it that the bounds allow.

    Raises:
        ValueError: A question has no room, or a spread is negative or unknown.

    Example:
        >>> next_wave(np.array([0.25, 0.01]), np.ones(2), budget=12, draws_left=np.array([40, 40])).tolist()
        [10, 2]
    """
    if (draws_left < 1).any():
        raise ValueError("a question has no room for a draw; needed: room for one in every question")
    if np.isnan(variance).any() or (variance < 0).any():
        raise ValueError("a spread is negative or unknown; needed: a variance for every question")
    max_draws = (draws_left + 1) // 2
    is_known = ~np.isnan(cost) & (cost > 0)
    price = np.where(is_known, cost, cost[is_known].mean() if is_known.any() else 1.0)
    weight = np.sqrt(variance / price)
    weight = np.maximum(weight, MIN_WEIGHT * weight.max()) if weight.max() > 0 else np.ones(len(variance))
    n_draws = int(np.clip(budget, len(variance), max_draws.sum()))
    exact = np.clip(_scale_factor(weight, max_draws, n_draws) * weight, 1, max_draws)
    draws = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(
        draws - exact, kind="stable"
    )  # the largest remainders first, and among equals the first question
    for i in by_remainder[: n_draws - int(draws.sum())]:
        draws[i] = min(draws[i] + 1, max_draws[i])
    return draws


def _scale_factor(weight: Array, max_draws: DrawCounts, budget: int) -> float:
    """The factor at which the draws, bounded below by one and above by ``max_draws``, add up to the budget."""
    low, high = 0.0, float((max_draws / weight).max())
    for _ in range(100):
        middle = (low + high) / 2
        if np.clip(middle * weight, 1, max_draws).sum() < budget:
            low = middle
        else:
            high = middle
    return high
