"""The curve: value of each question at each rung, for one try and for k tries under each selector.

The budgets of a ladder as increasing numbers for tests.

Votes of a curve: the draws of each question and rung by answer, and the chance that the right answer wins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array, Weights
from overthink.data.blocks import by_question, draw_sums, is_unknown, known_draws
from overthink.data.outcomes import Outcomes
from overthink.data.phrases import Limit, one_of
from overthink.data.record import Axis
from overthink.data.selectors import OtherSelector, Selector, SelectorName, Tries
from overthink.stats.bootstrap import Intervals, mean_intervals
from overthink.stats.first_success import question_first_success
from overthink.stats.majority_vote import votes
from overthink.stats.subsets import best_cells, is_binary, scored_cells, worst_cells

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


ALL_K_UP_TO = 16
"""Every k up to this, then powers of two."""


@dataclass(frozen=True, slots=True, eq=False)
class SelectorCurve:
    """One selector over the surface of rungs and k.

    Attributes:
        selector: Rule that turns k tries into one answer.
        k: (k,) tries; 1 for the single selector.
        cells: (question, rung, k) expected value of each question; NaN where it has fewer than k draws.
        intervals: Means over questions, (rung, k).
    """

    selector: SelectorName
    k: NDArray[np.int64]
    cells: NDArray[np.float64]
    intervals: Intervals


def k_grid(draws: int) -> NDArray[np.int64]:
    """The k to report for a number of draws: all up to 16, then powers of two, and the number itself.

    Example:
        >>> k_grid(40).tolist()[-4:]
        [15, 16, 32, 40]
    """
    powers = [2**i for i in range(5, max(draws, 1).bit_length()) if 2**i <= draws]
    grid = [*range(1, min(draws, ALL_K_UP_TO) + 1), *powers]
    return np.unique(np.array([*grid, draws] if draws else grid, dtype=np.int64))


def question_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over draws, (question, draw, rung) to (question, rung); NaN where a question has no value."""
    return by_question(_means, values)


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    total = draw_sums(values)
    if values.shape[1] and not np.isnan(total).any():
        return np.asarray(total / values.shape[1])
    is_known = ~np.isnan(values)
    count = draw_sums(is_known)
    total = draw_sums(np.where(is_known, values, 0.0))
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def mean_curve(outcomes: Outcomes, weights: Weights, *, level: float, batch: int | None = None) -> SelectorCurve:
    """The value of a single try at each rung: draws averaged within questions, then questions averaged.

    Args:
        outcomes: The table.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.
        batch: Where sampling stopped at the first success: attempts between looks at the outcome. Draws are then not
            averaged, which would be too high; the first try is what counts.

    Returns:
        The curve of the selector "single".
    """
    return single_curve(single_cells(outcomes, batch), weights, level=level)


def single_cells(outcomes: Outcomes, batch: int | None = None) -> NDArray[np.float64]:
    """Value of a single try of each question, (question, rung): the cells of :func:`mean_curve`."""
    if batch is not None:
        return _passage_cells(outcomes, np.array([1]), batch)[:, :, 0]
    if outcomes.waves is not None:
        return outcomes.waves.cells(outcomes.values, outcomes.draws)
    return question_means(outcomes.values)


def single_curve(cells: NDArray[np.float64], weights: Weights, *, level: float) -> SelectorCurve:
    """The curve of the selector "single" from the value of each question, (question, rung)."""
    return _curve(Selector.SINGLE, np.array([1]), cells[:, :, None], weights, level)


def parallel_curves(
    outcomes: Outcomes, weights: Weights, *, level: float, batch: int | None = None
) -> tuple[SelectorCurve, ...]:
    """The value of k tries at each rung, under each selector that makes sense on the axis.

    Capability: pass, majority, best. Safety: worst, best. Benign: worst. Graded values are worth their
    expected maximum under pass and their expected minimum under worst. Majority needs values of 0 or 1 and a
    known answer wherever the value is 1; best needs verifier scores, and leaves draws without a score out of
    the pool.

    Args:
        outcomes: The table.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.
        batch: Where sampling stopped at the first success: attempts between looks at the outcome. Pass and worst then
            follow the first success; majority and best, which need draws that were not chosen by their outcome, are
            left out.

    Returns:
        One curve per selector; none where no question has two draws.
    """
    values = outcomes.values
    draws = int(known_draws(values).max(initial=0))
    if draws < 2:
        return ()
    k = k_grid(draws)
    if batch is not None:
        selector = Selector.PASS if outcomes.axis is Axis.CAPABILITY else Selector.WORST
        return (_curve(selector, k, _passage_cells(outcomes, k, batch), weights, level),)
    cells: dict[Selector, NDArray[np.float64]] = {}
    if outcomes.axis is Axis.CAPABILITY:
        cells[Selector.PASS] = best_cells(values, k)
        if can_vote(outcomes):
            cells[Selector.MAJORITY] = majority_cells(values, outcomes.answers, k)
    else:
        cells[Selector.WORST] = worst_cells(values, k)
    if outcomes.axis is not Axis.BENIGN and _has_scores(outcomes):
        cells[Selector.BEST] = scored_cells(outcomes.verifier_score, values, k)
    return tuple(_curve(selector, k, cell, weights, level) for selector, cell in cells.items())


