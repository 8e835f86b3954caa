"""Rounding errors of shares: a rubric's weights may add up to 1.0000000000000002, which is 1."""

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
