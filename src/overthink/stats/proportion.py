"""Proportion of clustered binary outcomes, with an interval that is valid at 0 and at 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share with its interval; NaN without trials.

    Attributes:
        estimate: Successes over trials.
        low: Lower end.
        high: Upper end.
        trials: Trials counted.
        effective: Effective sample size: independent trials with the same information.
    """

    estimate: float
    low: float
    high: float
    trials: int
    effective: float


def clustered_proportion(successes: NDArray[np.int64], trials: NDArray[np.int64], *, level: float) -> Proportion:
    """Return the share of successes, with Clopper and Pearson's exact interval on the effective sample size.

    Korn and Graubard (1998). The effective sample size is p(1-p) over the variance between questions, at most the
    number of trials; where all trials agree the variance is unknown, and each question counts once. With one trial
    per question the interval is Clopper and Pearson's own.

    Args:
        successes: (question,) successes among the trials.
        trials: (question,) trials; questions without one are left out.
        level: Confidence level.

    Returns:
        The share. One question with several trials counts as one effective trial.

    Example:
        >>> share = clustered_proportion(np.array([1, 1, 1, 0]), np.array([1, 1, 1, 1]), level=0.95)
        >>> share.estimate, round(share.low, 2), round(share.high, 2)
        (0.75, 0.19, 0.99)
    """
    has_trials = trials > 0
    x, m = successes[has_trials].astype(np.float64), trials[has_trials].astype(np.float64)
    total, questions = float(m.sum()), len(m)
    if not questions:
        unknown = float("nan")
        return Proportion(unknown, unknown, unknown, 0, 0.0)
    p = float(x.sum()) / total
    residual = x - p * m
    variance = float((residual**2).sum()) / total**2
    effective = float(questions)
    if questions > 1 and 0 < p < 1:
        effective = min(p * (1 - p) / variance, total) if variance > 0 else total
    low, high = _clopper_pearson(p * effective, effective, level)
    return Proportion(p, low, high, int(total), effective)


def difference_interval(first: Proportion, second: Proportion) -> tuple[float, float]:
    """Return the interval of ``first - second`` from their intervals (Newcombe 1998; Zou and Donner 2008).

    The level is theirs. Assumes independence, which is conservative where the two are positively correlated.
    """
    d = first.estimate - second.estimate
    low = d - float(np.hypot(first.estimate - first.low, second.high - second.estimate))
    high = d + float(np.hypot(first.high - first.estimate, second.estimate - second.low))
    return low, high


def sum_low(first: Proportion, second: Proportion) -> float:
    """Return the lower limit of ``first + second``, by the same rule."""
    return first.estimate + second.estimate - float(np.hypot(first.estimate - first.low, second.estimate - second.low))


def _clopper_pearson(successes: float, trials: float, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    failures = trials - successes
    low = float(special.betaincinv(successes, failures + 1, tail)) if successes > 0 else 0.0
    high = float(special.betaincinv(successes + 1, failures, 1 - tail)) if failures > 0 else 1.0
    return low, high
