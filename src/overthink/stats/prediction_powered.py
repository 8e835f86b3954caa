"""A judge's mean over all answers, corrected by the human labels of some of them.

Prediction-powered inference (Angelopoulos et al. 2023) with a tuned weight on the judge (PPI++, 2023): survey
sampling's difference estimator. For the mean of the rung,

    θ = λ·mean(judge, all questions) + mean(human - λ·judge, labelled questions)

is unbiased for the mean of human labels on all answers, for any judge and any λ, if the labels are a random sample of
the rung's answers. λ = 1 trusts the judge, λ = 0 ignores it; one λ for all rungs, the one with the smallest variance.
(One λ per rung gains nothing and spends more of 40 labels on tuning: intervals then cover up to 3 points less.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Weights
from overthink.stats.bootstrap import resampled_sums
from overthink.stats.judge_error import HumanLabels

ENOUGH = 2
"""Minimum number of labelled questions for a standard error."""


@dataclass(frozen=True, slots=True, eq=False)
class RectifiedMeans:
    """Corrected means, without intervals.

    Attributes:
        estimate: (rung,) corrected mean, which may leave [0, 1]; NaN where there are too few labels.
        values: (question, rung) influence of each question; a column's mean is its estimate. NaN where the judge
            marked no answer of the question.
        covariance: (rung, rung) of the estimates.
        power: λ, the weight of the judge; NaN where no rung could be corrected.
        n_marked: (rung,) questions that the judge marked.
        n_labelled: (rung,) questions with a human label.
    """

    estimate: NDArray[np.float64]
    values: NDArray[np.float64]
    covariance: NDArray[np.float64]
    power: float
    n_marked: NDArray[np.int64]
    n_labelled: NDArray[np.int64]


def rectify(labels: HumanLabels, weights: Weights) -> RectifiedMeans:
    """Return the judge's mean at every rung, corrected by the human labels.

    The covariance is that of the bootstrap over questions. A judge without a contradicting label has no spread to
    resample, yet may be wrong; Agresti and Min's (2005) half observation for each kind of error is added to every
    variance.

    Args:
        labels: Marks and labels.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`; shared by all rungs,
            which pairs them.

    Returns:
        The corrected means.
    """
    judge, human, marks = labels.by_question()
    has_mark, has_label = ~np.isnan(judge), ~np.isnan(human)
    enough = has_label.sum(axis=0) >= ENOUGH
    base, slope = _influence(judge, human, marks)
    power = _least_variance(base[:, enough], slope[:, enough])
    values = np.where(enough, base + power * slope, np.nan)
    n = has_label.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_marks = _resampled_means(weights, judge)
        change = _resampled_means(weights, human - power * marks)
        resampled_estimate = power * mean_marks + change
        estimate = np.where(enough, np.nansum(values, axis=0) / has_mark.sum(axis=0), np.nan)
        # Resampled means vary by (n-1)/n too little; the two half observations count as two more agreeing labels.
        shrink = np.sqrt(n / (n - 1)) * n / (n + 2)
        covariance = _covariance(resampled_estimate) * np.outer(shrink, shrink) + np.diag(1 / (n + 2.0) ** 2)
    covariance[~np.outer(enough, enough)] = np.nan
    return RectifiedMeans(estimate, values, covariance, power, has_mark.sum(axis=0), n)


def _influence(
    judge: NDArray[np.float64], human: NDArray[np.float64], marks: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return base and slope of the influence ``base + λ·slope`` of a question, (question, rung); NaN without a mark."""
    has_mark, has_label = ~np.isnan(judge), ~np.isnan(human)
    n = np.maximum(has_label.sum(axis=0), 1)
    times = has_mark.sum(axis=0) / n
    mean_human, mean_marks = (np.where(has_label, a, 0.0).sum(axis=0) / n for a in (human, marks))
    base = mean_human + times * np.where(has_label, human - mean_human, 0.0)
    slope = judge - mean_marks - times * np.where(has_label, marks - mean_marks, 0.0)
    return np.where(has_mark, base, np.nan), slope


def _least_variance(base: NDArray[np.float64], slope: NDArray[np.float64]) -> float:
    """Return the λ in [0, 1] that minimises the variance of ``base + λ·slope``, summed over rungs."""
    if not base.size:
        return float("nan")
    base, slope = (a - np.nanmean(a, axis=0) for a in (base, slope))
    squares = float(np.nansum(slope**2))
    # A judge with the same mark for every answer has no information; its weight does not matter.
    return float(np.clip(-np.nansum(base * slope) / squares, 0, 1)) if squares > 0 else 0.0


def _resampled_means(weights: Weights, cells: NDArray[np.float64]) -> NDArray[np.float64]:
    is_known = ~np.isnan(cells)
    return resampled_sums(weights, np.where(is_known, cells, 0.0)) / resampled_sums(weights, is_known)


def _covariance(resamples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance over resamples in which both columns are known."""
    is_known = ~np.isnan(resamples)
    count = np.maximum(is_known.sum(axis=0), 1)
    residuals = np.where(is_known, resamples - np.where(is_known, resamples, 0.0).sum(axis=0) / count, 0.0)
    n_pairs = np.maximum(is_known.T.astype(np.float64) @ is_known, 1)
    return np.asarray(residuals.T @ residuals / n_pairs)
