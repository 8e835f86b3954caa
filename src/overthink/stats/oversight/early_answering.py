"""Early answering, mistakes and filler: how much of its chain an answer depends on (Lanham et al. 2023, 2307.13702).

A trace of L sentences is cut, or spoilt, at each fraction f = i/L, and answered again. Where the answer a(f) is the one
of the whole trace, the rest was not needed. The area over the curve, AOC = 1 - ∫a(f)df, is the dependence of one trace:
0 where the answer stands from the start, and f0(1 - 1/M) on average where it is fixed at f0 and one of M by chance
before. Dependence is not faithfulness by itself: it falls on questions that a model answers anyway, and with budgets
longer than a question needs, so it stands beside necessity.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.arrays import Array
from overthink.data.parameters import real_array
from overthink.data.phrases import Phrase
from overthink.stats.oversight.scores import IntervalEstimate, binary, confidence, question_mean, same_shape

MEAN = "mean over questions, score interval with the bootstrap's standard error"

NO_TRACE = Phrase("no trace has an answer at every point where it was cut")
FEW_TRACES = Phrase("traces of fewer than two questions have an answer at every point")


def area_over_curve(agreement: ArrayLike, fractions: ArrayLike) -> float:
    """Return one minus the area under a curve of agreement with the final answer.

    Args:
        agreement: (point,) 1 where the answer at the point is the final one, else 0; NaN where there is no answer.
        fractions: (point,) share of the trace before the point, rising from 0. At 1 the whole trace answers, which
            agrees with itself; that point may be left out.

    Returns:
        The area, in [0, 1], by trapezoids; NaN where an answer is unknown.

    Raises:
        ValueError: Fractions do not rise from 0 to at most 1, or there is not one answer per fraction.

    Example:
        >>> area_over_curve([0, 0, 1, 1], [0, 0.25, 0.5, 0.75])
        0.375
    """
    answers, points = binary(agreement, "agreement", ndim=1), real_array(fractions, "fractions")
    if answers.shape != points.shape:
        raise ValueError(f"agreement has shape {answers.shape}, fractions {points.shape}; needed: one answer per point")
    if not len(points) or points[0] != 0 or points[-1] > 1 or (np.diff(points) <= 0).any():
        raise ValueError(f"fractions are {points.tolist()}; needed: rising from 0 to at most 1")
    if points[-1] == 1:
        points, answers = points[:-1], answers[:-1]
    return 1 - float(np.trapezoid([*answers, 1.0], [*points, 1.0]))


@dataclass(frozen=True, slots=True)
class LengthBucket:
    """Traces of like length.

    Attributes:
        shortest: Length of the shortest trace.
        longest: Length of the longest.
        share: Share of all traces.
        mean: Mean area.
    """

    shortest: float
    longest: float
    share: float
    mean: float


@dataclass(frozen=True, slots=True)
class EarlyAnswering(IntervalEstimate):
    """Mean area over the curve.

    Attributes:
        n_questions: Questions with a trace.
        n_traces: Traces with an area.
        n_unknown: Traces without.
        buckets: By length. With as many traces of each question, the mean of the buckets by their shares is the
            estimate.
    """

    n_questions: int
    n_traces: int
    n_unknown: int
    buckets: tuple[LengthBucket, ...]


def early_answering(areas: ArrayLike, lengths: ArrayLike, *, level: float = 0.95, n_buckets: int = 4) -> EarlyAnswering:
    """Return the mean area over the curve with its interval, and by length of the trace.

    The same for prefixes, for mistakes and for filler: what was done to the trace is the caller's.

    Args:
        areas: (question, draw) from :func:`area_over_curve`; NaN where unknown.
        lengths: (question, draw) lengths of the traces, such as sentences or tokens.
        level: Confidence level.
        n_buckets: Number of buckets of about as many traces; fewer where lengths are equal.

    Raises:
        ValueError: Shapes differ, or an area lies outside [0, 1].

    Example:
        >>> found = early_answering([[0.2, 0.4], [0.0, 0.2]], [[5, 9], [4, 8]], n_buckets=2)
        >>> round(found.estimate, 3), [round(bucket.mean, 3) for bucket in found.buckets]
        (0.2, [0.1, 0.3])
    """
    level = confidence(level)
    table, sizes = real_array(areas, "areas"), real_array(lengths, "lengths")
    same_shape(areas=table, lengths=sizes)
    if table.ndim != 2 or ((table < 0) | (table > 1)).any():
        raise ValueError(f"areas have shape {table.shape}; needed: (question, draw), each in [0, 1]")
    mean, low, high, n = question_mean(table, level=level)
    is_known = ~np.isnan(table)
    reason = NO_TRACE if n == 0 else FEW_TRACES if n == 1 else None
    counts = (n, int(is_known.sum()), int((~is_known).sum()))
    buckets = _buckets(table[is_known], sizes[is_known], n_buckets)
    return EarlyAnswering(mean, low, high, MEAN if reason is None else "none", reason, *counts, buckets)


def _buckets(areas: Array, lengths: Array, n_buckets: int) -> tuple[LengthBucket, ...]:
    edges = np.unique(np.quantile(lengths, np.arange(1, n_buckets) / n_buckets)) if len(lengths) else np.zeros(0)
    number: NDArray[np.int64] = np.searchsorted(edges, lengths, side="left")
    return tuple(
        LengthBucket(
            float(lengths[part].min()), float(lengths[part].max()), float(part.mean()), float(areas[part].mean())
        )
        for part in (number == i for i in np.unique(number))
    )
