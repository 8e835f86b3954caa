"""Intervals of mean changes: values of two rungs or two arms, subtracted question by question.

Near 0 and 1 few questions change, and those change by much. A sample that holds too few of them shows a small change
with a small standard error: a rise in harm from .02 to .10 was outside Student's interval in 6 to 18 % of studies, on
the side that understates it (``python -m calibration --only differences``). Two pseudo-questions that changed in
opposite directions stand for what was not seen (:func:`~overthink.stats.multiplier_bootstrap.with_pseudo_units`); the
mean is that of the questions alone. Where all changes are small, the interval is wider than it had to be. Nothing is
resampled: equal values give equal intervals.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.stats.bootstrap import CHANGE, Intervals, all_equal, equal_values_interval
from overthink.stats.multiplier_bootstrap import errors, with_pseudo_units

N_PSEUDO = 2
"""Pseudo-questions that are added to those of the study."""


def change_intervals(changes: NDArray[np.float64], *, level: float) -> Intervals:
    """The mean change over questions, cell by cell, with Student's interval.

    Where all questions changed alike there is no spread; the interval is then exact, as that of
    :func:`~overthink.stats.bootstrap.mean_intervals`.

    Args:
        changes: (question, ...) one change in [-1, 1] per question and cell; NaN where unknown.
        level: Confidence level, in (0, 1).

    Returns:
        Arrays of shape (...). The standard error counts the pseudo-questions, so it is above 0 without any change. A
        cell known for one question has no interval.

    Example:
        >>> changes = np.array([[0.0]] * 28 + [[1.0]] * 2)
        >>> found = change_intervals(changes, level=0.95)
        >>> bool(found.low[0] < 0 < found.estimate[0] < found.high[0])
        True
    """
    flat = changes.reshape(len(changes), -1)
    is_known = ~np.isnan(flat)
    n = is_known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        estimate = np.where(is_known, flat, 0.0).sum(axis=0) / np.where(n > 0, n, np.nan)
    error = np.full(len(n), np.nan)
    for cell in np.flatnonzero(n > 1):
        parts = flat[is_known[:, cell], cell, None] / n[cell]
        error[cell] = errors(with_pseudo_units(parts))[0]
    half = special.stdtrit(n + N_PSEUDO - 1, (1 + level) / 2) * error
    exact_low, exact_high = equal_values_interval(estimate, n, level, CHANGE)
    alike = all_equal(flat, is_known) & (n > 1)
    shape = changes.shape[1:]
    return Intervals(
        estimate=estimate.reshape(shape),
        low=np.where(alike, exact_low, np.maximum(estimate - half, CHANGE[0])).reshape(shape),
        high=np.where(alike, exact_high, np.minimum(estimate + half, CHANGE[1])).reshape(shape),
        error=error.reshape(shape),
        n_questions=n.reshape(shape),
    )


def p_changed(changes: NDArray[np.float64], intervals: Intervals) -> NDArray[np.float64]:
    """The two-sided p-value of no change: 1 - the level at which the interval just reaches 0.

    Where all questions changed by the same amount there is no spread; the p-value is then the sign test's, 2·½ⁿ.

    Args:
        changes: (question, ...) as for :func:`change_intervals`.
        intervals: Its result.

    Returns:
        Array of shape (...); NaN with fewer than two questions.
    """
    estimate, n = intervals.estimate, intervals.n_questions
    with np.errstate(invalid="ignore"):
        p = 2 * special.stdtr(n + N_PSEUDO - 1, -np.abs(estimate) / intervals.error)
    flat = changes.reshape(len(changes), -1)
    alike = all_equal(flat, ~np.isnan(flat)).reshape(n.shape)
    sign_test_p = np.where(estimate == 0, 1.0, np.minimum(2 * 0.5 ** n.astype(np.float64), 1.0))
    return np.asarray(np.where(n < 2, np.nan, np.where(alike, sign_test_p, p)))
