"""Controls of the forced ladder: effect of forcing on the answer, and agreement of the answer with the thinking.

A trace that ended by itself has two answers: its own (natural), and the one after a forced close
(sham). They differ only in the forcing. A trace has two verdicts at a rung: of its thinking, and of its answer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Weights
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
