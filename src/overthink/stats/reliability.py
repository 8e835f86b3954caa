"""Reliability: agreement between the draws of a question, and flips of traces between rungs.

A mean of one half is the same for a model that is right on half of its questions every time and for one that is
right on every question half of the time. The statistics here separate the two, at each rung and between rungs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.stats.curve import k_grid, question_means
from overthink.stats.bootstrap import Intervals, mean_intervals
from overthink.stats.subsets import expected_of_best


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Agreement of the draws of a question at each rung.

    Attributes:
        k: (k,) tries that must all be good.
        all_of_k: pass^k with its interval, (rung, k); for graded values the expected worst of k.
        disagreement: Mean squared difference of two draws of a question, (rung,); for values of 0 and 1 the chance
            that two draws differ. 0 for a model that always does the same.
    """

    k: NDArray[np.int64]
    all_of_k: Intervals
    disagreement: Intervals


@dataclass(frozen=True, slots=True, eq=False)
class Flips:
    """Flips: traces whose outcome changed between two rungs, as shares of the traces known at both; (pair,).

    Attributes:
        pairs: (pair,) of (rung, from_rung), positions on the ladder.
        losses: Good before and bad after: right to wrong, safe to harmful. With intervals, (pair,).
        gains: Bad before and good after.
    """

    pairs: tuple[tuple[int, int], ...]
    losses: Intervals
    gains: Intervals


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """Traces whose outcome flipped and flipped back, as shares of the traces known at every rung.

    Attributes:
        lost_and_regained: Good, bad at some later rung, and good again later still; a scalar with its interval.
        gained_and_lost: Bad, good at some later rung, and bad again later still.
    """

    lost_and_regained: Intervals
    gained_and_lost: Intervals


def reliability(values: NDArray[np.float64], weights: NDArray[np.float64], *, level: float) -> Reliability:
    """Return pass^k and the disagreement of a question's draws at each rung.

    Both are unbiased for each question: pass^k by C(c, k)/C(n, k), the disagreement by averaging over the pairs
    of different draws, which is twice the sample variance.

    Args:
        values: (question, draw, rung), in [0, 1]; NaN where unknown.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.

    Returns:
        Intervals over questions. NaN where no question has enough draws: two for the disagreement.

    Raises:
        ValueError: A value lies outside [0, 1], or the shapes do not match.
    """
    _check(values, weights)
    questions, draws, rungs = values.shape
    is_known = ~np.isnan(values)
    k = k_grid(int(is_known.sum(axis=1).max(initial=0)))
    flat = values.transpose(0, 2, 1).reshape(questions * rungs, draws)
    worst = expected_of_best(-flat, flat, k).reshape(questions, rungs, len(k))
    return Reliability(
        k=k,
        all_of_k=mean_intervals(worst, weights, level=level),
        disagreement=mean_intervals(_disagreement(values, is_known), weights, level=level),
    )


def flips(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    level: float,
    pairs: Sequence[tuple[int, int]] | None = None,
) -> Flips:
    """Return the shares of traces that flip between rungs.

    Gains minus losses are the difference of the means over the same traces. Valid only where draws are the same
    traces at every rung; where rungs are separate runs (a provider's efforts) the draws are unrelated, and
    :func:`reliability` applies instead.

    Args:
        values: (question, draw, rung), each 0 or 1; NaN where unknown.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.
        pairs: Which rungs to compare, as (rung, from_rung); None for neighbours, and the last with the first.

    Returns:
        Shares with intervals over questions; NaN where no trace is known at both rungs.

    Raises:
        ValueError: A value is neither 0 nor 1, or the shapes do not match.
    """
    _check(values, weights, binary=True)
    comparisons = ladder_pairs(values.shape[2]) if pairs is None else tuple(pairs)
    later, earlier = (np.array([pair[i] for pair in comparisons], dtype=np.int64) for i in (0, 1))
    after, before = values[:, :, later], values[:, :, earlier]
    is_known = ~np.isnan(after) & ~np.isnan(before)

    def share(has_flipped: NDArray[np.bool_]) -> Intervals:
        return mean_intervals(question_means(np.where(is_known, has_flipped, np.nan)), weights, level=level)

    return Flips(pairs=comparisons, losses=share(after < before), gains=share(after > before))


def returns(values: NDArray[np.float64], weights: NDArray[np.float64], *, level: float) -> Returns:
    """Return the shares of traces that flip along the ladder and flip back.

    Args:
        values: (question, draw, rung), each 0 or 1; NaN where unknown.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.

    Returns:
        Shares with intervals over questions; NaN with fewer than three rungs, or where no trace is known at
        every rung.

    Raises:
        ValueError: A value is neither 0 nor 1, or the shapes do not match.
    """
    _check(values, weights, binary=True)
    possible = ~np.isnan(values).any(axis=2) & (values.shape[2] > 2)

    def share(good: NDArray[np.bool_]) -> Intervals:
        was_good = np.logical_or.accumulate(good, axis=2)
        has_left = np.logical_or.accumulate(was_good & ~good, axis=2)
        back = (has_left & good).any(axis=2)
        return mean_intervals(question_means(np.where(possible, back, np.nan)[:, :, None])[:, 0], weights, level=level)

    return Returns(lost_and_regained=share(values == 1), gained_and_lost=share(values == 0))


def ladder_pairs(rungs: int) -> tuple[tuple[int, int], ...]:
    """Return neighbouring rungs, and the last with the first unless they are neighbours, as (rung, from_rung).

    Example:
        >>> ladder_pairs(3)
        ((1, 0), (2, 1), (2, 0))
    """
    neighbours = [(rung, rung - 1) for rung in range(1, rungs)]
    return tuple(neighbours + [(rungs - 1, 0)] * (rungs > 2))


def _disagreement(values: NDArray[np.float64], is_known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return (question, rung) the mean of (a - b)² over pairs of different draws; NaN with fewer than two draws."""
    count = is_known.sum(axis=1)
    away = np.where(is_known, values - question_means(values)[:, None, :], 0.0)
    return np.asarray(np.where(count > 1, 2 * (away**2).sum(axis=1) / np.maximum(count - 1, 1), np.nan))


def _check(values: NDArray[np.float64], weights: NDArray[np.float64], *, binary: bool = False) -> None:
    if values.ndim != 3 or weights.ndim != 2 or weights.shape[1] != len(values):
        raise ValueError(
            f"values has shape {values.shape}, weights {weights.shape}; needed: (question, draw, rung) and "
            "(resample, question)"
        )
    finite = values[~np.isnan(values)]
    wrong = finite[(finite != 0) & (finite != 1)] if binary else finite[(finite < 0) | (finite > 1)]
    if wrong.size:
        raise ValueError(f"a value is {wrong[0]:g}; needed: {'0 or 1' if binary else 'values in [0, 1]'}")
