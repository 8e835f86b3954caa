"""Numbers as text, rounded as people round (half a unit goes up), with nouns; and shares freed of rounding errors."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

_MEANT = 12
"""Decimals of a number that count; beyond them is what binary arithmetic leaves behind."""


def fixed(number: float, decimals: int, *, sign: bool = False) -> str:
    """Return a finite number with thousands separated.

    Args:
        number: The number.
        decimals: Decimals to show.
        sign: Whether a positive number has its sign.

    Example:
        >>> fixed(100 * 0.0375, 1), fixed(3.85, 1), fixed(-0.25, 1, sign=True), fixed(1234.5, 0)
        ('3.8', '3.9', '-0.3', '1,235')
    """
    exact = Decimal(repr(round(float(number), _MEANT)))
    shown = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP) if abs(exact) < _HUGE else exact
    return f"{shown:{'+' if sign else ''},f}"


_HUGE = Decimal(10) ** 15
"""From here on a float has no decimals to round."""


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "draw"), count(2000, "draw")
    ('1 draw', '2,000 draws')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def number_range(numbers: Iterable[int], noun: str) -> str:
    """Return one number with its noun, or the least and the most of several.

    >>> number_range([12, 12], "question"), number_range([1, 4], "draw")
    ('12 questions', '1 to 4 draws')
    """
    values = sorted(set(numbers))
    return count(values[0], noun) if len(values) == 1 else f"{values[0]:,} to {count(values[-1], noun)}"


TOLERANCE = 1e-9
"""How far outside [0, 1] a sum of weights may fall by rounding."""


def rounded_share(value: float) -> float:
    """Return 0 or 1 for a value that rounding moved beyond it by at most :data:`TOLERANCE`; any other as it is.

    Example:
        >>> rounded_share(1.0000000000000002), rounded_share(-1e-17), rounded_share(1.1), rounded_share(0.7)
        (1.0, 0.0, 1.1, 0.7)
    """
    if -TOLERANCE <= value < 0:
        return 0.0
    return 1.0 if 1 < value <= 1 + TOLERANCE else value
