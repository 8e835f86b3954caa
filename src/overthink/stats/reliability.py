"""Reliability: agreement between the draws of a question, and flips of traces between rungs.

A mean of one half is the same for a model that is right on half of its questions every time and for one that is
right on every question half of the time. The statistics here separate the two, at each rung and between rungs.

The forced-answer lock: the lowest rung from which a trace's forced answer never changes again.

The ladder needs no extra tokens for it. It differs from the commitment step: the forced answer may become constant
before or after the outcome of the trace itself does. The difference between the two is the forcing artefact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.arrays import Weights
from overthink.data.blocks import by_question, draw_sums, known_draws
from overthink.stats.bootstrap import Intervals, mean_intervals, question_weights
from overthink.stats.curve import k_grid, question_means
from overthink.stats.subsets import is_binary, worst_cells


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


def reliability(values: NDArray[np.float64], weights: Weights, *, level: float) -> Reliability:
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
    k = k_grid(int(known_draws(values).max(initial=0)))
    return Reliability(
        k=k,
        all_of_k=mean_intervals(worst_cells(values, k), weights, level=level),
        disagreement=mean_intervals(by_question(_disagreement, values), weights, level=level),
    )


def flips(
    values: NDArray[np.float64],
    weights: Weights,
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

    def shares(block: NDArray[np.float64], sign: int) -> NDArray[np.float64]:
        change = sign * (block[:, :, later] - block[:, :, earlier])
        return question_means(np.where(np.isnan(change), np.nan, change > 0))

    losses, gains = (by_question(lambda block, sign=sign: shares(block, sign), values) for sign in (-1, 1))
    return Flips(
        pairs=comparisons,
        losses=mean_intervals(losses, weights, level=level),
        gains=mean_intervals(gains, weights, level=level),
    )


def returns(values: NDArray[np.float64], weights: Weights, *, level: float) -> Returns:
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

    def shares(block: NDArray[np.float64], value: int) -> NDArray[np.float64]:
        possible, good = ~np.isnan(block).any(axis=2) & (block.shape[2] > 2), block == value
        was_good = np.logical_or.accumulate(good, axis=2)
        has_left = np.logical_or.accumulate(was_good & ~good, axis=2)
        back = (has_left & good).any(axis=2)
        return question_means(np.where(possible, back, np.nan)[:, :, None])[:, 0]

    again, once = (by_question(lambda block, value=value: shares(block, value), values) for value in (1, 0))
    return Returns(
        lost_and_regained=mean_intervals(again, weights, level=level),
        gained_and_lost=mean_intervals(once, weights, level=level),
    )


def ladder_pairs(rungs: int) -> tuple[tuple[int, int], ...]:
    """Return neighbouring rungs, and the last with the first unless they are neighbours, as (rung, from_rung).

    Example:
        >>> ladder_pairs(3)
        ((1, 0), (2, 1), (2, 0))
    """
    neighbours = [(rung, rung - 1) for rung in range(1, rungs)]
    return tuple(neighbours + [(rungs - 1, 0)] * (rungs > 2))


def _disagreement(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (question, rung) the mean of (a - b)² over pairs of different draws; NaN with fewer than two draws."""
    count = known_draws(values)
    away = np.nan_to_num(values - question_means(values)[:, None, :])
    return np.asarray(np.where(count > 1, 2 * draw_sums(away**2) / np.maximum(count - 1, 1), np.nan))


def _check(values: NDArray[np.float64], weights: Weights, *, binary: bool = False) -> None:
    if values.ndim != 3 or weights.ndim != 2 or weights.shape[1] != len(values):
        raise ValueError(
            f"values has shape {values.shape}, weights {weights.shape}; needed: (question, draw, rung) and "
            "(resample, question)"
        )
    if binary and is_binary(values):
        return
    wrong = (values != 0) & (values != 1) & ~np.isnan(values) if binary else (values < 0) | (values > 1)
    if wrong.any():
        raise ValueError(f"a value is {values[wrong][0]:g}; needed: {'0 or 1' if binary else 'values in [0, 1]'}")


