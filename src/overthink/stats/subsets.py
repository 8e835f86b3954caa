"""Averages over every subset of k draws in closed form: the best of them, and all of them good.

Validation of counts: attempts, successes, votes and subset sizes.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.data.blocks import by_question, draw_sums
from overthink.data.parameters import MOST, real_array

BLOCK = 16
"""Cells sorted at once: enough for speed, few enough for the processor's cache."""


def top_weights(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the chance that the draw of rank i (1 = lowest score) is the best of a uniform subset of k out of n.

    C(i-1, k-1) / C(n, k): the draw is in the subset and the k-1 others rank below it. Computed from the top
    down by w(n) = k/n, w(i) = w(i+1)·(i-k+1)/i, which neither overflows nor cancels.

    Args:
        n: Number of draws.
        k: (k,) subset sizes, each from 1 to n.

    Returns:
        (draw, k); each column sums to 1.
    """
    rank = np.arange(n - 1, 0, -1)[:, None]
    ratio = np.maximum(rank - k + 1, 0) / rank
    from_top = np.vstack([k / n, ratio]).cumprod(axis=0)
    return np.asarray(from_top[::-1], dtype=np.float64)


def expected_of_best(
    scores: NDArray[np.float64], values: NDArray[np.float64], k: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the expected value of the best-scored of k draws, for many cells at once; ties are split evenly.

    Args:
        scores: (cell, draw) scores that the selector uses.
        values: (cell, draw) value of each draw. A draw with a NaN score or value is left out.
        k: (k,) subset sizes, each at least 1.

    Returns:
        (cell, k); NaN where a cell has fewer than k draws.
    """
    draws = (~(np.isnan(scores) | np.isnan(values))).sum(axis=1)
    result = np.full((len(scores), len(k)), np.nan)
    for n in np.unique(draws[draws > 0]):
        possible = k <= n
        cells = np.flatnonzero(draws == n)
        worth = np.empty((len(cells), n))
        for start in range(0, len(cells), BLOCK):
            block = cells[start : start + BLOCK]
            worth[start : start + BLOCK] = _worth_by_rank(scores[block], values[block], int(n))
        result[np.ix_(cells, possible)] = worth @ top_weights(int(n), k[possible])
    return result


def best_cells(values: NDArray[np.float64], k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the expected best value of k draws.

    Args:
        values: (question, draw, rung); NaN where unknown.
        k: (k,) subset sizes, each at least 1.

    Returns:
        (question, rung, k); NaN with fewer than k draws.

    Example:
        >>> best_cells(np.array([[[1.0], [0.0], [0.0]]]), np.array([1, 2])).round(3).tolist()
        [[[0.333, 0.667]]]
    """
    return _extreme_cells(values, k, 1.0)


def worst_cells(values: NDArray[np.float64], k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the expected worst value of k draws, as :func:`best_cells`."""
    return _extreme_cells(values, k, -1.0)


def _extreme_cells(values: NDArray[np.float64], k: NDArray[np.int64], sign: float) -> NDArray[np.float64]:
    if not is_binary(values):
        return by_question(lambda block: _scored_cells(sign * block, block, k), values)
    # Of 0 and 1 only the counts matter: equal ones are worked out once.
    draws = values.shape[1]
    counts = by_question(lambda block: draw_sums((draws + 1.0) * (block >= 0) + (block == 1)).astype(np.int64), values)
    pairs, pair_of_cell = np.unique(counts, return_inverse=True)
    known, good = pairs[:, None] // (draws + 1), pairs[:, None] % (draws + 1)
    draw = np.arange(draws)
    pools = np.where(draw < known, np.where(draw < good, 1.0, 0.0), np.nan)
    return expected_of_best(sign * pools, pools, k)[pair_of_cell.ravel()].reshape(*counts.shape, len(k))


def scored_cells(scores: NDArray[np.float64], values: NDArray[np.float64], k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the expected value of the best-scored of k draws, (question, rung, k), from two (question, draw, rung)."""
    return by_question(lambda score, value: _scored_cells(score, value, k), scores, values)


def is_binary(values: NDArray[np.float64]) -> bool:
    """Return whether every known value is 0 or 1.

    Args:
        values: (question, draw, rung).
    """
    known = by_question(lambda block: ((block == 0) | (block == 1) | np.isnan(block)).all(axis=(1, 2)), values)
    return bool(known.all())


def _scored_cells(
    scores: NDArray[np.float64], values: NDArray[np.float64], k: NDArray[np.int64]
) -> NDArray[np.float64]:
    questions, draws, rungs = values.shape
    score, value = (table.transpose(0, 2, 1).reshape(questions * rungs, draws) for table in (scores, values))
    return expected_of_best(score, value, k).reshape(questions, rungs, len(k))


def _worth_by_rank(scores: NDArray[np.float64], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return (cell, n) the values in ascending order of their scores, averaged over equal scores."""
    # NaN sorts last, after +inf, and is then cut off.
    key = np.where(np.isnan(values), np.nan, scores)
    order = np.argsort(key, axis=1)[:, :n]
    key = np.take_along_axis(key, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    starts = np.ones(key.shape, dtype=np.bool_)
    np.not_equal(key[:, 1:], key[:, :-1], out=starts[:, 1:])
    first = np.flatnonzero(starts)
    if len(first) == values.size:
        return values
    length = np.diff(first, append=values.size)
    mean = np.add.reduceat(values.ravel(), first) / length
    return np.repeat(mean, length).reshape(values.shape)


def log_chance_of_all(n: NDArray[np.int64], good: NDArray[np.int64], k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the logarithm of C(good, k)/C(n, k), the chance that all of k draws are good; arrays are broadcast.

    -inf where k > good, NaN where k > n.
    """
    possible = k <= good
    size = np.where(possible, k, 0)
    log = (special.gammaln(good + 1) - special.gammaln(n + 1)) - (
        special.gammaln(good - size + 1) - special.gammaln(np.where(possible, n - size, n) + 1)
    )
    return np.asarray(np.where(k > n, np.nan, np.where(possible, np.minimum(log, 0.0), -np.inf)))


def log_choose(n: NDArray[np.int64], r: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the logarithm of C(n, r), the arrays broadcast; -inf where there is no such subset."""
    possible = (r >= 0) & (r <= n)
    size = np.where(possible, r, 0)
    log = special.gammaln(n + 1) - special.gammaln(size + 1) - special.gammaln(n - size + 1)
    return np.asarray(np.where(possible, log, -np.inf))


Counts = NDArray[np.int64]


def whole_numbers(numbers: ArrayLike, name: str) -> Counts:
    """The numbers as integers.

    Raises:
        TypeError: They are no numbers; truth values are none.
        ValueError: There is more than one dimension, or a number is negative, missing, not whole or above ``MOST``.
    """
    array = real_array(numbers, name)
    if np.asarray(numbers).dtype.kind == "b":
        raise TypeError(f"{name} holds truth values; needed: counts")
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; needed: one dimension")
    wrong = array[~((array >= 0) & (array <= MOST) & (array == np.floor(array)))]
    if wrong.size:
        raise ValueError(
            f"{name} holds {wrong[0]:g}, a number that is negative, missing or not whole, or beyond {MOST:,}; "
            "needed: counts"
        )
    return array.astype(np.int64)


def one_or_more(numbers: ArrayLike) -> ArrayLike:
    """Return a single number as an array of it, and anything else as it is."""
    return np.array([numbers]) if isinstance(numbers, int | float | np.number) else numbers


def subset_sizes(k: ArrayLike, most: int) -> Counts:
    """The subset sizes, (k,); a single number counts as one.

    Raises:
        ValueError: One is less than 1 or larger than ``most``.
    """
    sizes = whole_numbers(one_or_more(k), "k")
    if (sizes < 1).any() or (sizes > most).any():
        wrong = int(sizes.max() if (sizes > most).any() else sizes.min())
        raise ValueError(f"k is {wrong}; needed: from 1 to the {most} draws there are")
    return sizes


def tries(attempts: ArrayLike, successes: ArrayLike, k: ArrayLike) -> tuple[Counts, Counts, Counts]:
    """Attempts and successes, (question,) each, and subset sizes up to the most attempts, (k,).

    Raises:
        ValueError: As above; or the lengths differ, or a question has more successes than attempts.
    """
    n, c = whole_numbers(attempts, "attempts"), whole_numbers(successes, "successes")
    if n.shape != c.shape:
        raise ValueError(f"attempts has shape {n.shape}, successes {c.shape}; needed: one of each per question")
    if (c > n).any():
        i = int(np.argmax(c > n))
        raise ValueError(f"question {i} has {c[i]} successes in {n[i]} attempts; needed: at most as many")
    return n, c, subset_sizes(k, int(n.max(initial=0)))
