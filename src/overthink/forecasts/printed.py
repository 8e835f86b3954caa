"""Shares as they are printed, and what they leave open at other numbers of tries.

".2 %" is any share from .15 % to .25 %. Over the same questions the share at k tries is the mean of 1 - (1-p)^k, linear
in how the chances p are distributed. So the range that printed shares allow at another k is a linear program over all
distributions; no family of distributions is assumed, and attempts are taken as independent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import optimize, special

from overthink.data.arrays import Array

NUMBER = re.compile(r"\s*(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?\s*(%?)\s*")
"""Digits, decimals, exponent and percent sign; JSON writes shares below a ten-thousandth with an exponent."""

POINTS = special.expit(np.linspace(-30.0, 15.0, 2251))
"""Chances whose mixtures stand for all distributions, 0 and 1 added: within 2 % of each other in odds."""
ROUNDING = 1e-9
"""Tolerance of the linear program, as a share."""

NO_DISTRIBUTION = (
    "no distribution of chances between questions gives the shares {shares}; needed: shares of independent tries on "
    "the same questions, each as it was printed"
)


@dataclass(frozen=True, slots=True)
class PrintedShare:
    """A share that was rounded for print.

    Attributes:
        low: Smallest share that is printed so.
        high: Largest share that is printed so.
        text: The share as it was printed.
    """

    low: float
    high: float
    text: str


def printed_share(text: str) -> PrintedShare:
    """Return the shares that a printed one may stand for: half a unit of its last digit to either side, within [0, 1].

    Args:
        text: A percentage with a sign, or a share without one; an exponent moves its last digit.

    Raises:
        ValueError: The text is no share, or beyond 100 %.

    Example:
        >>> share = printed_share(".2 %")
        >>> share.low, share.high
        (0.0015, 0.0025)
        >>> printed_share("0.20").high, printed_share("2e-05").high
        (0.205, 2.5e-05)
    """
    match = NUMBER.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise ValueError(f"{text!r} is no printed share; needed: a percentage as 0.2%, or a share as 0.002")
    whole, decimals, exponent, percent = match[1] or "0", match[2] or "", match[3] or "0", match[4]
    unit = Fraction(10) ** (int(exponent) - len(decimals)) / (100 if percent else 1)
    value = int(whole + decimals) * unit
    if value > 1:
        raise ValueError(f"{text!r} is more than all; needed: at most 100%, or a share of at most 1")
    low, high = max(value - unit / 2, Fraction(0)), min(value + unit / 2, Fraction(1))
    return PrintedShare(float(low), float(high), text.strip())


def printed_band(shares: Mapping[int, PrintedShare], k: Sequence[int]) -> tuple[Array, Array]:
    """Return the lowest and the highest share at each k that the printed shares allow, (k,) each.

    Args:
        shares: The printed share at each number of tries; one or more.
        k: Tries.

    Raises:
        ValueError: No distribution of chances gives these shares.

    Example:
        >>> low, high = printed_band({1: printed_share(".2 %")}, [100])
        >>> high.round(3).tolist()
        [0.221]
    """
    low, high = (np.array([printed_end(shares, tries, highest=end) for tries in k]) for end in (False, True))
    return low, high


def printed_end(shares: Mapping[int, PrintedShare], tries: int, *, highest: bool) -> float:
    """Return one end of :func:`printed_band` at one number of tries.

    Args:
        shares: The printed share at each number of tries; one or more.
        tries: The number of tries.
        highest: Whether it is the highest share that the printed ones allow, or the lowest.

    Raises:
        ValueError: No distribution of chances gives these shares.
    """
    chances = np.concatenate([[0.0], POINTS, [1.0]])
    rows = np.stack([_hit(chances, tries) for tries in shares])
    limits = np.concatenate([[share.high for share in shares.values()], [-share.low for share in shares.values()]])
    sign = -1.0 if highest else 1.0
    solution = optimize.linprog(
        sign * _hit(chances, tries),
        A_ub=np.concatenate([rows, -rows]),
        b_ub=limits + ROUNDING,
        A_eq=np.ones((1, len(chances))),
        b_eq=[1.0],
        method="highs",
    )
    if solution.fun is None:
        raise ValueError(NO_DISTRIBUTION.format(shares=", ".join(f"{s.text} at k = {n:,}" for n, s in shares.items())))
    return float(np.clip(sign * float(solution.fun), 0.0, 1.0))


def _hit(chances: Array, tries: int) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(tries * np.log1p(-chances)))
