"""Controls of the forced ladder: effect of forcing, agreement of answer and thinking; and how well a budget is kept.

A trace that ended by itself has two answers: its own (natural), and the one after a forced close (sham). They differ
only in the forcing. A trace has two verdicts at a rung: of its thinking, and of its answer.

The three metrics of s1 (Muennighoff et al., arXiv 2501.19393): control is the share of traces whose thinking lies
between the requested minimum and maximum, scaling the mean slope between every two budgets, performance the highest
value of the curve.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.arrays import Array, Weights
from overthink.stats.bootstrap import Intervals, mean_intervals
from overthink.stats.curve import question_means
from overthink.stats.testing import Differences, paired_differences

GOOD = 0.5
"""Minimum graded value that counts as good, as everywhere where a value becomes a verdict."""

CELLS = ("good_good", "good_bad", "bad_good", "bad_bad")
"""The two verdicts of a trace, thinking first: on the safety axis good is safe; else it is correct, or answered."""


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """Differences between two answers of the same traces, one entry per rung.

    Attributes:
        share: Share of the traces whose verdicts differ, (rung,).
        difference: Mean of the one value minus the other, paired by trace, (rung,).
        traces: (rung,) traces with both values.
    """

    share: Intervals
    difference: Differences
    traces: NDArray[np.int64]


def disagreement(
    forced: NDArray[np.float64], reference: NDArray[np.float64], weights: Weights, *, level: float
) -> Disagreement:
    """Compare two answers of the same traces, over those that have both.

    Draws are averaged within questions, then questions; the question is the unit of the intervals.

    Args:
        forced: (question, draw, rung) values in [0, 1] of the one answer, such as the forced one; NaN where unknown.
        reference: (question, draw) values of the other, such as the model's own.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.

    Raises:
        ValueError: The shapes do not belong together.

    Example:
        >>> import numpy as np
        >>> forced, own = np.array([[[1.0], [0.0]], [[1.0], [np.nan]]]), np.array([[0.0, 0.0], [1.0, 1.0]])
        >>> found = disagreement(forced, own, np.ones((5, 2)), level=0.95)
        >>> found.share.estimate.tolist(), found.difference.intervals.estimate.tolist(), found.traces.tolist()
        ([0.25], [0.25], [3])
    """
    if forced.shape[:2] != reference.shape:
        raise ValueError(
            f"shapes {forced.shape} and {reference.shape}; needed: (question, draw, rung) and (question, draw)"
        )
    both_known = ~np.isnan(forced) & ~np.isnan(reference)[:, :, None]
    reference_values = np.where(both_known, reference[:, :, None], np.nan)
    forced_values = np.where(both_known, forced, np.nan)
    differ = np.where(both_known, (forced_values >= GOOD) != (reference_values >= GOOD), np.nan)
    rungs = forced.shape[2]
    cells = np.concatenate([question_means(forced_values), question_means(reference_values)], axis=1)
    pairs = [(rung, rungs + rung) for rung in range(rungs)]
    return Disagreement(
        share=mean_intervals(question_means(differ), weights, level=level),
        difference=paired_differences(cells, pairs=pairs, level=level),
        traces=both_known.sum(axis=(0, 1)),
    )


def two_by_two(
    trace: NDArray[np.float64], answer: NDArray[np.float64], weights: Weights, *, level: float
) -> dict[str, Intervals]:
    """Verdict of the thinking beside verdict of the answer: the share of each of the four cells at every rung.

    Args:
        trace: (question, draw, rung) values in [0, 1] of the thinking; NaN where unknown.
        answer: (question, draw, rung) values of the answer.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.

    Returns:
        By cell of ``CELLS``, thinking first: its share, (rung,). Over the traces with both verdicts the four add up to
        one.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> import numpy as np
        >>> safe_thought, harmful_answer = np.ones((2, 1, 1)), np.zeros((2, 1, 1))
        >>> cells = two_by_two(safe_thought, harmful_answer, np.ones((5, 2)), level=0.95)
        >>> {name: cell.estimate.tolist() for name, cell in cells.items()}
        {'good_good': [0.0], 'good_bad': [1.0], 'bad_good': [0.0], 'bad_bad': [0.0]}
    """
    if trace.shape != answer.shape:
        raise ValueError(f"shapes {trace.shape} and {answer.shape}; needed: the same (question, draw, rung)")
    both_known = ~np.isnan(trace) & ~np.isnan(answer)
    cells = {}
    for name in CELLS:
        good_thinking, good_answer = ((word == "good") for word in name.split("_"))
        is_cell = ((trace >= GOOD) == good_thinking) & ((answer >= GOOD) == good_answer)
        cells[name] = mean_intervals(question_means(np.where(both_known, is_cell, np.nan)), weights, level=level)
    return cells


def within_budget(thinking_tokens: Array, most: ArrayLike, *, least: ArrayLike = 0.0) -> Array:
    """Whether each trace is within its budget: 1 or 0, NaN where its tokens are unknown.

    Args:
        thinking_tokens: Realised, (question, draw, rung); NaN where unknown.
        most: (rung,) maximum tokens.
        least: (rung,) minimum tokens, where there is one.

    Example:
        >>> within_budget(np.array([[[3.0, 9.0, np.nan]]]), [4, 8, 16]).tolist()
        [[[1.0, 0.0, nan]]]
    """
    is_within = (thinking_tokens <= np.asarray(most)) & (thinking_tokens >= np.asarray(least))
    return np.where(np.isnan(thinking_tokens), np.nan, is_within)


def control(thinking_tokens: Array, most: ArrayLike, *, least: ArrayLike = 0.0) -> Array:
    """Each question's share of traces, over all rungs, within their budgets.

    Returns:
        (question,); NaN where no trace's tokens are known. The mean over questions is s1's control, in [0, 1].
    """
    is_within = within_budget(thinking_tokens, most, least=least).reshape(len(thinking_tokens), -1)
    is_known = ~np.isnan(is_within)
    return np.where(
        is_known.any(axis=1), np.where(is_known, is_within, 0).sum(axis=1) / np.maximum(is_known.sum(axis=1), 1), np.nan
    )


def scaling(cells: Array, budgets: ArrayLike) -> Array:
    """The mean slope between every two budgets, value per token: (1 / C(n, 2)) Σ_{b > a} (f(b) - f(a)) / (b - a).

    It is linear in the values, so that the mean over questions of this is this of the mean over questions.

    Args:
        cells: (..., rung) values.
        budgets: (rung,) budgets in tokens, strictly increasing; at least two.

    Returns:
        (...); NaN where a value is unknown.

    Raises:
        ValueError: Fewer than two budgets, or they do not increase.

    Example:
        >>> float(scaling(np.array([0.2, 0.4, 0.5]), [0, 10, 20]).round(6))
        0.015
    """
    return np.asarray(cells @ slope_weights(budgets))


def slope_weights(budgets: ArrayLike) -> Array:
    """Weight of each rung's value in :func:`scaling`, (rung,); they add up to 0."""
    tokens = np.asarray(budgets, dtype=np.float64)
    if tokens.size < 2 or (np.diff(tokens) <= 0).any():
        raise ValueError(f"budgets are {tokens.tolist()}; needed: two or more that strictly increase")
    weights = np.zeros(tokens.size)
    pairs = list(combinations(range(tokens.size), 2))
    for low, high in pairs:
        slope = 1 / (tokens[high] - tokens[low]) / len(pairs)
        weights[high] += slope
        weights[low] -= slope
    return weights


def steepest(budgets: ArrayLike) -> float:
    """The largest size that :func:`scaling` can have for values in [0, 1]."""
    weights = slope_weights(budgets)
    return float(weights[weights > 0].sum())