class OutsideSelector(Protocol):
    """A selector from outside the package."""

    @property
    def name(self) -> OtherSelector:
        """Its name in findings."""
        ...

    def __call__(self, tries: Tries, k: int) -> NDArray[np.float64]:
        """Return the expected value with k tries, (question, rung)."""
        ...


def outside_curve(
    outcomes: Outcomes, selector: OutsideSelector, weights: Weights, *, level: float
) -> SelectorCurve | None:
    """The value of k tries at each rung, under a selector from outside; None where no question has two draws.

    Args:
        outcomes: The table.
        selector: The selector.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.
    """
    counts = (~np.isnan(outcomes.values)).sum(axis=1)
    if counts.max(initial=0) < 2:
        return None
    k = k_grid(int(counts.max()))
    tries = Tries(outcomes.values, outcomes.answers, outcomes.verifier_score)
    cells = [np.where(counts >= some, selector(tries, some), np.nan) for some in k.tolist()]
    return _curve(selector.name, k, np.stack(cells, axis=2), weights, level)


def _curve(
    selector: SelectorName,
    k: NDArray[np.int64],
    cells: NDArray[np.float64],
    weights: Weights,
    level: float,
) -> SelectorCurve:
    return SelectorCurve(selector=selector, k=k, cells=cells, intervals=mean_intervals(cells, weights, level=level))


def _has_scores(outcomes: Outcomes) -> bool:
    """Return whether any draw has a verifier's score and a value."""
    if is_unknown(outcomes.verifier_score):
        return False
    return bool((~np.isnan(outcomes.verifier_score) & ~np.isnan(outcomes.values)).any())


def _passage_cells(outcomes: Outcomes, k: NDArray[np.int64], batch: int) -> NDArray[np.float64]:
    """Whether the first success came within k tries, (question, rung, k); on the other axes, that none did.

    Beyond the cap of a question without a success nothing is known. That k is left out for all questions of the rung:
    those that succeeded are known there, and leaving out the others would choose questions by their outcome.
    """
    is_known = ~np.isnan(outcomes.values)
    success_value = 1.0 if outcomes.axis is Axis.CAPABILITY else 0.0
    attempts, successes = is_known.sum(axis=1), (outcomes.values == success_value).sum(axis=1)
    cells = np.full((*attempts.shape, len(k)), np.nan)
    for rung in range(attempts.shape[1]):
        has_attempts = attempts[:, rung] > 0
        chances = question_first_success(attempts[has_attempts, rung], successes[has_attempts, rung], k, batch=batch)
        cells[has_attempts, rung] = np.where(np.isnan(chances).any(axis=0), np.nan, chances)
    return cells if outcomes.axis is Axis.CAPABILITY else 1.0 - cells


def can_vote(outcomes: Outcomes) -> bool:
    """Whether tries can vote: every value is 0 or 1, and every right answer is known."""
    values = outcomes.values
    if not is_binary(values):
        return False
    has_answer = outcomes.answers >= 0
    return bool((has_answer & (values >= 0)).any()) and bool((has_answer | ~(values == 1)).all())


REQUESTED_TOKENS, REALISED_TOKENS, POSITION = (
    "thinking tokens asked for",
    "mean tokens realised",
    "position on the ladder",
)
PLACED_BY = Limit("rungs are placed by {unit}", unit=one_of(REALISED_TOKENS, POSITION))


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The rungs as increasing numbers.

    Attributes:
        budgets: (rung,) increasing.
        unit: Their unit: ``REQUESTED_TOKENS``, ``REALISED_TOKENS`` or ``POSITION``.
    """

    budgets: NDArray[np.float64]
    unit: str

    @property
    def in_tokens(self) -> bool:
        """Whether the numbers are tokens."""
        return self.unit != POSITION


def ladder_of(outcomes: Outcomes) -> Ladder:
    """The requested budgets; where a provider has no such numbers the realised tokens; else positions.

    Realised tokens are mean thinking tokens, or decoded tokens where thinking is not counted. They are used only where
    they increase from rung to rung.
    """
    requested_tokens = [rung.requested_tokens for rung in outcomes.rungs]
    if None not in requested_tokens:
        budgets = np.array(requested_tokens, dtype=np.float64)
        if (np.diff(budgets) > 0).all():
            return Ladder(budgets, REQUESTED_TOKENS)
    for tokens in (outcomes.thinking_tokens, outcomes.generated_tokens):
        cells = question_means(tokens)
        is_known = ~np.isnan(cells)
        if is_known.any(axis=0).all():
            means = np.where(is_known, cells, 0.0).sum(axis=0) / is_known.sum(axis=0)
            if (np.diff(means) > 0).all():
                return Ladder(means, REALISED_TOKENS)
    return Ladder(np.arange(len(outcomes.rungs), dtype=np.float64), POSITION)