ANYWHERE = (-np.inf, np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class AnswerLock:
    """Rungs at which forced answers lock.

    Attributes:
        rung: (question, draw) lowest rung from which the answer stays; NaN where an unknown answer hides it.
        is_censored: (question, draw) whether the answer still changed at the last rung: it may change again beyond, and
            ``rung`` is a lower bound.
    """

    rung: NDArray[np.float64]
    is_censored: NDArray[np.bool_]


def forced_answer_lock(answers: ArrayLike) -> AnswerLock:
    """Find the lock of every trace (early answering; Lanham et al. 2023).

    Args:
        answers: (question, draw, rung) codes of the answers, or values where there are no codes; NaN or a negative
            code where unknown.

    Returns:
        The locks. An unknown answer only matters from the rung before the lock on.

    Raises:
        ValueError: There are not three axes, or fewer than two rungs.

    Example:
        >>> lock = forced_answer_lock([[[0, 1, 1, 1], [2, 2, 2, 3]]])
        >>> lock.rung.tolist(), lock.is_censored.tolist()
        ([[1.0, 3.0]], [[False, True]])
    """
    codes = np.asarray(answers)
    if codes.ndim != 3 or codes.shape[2] < 2:
        raise ValueError(f"answers has shape {codes.shape}; needed: (question, draw, rung), at least two rungs")
    rung = by_question(_lock_rungs, codes)
    return AnswerLock(rung=rung, is_censored=rung == codes.shape[2] - 1)


def _lock_rungs(codes: NDArray[Any]) -> NDArray[np.float64]:
    is_known = codes >= 0
    both_known = is_known[:, :, 1:] & is_known[:, :, :-1]
    unchanged = both_known & (codes[:, :, 1:] == codes[:, :, :-1])
    # The last pair of neighbouring rungs without the same answer, if any.
    from_top = np.argmax(~unchanged[:, :, ::-1], axis=2)
    lock = np.where(unchanged.all(axis=2), 0, codes.shape[2] - 1 - from_top)
    hidden = ~np.take_along_axis(both_known, np.maximum(lock - 1, 0)[:, :, None], axis=2)[:, :, 0]
    hidden &= lock > 0
    return np.where(hidden, np.nan, lock.astype(np.float64))


def settled_shares(lock: NDArray[np.float64], rungs: int) -> NDArray[np.float64]:
    """Return the share of each question's traces that have locked by each of the lowest rungs, (question, rung).

    Args:
        lock: (question, draw) from :func:`forced_answer_lock`.
        rungs: Number of rungs.

    Example:
        >>> settled_shares(np.array([[0.0, 2.0, np.nan]]), 3).tolist()
        [[0.5, 0.5, 1.0]]
    """

    def shares(block: NDArray[np.float64]) -> NDArray[np.float64]:
        by_rung = block[:, :, None] <= np.arange(rungs)
        return question_means(np.where(np.isnan(block)[:, :, None], np.nan, by_rung))

    return by_question(shares, lock)


@dataclass(frozen=True, slots=True, eq=False)
class ForcingArtefact:
    """Forced-answer lock minus commitment step.

    Attributes:
        differences: (question, draw) in the unit given; NaN where either is unknown or was not reached.
        mean: Mean over questions, their draws averaged; NaN where no trace has both.
        low: Lower end; NaN with fewer than two questions, or where all agree.
        high: Upper end.
        n_questions: Questions with a trace that has both.
        n_left_out: Traces without one of the two. The mean is about the others only.
    """

    differences: NDArray[np.float64]
    mean: float
    low: float
    high: float
    n_questions: int
    n_left_out: int


def forcing_artefact(
    lock: ArrayLike, commitment: ArrayLike, *, rng: np.random.Generator, level: float = 0.95
) -> ForcingArtefact:
    """Mean difference between the forced-answer lock and the commitment step.

    Args:
        lock: (question, draw) position of the lock, in steps or in thinking tokens; NaN where unknown or censored.
            A lock between two rungs is seen at the upper one.
        commitment: The same shape and unit; NaN where the trace never committed.
        rng: Source of randomness.
        level: Confidence level.

    Returns:
        The difference, paired by trace, with a bootstrap interval over questions.

    Raises:
        ValueError: The shapes differ or have not two axes, or the level is not in (0, 1).
    """
    locks, steps = np.asarray(lock, dtype=np.float64), np.asarray(commitment, dtype=np.float64)
    if locks.shape != steps.shape or locks.ndim != 2 or not locks.size:
        raise ValueError(f"lock has shape {locks.shape}, commitment {steps.shape}; needed: (question, draw), the same")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; needed: between 0 and 1, such as 0.95")
    differences = locks - steps
    weights = question_weights(len(differences), rng=rng)
    interval = mean_intervals(question_means(differences[:, :, None]), weights, level=level, support=ANYWHERE)
    return ForcingArtefact(
        differences=differences,
        mean=float(interval.estimate[0]),
        low=float(interval.low[0]),
        high=float(interval.high[0]),
        n_questions=int(interval.n_questions[0]),
        n_left_out=int(np.isnan(differences).sum()),
    )
