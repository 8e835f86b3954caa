"""Intervals of changes and of curves: of mean changes question by question, and bands that hold for a curve at once.

A pointwise interval misses one rung in twenty; on a ladder of eight, one curve in four would then leave its intervals
somewhere. The band uses the distribution of the largest deviation over rungs (max-t, multiplier bootstrap), and gives
every rung the pointwise interval of :mod:`~overthink.stats.bootstrap` at the stricter level that follows.

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

from overthink.stats.bootstrap import (
    CHANGE,
    SAME,
    UNIT,
    Intervals,
    all_equal,
    equal_values_interval,
    mean_intervals,
    question_weights,
    resampled_sums,
)
from overthink.stats.multiplier_bootstrap import cluster_numbers, errors, signs, student_t, with_pseudo_units


def simultaneous_bands(
    cells: NDArray[np.float64],
    *,
    level: float,
    rng: np.random.Generator,
    clusters: object = None,
    support: tuple[float, float] = UNIT,
) -> Intervals:
    """Means over questions with a band that covers all of them at once with the given confidence.

    Where all questions agree at some rung, resampling gives no distribution for that rung; the band then uses
    Bonferroni's level, which needs no correlation.

    Args:
        cells: (question, level) numbers; NaN where unknown. For differences, pass the differences.
        level: Confidence that every mean is inside, in (0, 1).
        rng: Source of randomness.
        clusters: (question,) labels of groups to be resampled whole, such as categories; None for none.
        support: Range that the numbers cannot leave.

    Returns:
        Arrays of shape (level,), as from :func:`~overthink.stats.bootstrap.mean_intervals`. A rung known for fewer
        than two questions (or two clusters) has no band.

    Raises:
        ValueError: The cells are not a table, the confidence level is not between 0 and 1, or there is not one
            cluster label per question.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = simultaneous_bands(rng.random((50, 4)), level=0.95, rng=rng)
        >>> bool((found.low < found.estimate).all())
        True
    """
    cells = np.asarray(cells, dtype=np.float64)
    if cells.ndim != 2 or 0 in cells.shape:
        raise ValueError(f"cells has shape {cells.shape}; needed: (question, level), neither of them 0")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; needed: between 0 and 1, such as 0.95")
    labels = cluster_numbers(clusters, len(cells))
    group = np.arange(len(cells)) if labels is None else labels
    stricter = _pointwise_level(cells, group, level, rng)
    weights = question_weights(int(group.max()) + 1, rng=rng)
    intervals = mean_intervals(cells, weights if labels is None else weights[:, group], level=stricter, support=support)
    too_few = _n_known_clusters(cells, group) < 2
    return Intervals(
        estimate=intervals.estimate,
        low=np.where(too_few, np.nan, intervals.low),
        high=np.where(too_few, np.nan, intervals.high),
        error=np.where(too_few, np.nan, intervals.error),
        n_questions=intervals.n_questions,
    )


def _pointwise_level(
    cells: NDArray[np.float64], group: NDArray[np.int64], level: float, rng: np.random.Generator
) -> float:
    """The pointwise level at which all intervals hold simultaneously at the requested level."""
    is_known = ~np.isnan(cells)
    n, n_groups = is_known.sum(axis=0), _n_known_clusters(cells, group)
    usable = n_groups > 1
    if not usable.any():
        return level
    mean = np.where(is_known, cells, 0.0).sum(axis=0) / np.maximum(n, 1)
    residual = np.where(is_known, cells - mean, 0.0)
    residual[np.abs(residual) <= SAME] = 0.0
    cluster_sums = np.zeros((int(group.max()) + 1, cells.shape[1]))
    np.add.at(cluster_sums, group, residual)
    norm = np.sqrt((cluster_sums**2).sum(axis=0))
    bonferroni = 1 - (1 - level) / int(usable.sum())
    if (norm[usable] == 0).any():
        return bonferroni
    standardised_sums = cluster_sums[:, usable] / norm[usable]
    deviations = np.abs(resampled_sums(signs(len(standardised_sums), rng=rng), standardised_sums))
    worst = _largest_level(deviations, n[usable], n_groups[usable])
    mirrored = np.concatenate([worst, worst])  # a mirror image deviates as far
    return float(np.clip(np.quantile(mirrored, level), level, bonferroni))


def _largest_level(
    deviations: NDArray[np.float64], n: NDArray[np.int64], n_groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The largest of the levels at which each deviation lies on the edge of its pointwise interval, (resample,)."""
    worst = np.zeros(len(deviations))
    # Where as many questions and clusters are known, the level rises with the deviation: the largest is enough.
    for n_known, n_units in np.unique(np.stack([n, n_groups]), axis=1).T.tolist():
        alike = (n == n_known) & (n_groups == n_units)
        # The bootstrap's error of few clusters is too small by (clusters-1)/clusters; Student's t puts that right.
        correction = np.sqrt(n_units / (n_units - 1) * (n_known - 1) / n_known)
        t = student_t(deviations[:, alike].max(axis=1), n_units) * correction
        worst = np.maximum(worst, 2 * special.stdtr(n_known - 1, t) - 1)
    return worst


def _n_known_clusters(cells: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clusters with at least one question known, per level."""
    n_known = np.zeros((int(group.max()) + 1, cells.shape[1]), dtype=np.int64)
    np.add.at(n_known, group, ~np.isnan(cells))
    return np.asarray((n_known > 0).sum(axis=0))


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
