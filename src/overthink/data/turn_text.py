"""The size of the largest rise or fall of a curve, in words."""

from collections.abc import Mapping

from overthink.data.kinds import Metric
from overthink.data.number_text import fixed

TURN_WORDS: Mapping[Metric, str] = {Metric.RISE: "rise", Metric.DRAWDOWN: "fall"}
"""Words of the two sizes, by metric."""


def shown_turn_text(word: str, low: float, high: float, *, start: str, end: str) -> str:
    """Return how large a rise or fall is that is shown, and where.

    Args:
        word: "rise" or "fall".
        low: Lower end of its size, as a share; above 0.
        high: Upper end.
        start: The rung from which it goes, as text; "" where unknown.
        end: The rung to which it goes, as text.

    Example:
        >>> shown_turn_text("fall", 0.02, 0.125, start="64", end="1,024 tokens")
        'falls 2.0 to 12.5 points from 64 to 1,024 tokens'
    """
    return f"{word}s {_points(low)} to {_points(high)} points{f' from {start}' if start else ''} to {end}"


def no_turn_text(word: str, high: float, *, in_list: bool = False) -> str:
    """Return that no rise or fall is shown, and how large it may be.

    Args:
        word: "rise" or "fall".
        high: Upper end of its size, as a share.
        in_list: Whether it stands in a list whose items end in a semicolon.

    Example:
        >>> no_turn_text("rise", 0.03)
        'no rise shown; at most 3.0 points'
        >>> no_turn_text("rise", 0.03, in_list=True)
        'no rise is shown, at most 3.0 points'
    """
    return f"no {word} {'is shown,' if in_list else 'shown;'} at most {_points(high)} points"


def _points(share: float) -> str:
    return fixed(100 * share, 1)
