"""Weighted majority vote by Monte Carlo, with weights such as a verifier's scores; no closed form is known.

The curve of a majority vote weighted by verifier scores.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.arrays import Weights
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis
from overthink.data.selectors import Selector
from overthink.stats.bootstrap import mean_intervals
from overthink.stats.curve import SelectorCurve, can_vote, k_grid
from overthink.stats.subsets import subset_sizes

TIED = 1e-9
"""Relative tolerance of ties: rounding of a sum depends on the order of its terms."""

CELLS_AT_ONCE = 4_000_000
"""Maximum number of weights in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightedVote:
    """Chance that the right answer wins a weighted vote, one entry per k.

    Attributes:
        k: Draws that vote.
        estimate: Mean over the permutations.
        error: Monte Carlo standard error of the estimate, without the error of sampling draws or questions.
            0 only where all draws vote, as no random choice is left.
        permutations: Number of random orders of the draws.
    """

    k: NDArray[np.int64]
    estimate: NDArray[np.float64]
    error: NDArray[np.float64]
    permutations: int


def weighted_majority_at_k(
    answers: ArrayLike,
    weights: ArrayLike,
    k: ArrayLike,
    *,
    correct: int | None,
    rng: np.random.Generator,
    permutations: int = 1000,
) -> WeightedVote:
    """Return the chance that the answer with the largest sum of weights among k draws of one question is right.

    The vote of Li et al. (2023), averaged over random subsets: the first k draws of a random order of the pool are
    one, for every k at once. Ties are split evenly, abstentions do not vote, and a vote without any weight is lost.

    Args:
        answers: (draw,) code of the answer; negative for an abstention.
        weights: (draw,) weight of the vote, 0 or more. Logits must be turned into chances first.
        k: (k,) draws that vote; a single number counts as one.
        correct: Code of the right answer; None if no draw has it.
        rng: Source of randomness.
        permutations: Number of random orders, at least 2.

    Returns:
        Estimates with their standard errors. Where all permutations agree by chance the error is that of a
        share with a flat prior, 1/(permutations + 2).

    Raises:
        ValueError: A weight is negative or not finite, an answer is not a whole number, the lengths differ,
            k is less than 1 or larger than the number of draws, or there are fewer than 2 permutations.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> weighted_majority_at_k([0, 1, 1], [0.9, 0.4, 0.4], [3], correct=0, rng=rng).estimate.tolist()
        [1.0]
    """
    code, weight = _check(answers, weights)
    sizes = subset_sizes(k, len(code))
    if permutations < 2:
        raise ValueError(f"permutations is {permutations}; needed: 2 or more, for a standard error")
    names, column = np.unique(code[code >= 0], return_inverse=True)
    right = np.flatnonzero(names == correct) if correct is not None else np.array([], dtype=np.int64)
    voters = np.flatnonzero(code >= 0)
    steps, step_of = np.unique(sizes, return_inverse=True)
    total, squares = np.zeros(len(steps)), np.zeros(len(steps))
    if right.size:
        at_once = max(1, CELLS_AT_ONCE // (len(steps) * len(names) + len(code)))
        for done in range(0, permutations, at_once):
            n_orders = min(at_once, permutations - done)
            sums = _sums(len(code), voters, column, weight[voters], steps, n_orders, rng)
            share = _win_share(sums, int(right[0]))
            total += share.sum(axis=0)
            squares += (share**2).sum(axis=0)
    mean = total / permutations
    variance = np.maximum(squares / permutations - mean**2, 0.0) * permutations / (permutations - 1)
    error = np.maximum(np.sqrt(variance / permutations), 1 / (permutations + 2))
    is_exact = (steps == len(code)) | (right.size == 0)
    error = np.where(is_exact, 0.0, error)
    return WeightedVote(k=sizes, estimate=mean[step_of], error=error[step_of], permutations=permutations)


def _check(answers: ArrayLike, weights: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    codes, weight = np.asarray(answers), np.asarray(weights, dtype=np.float64)
    if codes.ndim != 1 or codes.shape != weight.shape:
        raise ValueError(f"answers has shape {codes.shape}, weights {weight.shape}; needed: one of each per draw")
    if codes.size and not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"answers are {codes.dtype}; needed: whole numbers, one code per answer, negative to abstain")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        bad = weight[~(np.isfinite(weight) & (weight >= 0))][0]
        raise ValueError(f"a weight is {bad:g}; needed: 0 or more; turn logits into chances first")
    return codes.astype(np.int64), weight


def _sums(
    draws: int,
    voters: NDArray[np.int64],
    answer: NDArray[np.int64],
    weight: NDArray[np.float64],
    steps: NDArray[np.int64],
    permutations: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return (answer, permutation, k) the weight of each answer among the first k draws of random orders."""
    position = rng.permuted(np.tile(np.arange(draws), (permutations, 1)), axis=1)[:, voters]
    # A draw at position i votes from the first k above i on; beyond the last k it never does.
    cell = np.searchsorted(steps, np.arange(draws), side="right")[position]
    shape = (int(answer.max(initial=-1)) + 1, permutations, len(steps) + 1)
    cell += (len(steps) + 1) * np.arange(permutations)[:, None]
    cell += (len(steps) + 1) * permutations * answer
    totals = np.bincount(
        cell.ravel(), weights=np.broadcast_to(weight, cell.shape).ravel(), minlength=int(np.prod(shape))
    )
    return totals.reshape(shape)[:, :, :-1].cumsum(axis=2)


def _win_share(sums: NDArray[np.float64], right: int) -> NDArray[np.float64]:
    """Return (permutation, k) the share of the win that the right answer has."""
    top = sums.max(axis=0)
    is_top = sums >= top * (1 - TIED)
    won = is_top[right] & (top > 0)
    return np.asarray(won / is_top.sum(axis=0, dtype=np.int32), dtype=np.float64)


VOTE_PERMUTATIONS = 400
"""Number of random orders of the draws of each question and rung."""


def weighted_majority_curve(
    outcomes: Outcomes, weights: Weights, *, level: float, rng: np.random.Generator
) -> tuple[SelectorCurve, float] | None:
    """Return the value of a weighted vote of k tries at each rung.

    Right answers are one class whatever their wording, others one class each; no answer abstains. A draw without a
    score is left out. It needs values of 0 or 1, known answers, and scores that are not negative.

    Args:
        outcomes: The table.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.
        rng: Source of randomness; the vote has no closed form.

    Returns:
        The curve, and the largest Monte Carlo standard error of its values; None where there is no such vote.
    """
    score = outcomes.verifier_score
    is_scored = ~np.isnan(score) & ~np.isnan(outcomes.values)
    draws = int(is_scored.sum(axis=1).max(initial=0))
    if outcomes.axis is not Axis.CAPABILITY or draws < 2 or not can_vote(outcomes) or (score[is_scored] < 0).any():
        return None
    k = k_grid(draws)
    questions, _, rungs = score.shape
    cells = np.full((questions, rungs, len(k)), np.nan)
    variance = np.zeros((rungs, len(k)))
    for q, r in np.ndindex(questions, rungs):
        here = is_scored[q, :, r]
        value, answer = outcomes.values[q, here, r], outcomes.answers[q, here, r].astype(np.int64)
        possible = k <= here.sum()
        if not possible.any():
            continue
        right = int(outcomes.answers.max(initial=0)) + 1
        vote = weighted_majority_at_k(
            np.where(value == 1, right, answer),
            score[q, here, r],
            k[possible],
            correct=right,
            rng=rng,
            permutations=VOTE_PERMUTATIONS,
        )
        cells[q, r, possible] = vote.estimate
        variance[r, possible] += vote.error**2
    curve = SelectorCurve(
        selector=Selector.WEIGHTED_MAJORITY, k=k, cells=cells, intervals=mean_intervals(cells, weights, level=level)
    )
    n_questions = np.maximum(curve.intervals.n_questions, 1)
    return curve, float((np.sqrt(variance) / n_questions).max(initial=0.0))
