"""Accuracy of a judge of two answers, and the share of the gap from a weak judge to a strong one that is recovered.

A judge leans to the first place or to the second. So a pair of answers is judged in both orders, and both together are
one unit: their mean is the pair's value, whatever the lean.

PGR = (protocol - weak)/(strong - weak), a quotient of two paired differences, with Fieller's interval (1954): all θ
for which the mean of protocol - weak - θ(strong - weak) is not shown to differ from 0. It is bounded just where the
gap's own interval leaves out 0. Where it holds 0 the quotient may be anything, so that none is given. ControlArena's
scaled usefulness is the same quotient, of a protocol between the trusted and the untrusted model alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from overthink.data.arrays import Array
from overthink.data.parameters import real_array
from overthink.data.phrases import Phrase, Reason
from overthink.stats.curve import question_means
from overthink.stats.multiplier_bootstrap import errors, with_pseudo_units
from overthink.stats.oversight.scores import UNKNOWN, IntervalEstimate, confidence
from overthink.stats.paired import paired_mean

FIELLER = "Fieller, paired by question"

NO_GAP = Phrase("the interval of the gap from weak to strong holds 0: the share is undefined, its interval unbounded")
REVERSED = Phrase("the strong side is shown to be worse than the weak: there is no gap to recover")
NOT_ABOVE = Phrase("strong is not above weak: there is no gap to recover")
ALONE = Phrase("one number per side has no error: an interval needs values by question")
FEW = Phrase("fewer than two questions are known on all three sides")
FEW_PAIRS = Reason("fewer than two pairs of answers were judged in both orders")


@dataclass(frozen=True, slots=True)
class JudgeAccuracy(IntervalEstimate):
    """Accuracy of a judge over pairs of answers, each in both orders.

    Attributes:
        p: Two-sided p-value of chance: 1 - the level at which the interval just reaches it.
        n_pairs: Pairs with a verdict in both orders.
    """

    p: float
    n_pairs: int


def swap_average(right: ArrayLike) -> Array:
    """Return the accuracy on each pair of answers: the mean of both orders, each the mean of its draws.

    Args:
        right: (pair, order, draw) 1 where the verdict is right, 0 where not, NaN where unknown; two orders.

    Returns:
        (pair,); NaN where an order has no verdict.

    Raises:
        ValueError: There are not two orders.

    Example:
        >>> swap_average([[[1, 1], [0, 1]], [[1, 1], [np.nan, np.nan]]]).tolist()
        [0.75, nan]
    """
    table = real_array(right, "right")
    if table.ndim != 3 or table.shape[1] != 2:
        raise ValueError(f"right has shape {table.shape}; needed: (pair, order, draw) with two orders")
    return np.asarray(question_means(table.transpose(0, 2, 1)).mean(axis=1))


def judge_accuracy(right: ArrayLike, *, chance: float = 0.5, level: float = 0.95) -> JudgeAccuracy:
    """Return the accuracy of a judge, its pairs as units, with a test against chance.

    Args:
        right: As for :func:`swap_average`.
        chance: Accuracy of a judge that guesses.
        level: Confidence level.

    Raises:
        ValueError: There are not two orders.

    Example:
        >>> leans = judge_accuracy([[[1], [0]]] * 40)
        >>> leans.estimate, leans.n_pairs, leans.p
        (0.5, 40, 1.0)
    """
    scale = max(chance, 1 - chance)
    found = paired_mean((swap_average(right) - chance) / scale, level=confidence(level), margin=0.05)
    estimate, low, high = (chance + scale * end for end in (found.estimate, found.low, found.high))
    reason = None if found.n_questions > 1 else FEW_PAIRS
    return JudgeAccuracy(estimate, max(low, 0.0), min(high, 1.0), found.method, reason, found.p, found.n_questions)


@dataclass(frozen=True, slots=True)
class GapRecovered(IntervalEstimate):
    """Share of a gap that a protocol recovers.

    Attributes:
        gap: Strong minus weak.
        gap_low: Lower end of its interval, from the same errors, cut at -1 and 1.
        gap_high: Upper end.
        gain: Protocol minus weak.
        is_bounded: Whether Fieller's interval is bounded.
        n_questions: Questions known on all three sides.
    """

    gap: float
    gap_low: float
    gap_high: float
    gain: float
    is_bounded: bool
    n_questions: int


def performance_gap_recovered(
    weak: ArrayLike, strong: ArrayLike, protocol: ArrayLike, *, level: float = 0.95
) -> GapRecovered:
    """Return the share of the gap between a weak and a strong overseer that a protocol recovers.

    Args:
        weak: (question,) or (question, draw) values in [0, 1] of the weak side, such as a judge alone; NaN where
            unknown. A single number has an estimate without an interval.
        strong: The same questions, of the strong side.
        protocol: The same questions, of the protocol.
        level: Confidence level.

    Returns:
        The share with Fieller's interval. Where the interval of the gap holds 0 all three are NaN, ``is_bounded`` is
        False, and the reason says so.

    Raises:
        TypeError: Values are no numbers.
        ValueError: The questions differ in number, or a value lies outside [0, 1].

    Example:
        >>> round(performance_gap_recovered(0.60, 0.90, 0.75).estimate, 2)
        0.5
        >>> weak, strong, protocol = ([1] * k + [0] * (200 - k) for k in (120, 180, 150))
        >>> found = performance_gap_recovered(weak, strong, protocol)
        >>> round(found.estimate, 2), round(found.low, 2), round(found.high, 2)
        (0.5, 0.36, 0.64)
    """
    level = confidence(level)
    sides = [_values(side, name) for side, name in ((weak, "weak"), (strong, "strong"), (protocol, "protocol"))]
    if len({len(side) for side in sides}) > 1:
        sizes = [len(side) for side in sides]
        raise ValueError(f"weak, strong and protocol have {sizes} questions; needed: the same questions on all sides")
    has_all = ~np.isnan(np.stack(sides)).any(axis=0)
    low_side, high_side, middle = (side[has_all] for side in sides)
    n = int(has_all.sum())
    if not n:
        return GapRecovered(UNKNOWN, UNKNOWN, UNKNOWN, "none", FEW, *(UNKNOWN,) * 4, False, 0)
    parts = np.stack([middle - low_side, high_side - low_side], axis=1) / n
    gain, gap = (float(item) for item in parts.sum(axis=0))
    if n < 2:
        share, reason = (gain / gap, ALONE if np.ndim(weak) == 0 else FEW) if gap > 0 else (UNKNOWN, NOT_ABOVE)
        return GapRecovered(share, UNKNOWN, UNKNOWN, "none", reason, gap, UNKNOWN, UNKNOWN, gain, False, n)
    quantile = float(special.stdtrit(n - 1, (1 + level) / 2))
    variances = errors(with_pseudo_units(parts)) ** 2
    covariance = float(np.cov(parts.T)[0, 1]) * n
    half = quantile * float(np.sqrt(variances[1]))
    ends = (gap, max(gap - half, -1.0), min(gap + half, 1.0), gain)
    if gap - half <= 0:
        reason = REVERSED if gap + half < 0 else NO_GAP
        return GapRecovered(UNKNOWN, UNKNOWN, UNKNOWN, "none", reason, *ends, False, n)
    low, high = _fieller(gain, gap, quantile**2 * np.array([variances[0], variances[1], covariance]))
    return GapRecovered(gain / gap, low, high, FIELLER, None, *ends, True, n)


def _values(side: ArrayLike, name: str) -> Array:
    """Values of one side, (question,)."""
    table = real_array(side, name)
    if table.ndim > 2:
        raise ValueError(f"{name} has shape {table.shape}; needed: (question,) or (question, draw)")
    if ((table < 0) | (table > 1)).any():
        raise ValueError(f"{name} has a value outside [0, 1]")
    return question_means(table[:, :, None])[:, 0] if table.ndim == 2 else np.atleast_1d(table)


def _fieller(gain: float, gap: float, variances_in_quantiles: Array) -> tuple[float, float]:
    """Roots of (gain - θ gap)² = quantile² × variance(gain - θ gap).

    Args:
        gain: Numerator.
        gap: Denominator, farther from 0 than its interval reaches.
        variances_in_quantiles: Variance of either and their covariance, times the quantile's square.
    """
    of_gain, of_gap, of_both = (float(item) for item in variances_in_quantiles)
    square, middle = gap**2 - of_gap, gain * gap - of_both
    root = np.sqrt(max(middle**2 - square * (gain**2 - of_gain), 0.0))
    return float((middle - root) / square), float((middle + root) / square)
