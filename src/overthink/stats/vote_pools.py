"""Votes of a curve: the draws of each question and rung by answer, and the chance that the right answer wins."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array
from overthink.stats.majority_vote import votes

DRAWS_AT_ONCE = 2**19
"""Draws that are counted at once."""

NO_VOTE = np.iinfo(np.int64).max

Pools = NDArray[np.int32]
"""(pool, 2 + answer): draws with a value, draws with the right answer, and those with each other answer, ascending."""


def majority_cells(values: Array, answers: NDArray[np.signedinteger[Any]], k: NDArray[np.int64]) -> Array:
    """Chance that the right answer wins the vote of k tries, (question, rung, k); NaN with fewer than k draws.

    Right answers are one class whatever their wording, others one class each; no answer abstains. Equal counts are
    worked out once.

    Args:
        values: (question, draw, rung) 0 or 1; NaN where unknown.
        answers: (question, draw, rung) code of the answer; negative for none.
        k: (k,) tries, ascending.

    Example:
        >>> values, answers = np.array([[[1.0], [1.0], [0.0]]]), np.array([[[7], [8], [3]]])
        >>> majority_cells(values, answers, np.array([1, 3])).round(3).tolist()
        [[[0.667, 1.0]]]
    """
    pools, pool_of_cell = np.unique(_joined(list(_pools(values, answers))), axis=0, return_inverse=True)
    draws, right, others = pools[:, 0], pools[:, 1].astype(np.int64), pools[:, 2:].astype(np.int64)
    chances = np.full((len(pools), len(k)), np.nan)
    for n in np.unique(draws[draws > 0]).tolist():
        alike, possible = np.flatnonzero(draws == n), k <= n
        chances[np.ix_(alike, possible)] = votes(right[alike], others[alike], n, k[possible])
    return chances[pool_of_cell.ravel()].reshape(values.shape[0], values.shape[2], len(k))


def _pools(values: Array, answers: NDArray[np.signedinteger[Any]]) -> Iterator[Pools]:
    """Yield the pools of a block of questions, question by question and rung by rung."""
    questions, draws, rungs = values.shape
    at_once = max(DRAWS_AT_ONCE // (draws * rungs), 1)
    for start in range(0, questions, at_once):
        value, answer = (
            array[start : start + at_once].transpose(0, 2, 1).reshape(-1, draws) for array in (values, answers)
        )
        wrong = np.where((value == 0) & (answer >= 0), answer.astype(np.int64), NO_VOTE)
        wrong.sort(axis=1)
        is_first = np.ones(wrong.shape, dtype=np.bool_)
        np.not_equal(wrong[:, 1:], wrong[:, :-1], out=is_first[:, 1:])
        first = np.flatnonzero(is_first)
        cell, length = first // draws, np.diff(first, append=wrong.size)
        is_vote = wrong.ravel()[first] != NO_VOTE
        cell, length = cell[is_vote], length[is_vote]
        order = np.lexsort((length, cell))
        n_answers = np.bincount(cell, minlength=len(value))
        most = int(n_answers.max(initial=0))
        place = np.arange(len(cell)) + np.repeat(most - n_answers.cumsum(), n_answers)  # the most frequent comes last
        pools = np.zeros((len(value), 2 + most), dtype=np.int32)
        pools[:, 0], pools[:, 1] = (~np.isnan(value)).sum(axis=1), (value == 1).sum(axis=1)
        pools[cell, 2 + place] = length[order]
        yield pools


def _joined(blocks: list[Pools]) -> Pools:
    """Return the pools of all blocks; those with fewer answers have none as the first of the others."""
    most = max(block.shape[1] for block in blocks)
    pools = np.zeros((sum(len(block) for block in blocks), most), dtype=np.int32)
    start = 0
    for block in blocks:
        rows = pools[start : start + len(block)]
        rows[:, :2], rows[:, most - (block.shape[1] - 2) :] = block[:, :2], block[:, 2:]
        start += len(block)
    return pools
