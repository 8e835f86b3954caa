"""Numbers with a fixed count of decimals, rounded as people round: half a unit goes up, by the decimal meant."""

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
