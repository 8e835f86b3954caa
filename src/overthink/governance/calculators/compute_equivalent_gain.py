"""Compute-equivalent gain (CEG): the value of more inference in training compute, from a measured curve.

The multiple of training compute after which models of the same family, at the reference budget, score as high as
this model does with K times the budget (Davidson et al. 2023, arXiv:2312.07413). It needs no assumed exponent. Where no
model of the family scores that high, the gain is None with a reason, never extrapolated.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overthink.errors import InputError
from overthink.governance.inputs import at_least_one, positive


@dataclass(frozen=True, slots=True)
class Gain:
    """Compute-equivalent gain of K.

    Attributes:
        k: Multiple of the reference inference budget.
        gain: Multiple of training compute; None where the family's scores do not reach the score at K.
        alpha: Equivalent exponent, log(gain) / log(K); None at K = 1 or without a gain.
        reason: Reason why there is no gain.
    """

    k: float
    gain: float | None
    alpha: float | None
    reason: str | None = None


def compute_equivalent_gain(
    k: Sequence[float], score: Sequence[float], *, family_flop: Sequence[float], family_score: Sequence[float]
) -> list[Gain]:
    """The gain at each K of a measured curve.

    Args:
        k: (point,) multiples of the reference budget, rising from 1.
        score: (point,) what this model scores there.
        family_flop: (model,) training compute of models of the same family, rising.
        family_score: (model,) what they score at the reference budget, rising.

    Returns:
        Per point, the training compute at which the family (straight line on log compute) scores as high, divided by
        that at K = 1.

    Raises:
        InputError: Lengths differ, K does not rise from 1, compute or scores of the family do not rise, or the score at
            K = 1 is outside the family's.

    Example:
        >>> gains = compute_equivalent_gain([1, 10], [0.4, 0.5], family_flop=[1e22, 1e24], family_score=[0.3, 0.7])
        >>> round(gains[1].gain, 2), round(gains[1].alpha, 2)
        (3.16, 0.5)
    """
    _check(k, score, family_flop, family_score)
    logs = np.log([positive(flop, "training FLOP of the family") for flop in family_flop])
    low, high = family_score[0], family_score[-1]
    if not low <= score[0] <= high:
        raise InputError(
            f"the score at K = 1 is {score[0]:g}, outside the family's {low:g} to {high:g}; "
            "needed: models of the family that score lower and higher"
        )
    start = float(np.interp(score[0], family_score, logs))
    gains = []
    for multiple, gain_score in zip(k, score, strict=True):
        if not low <= gain_score <= high:
            reason = f"no model of the family scores {gain_score:g} at the reference budget ({low:g} to {high:g})"
            gains.append(Gain(multiple, None, None, reason))
            continue
        log_gain = float(np.interp(gain_score, family_score, logs)) - start
        gains.append(Gain(multiple, math.exp(log_gain), log_gain / math.log(multiple) if multiple > 1 else None))
    return gains


def _check(k: Sequence[float], score: Sequence[float], flop: Sequence[float], family: Sequence[float]) -> None:
    if len(k) != len(score) or len(flop) != len(family) or not len(k) or len(flop) < 2:
        raise InputError("needed: a score for every K, and at least two models of the family with a score each")
    for value in k:
        at_least_one(value, "K")
    if k[0] != 1 or not _rises(k):
        raise InputError(f"K is {', '.join(f'{value:g}' for value in k)}; needed: rising multiples from 1")
    if not (_rises(flop) and _rises(family)):
        raise InputError("compute and scores of the family do not both rise; needed: a larger model scores higher")


def _rises(values: Sequence[float]) -> bool:
    return all(earlier < later for earlier, later in itertools.pairwise(values))
