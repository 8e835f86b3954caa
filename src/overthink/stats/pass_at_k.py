"""Value of k tries by selector (pass@k, pass^k, majority, best), averaged over all subsets of k draws of a pool.

The estimators do not depend on the order of the draws, and they are unbiased for independent draws whose number does
not depend on the outcomes.
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.parameters import instance, real_array, whole
from overthink.stats.first_success import likely_batch, question_first_success
from overthink.stats.majority_vote import vote
from overthink.stats.subsets import (
    Counts,
    expected_of_best,
    log_chance_of_all,
    log_choose,
    subset_sizes,
    tries,
    whole_numbers,
)

MOST_SUMMED = 100_000
"""Most draws of a question where each number of good ones, or of votes, is a term of its own."""


def pass_at_k(
    attempts: ArrayLike, successes: ArrayLike, k: ArrayLike, *, stopping: str | None = None
) -> NDArray[np.float64]:
    """Return the chance that at least one of k tries succeeds, question by question.

    1 - C(n-c, k)/C(n, k), the unbiased estimator of Chen et al. (2021) for a number of tries set beforehand.

    Where attempts differ between questions and no question has more successes than fit in a last batch, sampling
    seems to have stopped at the first success. This formula would then be too high and is not used: with
    ``stopping`` None a warning is given, and the result is the chance that the first success came within k tries, as
    in :func:`~overthink.first_success_at_k`, with the largest batch that divides all attempts. A
    question that succeeded is then known to have passed for every larger k too.

    Args:
        attempts: (question,) tries made, n.
        successes: (question,) successful tries, c.
        k: (k,) tries allowed; a single number counts as one.
        stopping: "fixed" if the number of tries was set beforehand. "first_success" if sampling stopped at a
            success: refused, as the size of the batches is needed; use ``first_success_at_k``. None infers it
            from the counts, and warns wherever attempts differ.

    Returns:
        (question, k); NaN where k is larger than the question's attempts.

    Raises:
        ValueError: k is larger than every question's attempts; a count is not a whole number, or impossible;
            or ``stopping`` is "first_success" or unknown.

    Example:
        >>> pass_at_k([4, 4], [1, 4], [1, 2]).round(3).tolist()
        [[0.25, 0.5], [1.0, 1.0]]
    """
    n, c, sizes = tries(attempts, successes, k)
    batch = _batch_of_stopping(n, c, stopping)
    if batch is not None:
        return question_first_success(n, c, sizes, batch=batch)
    return np.asarray(0.0 - np.expm1(log_chance_of_all(n[:, None], (n - c)[:, None], sizes)), dtype=np.float64)


def worst_at_k(attempts: ArrayLike, successes: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    """Return the chance that all of k tries are good, question by question.

    C(c, k)/C(n, k): pass^k on a capability, Safe@K on safety; one minus this is the attack success rate at k tries.

    Args:
        attempts: (question,) tries made, n; set beforehand.
        successes: (question,) good tries (safe, answered, correct), c.
        k: (k,) tries; a single number counts as one.

    Returns:
        (question, k); NaN where k is larger than the question's attempts.

    Raises:
        ValueError: As for :func:`pass_at_k`.

    Example:
        >>> worst_at_k([4], [3], [1, 2, 4]).round(3).tolist()
        [[0.75, 0.5, 0.0]]
    """
    n, c, sizes = tries(attempts, successes, k)
    return np.asarray(np.exp(log_chance_of_all(n[:, None], c[:, None], sizes)), dtype=np.float64)


def consensus_at_k(attempts: ArrayLike, successes: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    """Return the chance that at least half of k tries are good, question by question.

    ConsSafe@K of SafeChain (Jiang et al., 2025), averaged over every subset: the number of good ones among k is
    hypergeometric, and ⌈k/2⌉ of them are enough.

    Args:
        attempts: (question,) tries made, n; set beforehand.
        successes: (question,) good tries, c.
        k: (k,) tries; a single number counts as one.

    Returns:
        (question, k); NaN where k is larger than the question's attempts.

    Raises:
        ValueError: As for :func:`pass_at_k`.

    Example:
        >>> consensus_at_k([4], [2], [1, 2, 3]).round(3).tolist()
        [[0.5, 0.833, 0.5]]
    """
    n, c, sizes = tries(attempts, successes, k)
    if sizes.max(initial=0) > MOST_SUMMED:
        raise ValueError(
            f"k holds {sizes.max():,}; needed: at most {MOST_SUMMED:,}, as every number of good ones is added"
        )
    pairs, question = np.unique(np.stack([n, c], axis=1), axis=0, return_inverse=True)
    n, c = pairs[:, :1], pairs[:, 1:]
    chance = np.empty((len(pairs), len(sizes)))
    for i, size in enumerate(map(int, sizes)):
        good = np.arange((size + 1) // 2, size + 1)
        with np.errstate(invalid="ignore"):  # no subset of this size: -inf - -inf is NaN
            log = log_choose(c, good) + log_choose(n - c, size - good) - log_choose(n, np.array([size]))
        chance[:, i] = np.minimum(np.exp(log).sum(axis=1), 1.0)
    return np.asarray(chance[question.ravel()])


def majority_at_k(counts: ArrayLike, correct: int | None, k: ArrayLike, *, abstentions: int = 0) -> NDArray[np.float64]:
    """Return the exact chance that a plurality vote among k draws of one question elects the right answer.

    The expectation over every subset of k draws: ties are split evenly, abstentions do not vote, and a vote
    without a voter is lost.

    Args:
        counts: (answer,) votes for each distinct answer in the pool.
        correct: Index of the right answer; None if no draw has it.
        k: (k,) draws that vote; a single number counts as one.
        abstentions: Draws without an answer.

    Returns:
        (k,).

    Raises:
        ValueError: k is less than 1 or larger than the number of draws; a count is negative or not a whole
            number; or ``correct`` is not an index of ``counts``.

    Example:
        >>> majority_at_k([2, 1, 1], 0, [1, 2, 4]).round(3).tolist()
        [0.5, 0.5, 1.0]
    """
    votes = [int(x) for x in whole_numbers(counts, "counts")]
    silent = whole(abstentions, "abstentions", most=MOST_SUMMED)
    if sum(votes) + silent > MOST_SUMMED:
        raise ValueError(f"counts and abstentions are {sum(votes) + silent:,} draws; needed: at most {MOST_SUMMED:,}")
    if correct is not None and not 0 <= whole(correct, "correct") < len(votes):
        raise ValueError(f"correct is {correct}; needed: an index of the {len(votes)} counts, or None")
    sizes = subset_sizes(k, sum(votes) + silent)
    right = 0 if correct is None else votes.pop(int(correct))
    others = tuple(sorted(v for v in votes if v > 0))
    return np.array(vote(right, others, silent, tuple(int(size) for size in sizes)))


def best_at_k(scores: ArrayLike, values: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    """Return the expected value of the best-scored of k draws of one question.

    Σ_i C(i-1, k-1)/C(n, k)·y_(i), the draws in ascending order of their scores. Draws with equal scores are
    chosen among evenly. With the values as scores this is the expected maximum; with the negated values, the
    expected minimum.

    Args:
        scores: (draw,) score that the selector uses, higher is better.
        values: (draw,) value of each draw.
        k: (k,) draws to choose from; a single number counts as one.

    Returns:
        (k,).

    Raises:
        ValueError: A score or value is NaN, the lengths differ, or k is less than 1 or larger than the number
            of draws.

    Example:
        >>> best_at_k([0.1, 0.9, 0.5], [1.0, 1.0, 0.0], [1, 2, 3]).round(3).tolist()
        [0.667, 0.667, 1.0]
    """
    score, value = real_array(scores, "scores"), real_array(values, "values")
    if score.ndim != 1 or score.shape != value.shape:
        raise ValueError(f"scores has shape {score.shape}, values {value.shape}; needed: one of each per draw")
    if np.isnan(score).any() or not np.isfinite(value).all():
        raise ValueError(
            "scores or values hold NaN, or values an infinity; best-of-k needs both for every draw: leave it out"
        )
    return expected_of_best(score[None], value[None], subset_sizes(k, len(score))).ravel()


def _batch_of_stopping(n: Counts, c: Counts, stopping: str | None) -> int | None:
    """Return the batch size of sampling that stopped at a success; None if the number of tries was set beforehand."""
    instance(stopping, "stopping", str | None)
    if stopping == "fixed":
        return None
    if stopping == "first_success":
        raise ValueError(
            "stopping is 'first_success': pass@k would be too high on such data; needed: "
            "first_success_at_k(attempts, successes, k, batch=…), batch being the attempts made between looks at the "
            "outcome"
        )
    if stopping is not None:
        raise ValueError(f"stopping is {stopping[:40]!r}; needed: 'fixed', 'first_success' or None")
    if not n.size or n.min() == n.max():
        return None
    batch = likely_batch(n, c)
    observation = f"attempts differ between questions ({n.min()} to {n.max()})"
    if batch is None:
        consequence = (
            "the mark of sampling that stopped at the first success, where pass@k is biased upwards; but some question "
            "has more successes than a last batch could hold, so they are"
            if (c > 0).any()
            else "but nothing succeeded; they are"
        )
        consequence += " treated as set beforehand: pass stopping='fixed' if they were"
    else:
        consequence = (
            f"and successes fit in a last batch of {batch}, the mark of sampling that stopped at the first success; "
            "each question is given the chance that its first success came within k tries instead of pass@k: "
            "use first_success_at_k with the true batch, or pass stopping='fixed' if attempts were set beforehand"
        )
    warnings.warn(f"{observation}, {consequence}", UserWarning, stacklevel=3)
    return batch
