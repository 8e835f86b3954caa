"""Compute-equivalent gain (CEG): the value of more inference in training compute, from a measured curve.

The multiple of training compute after which models of the same family, at the reference budget, score as high as this
model does with K times the budget (Davidson et al. 2023, arXiv:2312.07413). It needs no assumed exponent. Where no
model of the family scores that high, the gain is None with a reason, never extrapolated.

Published exponents of inference against training, each with the largest K for which its source states it.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from overthink.errors import InputError
from overthink.governance.inputs import Range, at_least_one, positive


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


class Exponent(NamedTuple):
    """A published or bounding exponent, with its source, domain, and the largest K that the source states it for.

    ``k_to`` is 1 where the source states no K: at K = 1 every exponent gives the training compute itself.
    """

    alpha: float
    source: str
    holds_for: str
    k_to: float
    is_of_one_domain: bool = False

    def holds_at(self, k: float) -> bool:
        """Return whether K is inside the range of the source."""
        return k <= self.k_to


HEX_K = 10**1.2

STATED_EXPONENTS = (
    Exponent(0.0, "lower bound: more inference adds nothing", "knowledge tasks", 1, is_of_one_domain=True),
    Exponent(0.5, "Epoch AI, lower end: two orders of magnitude of inference for one of training", "K up to 100", 100),
    Exponent(
        1 / 1.2,
        "Jones 2021: 10× training = 15.8× inference (1/1.2)",
        "the board game Hex",
        HEX_K,
        is_of_one_domain=True,
    ),
    Exponent(1.0, "Epoch AI, upper end and bound: one order of inference for one of training", "K up to 10", 10),
)
"""Stated exponents with their sources, in order."""


def published_ends(alpha: Range, k: float) -> tuple[float, float] | None:
    """Return the lowest and highest published exponent of the range that holds at K; None where none does.

    An exponent of one domain is in the table only, since the domain of the user's tasks is not stated.
    """
    usable = [
        entry.alpha
        for entry in STATED_EXPONENTS
        if alpha.low <= entry.alpha <= alpha.high and entry.holds_at(k) and not entry.is_of_one_domain
    ]
    return (min(usable), max(usable)) if usable else None


def covers(alpha: float, k: float) -> bool:
    """Return whether a source that holds for any task states the exponent at K."""
    return any(entry.alpha == alpha and entry.holds_at(k) and not entry.is_of_one_domain for entry in STATED_EXPONENTS)


def largest_words() -> str:
    """Return the ranges of the exponents that are published for any task, as text."""
    stated = [entry for entry in STATED_EXPONENTS if not entry.is_of_one_domain]
    return ", ".join(f"α = {entry.alpha:g} up to K = {entry.k_to:g}" for entry in stated)


def assumption_warnings(ends: tuple[float, float], k: float, *, is_explicit: bool) -> list[str]:
    """Return a warning where the user's own exponents go beyond every source at K."""
    if not is_explicit or published_ends(Range(*ends), k) == ends:
        return []
    words = f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"
    return [f"α = {words} at K = {k:g} is your assumption; published for any task: {largest_words()}"]
