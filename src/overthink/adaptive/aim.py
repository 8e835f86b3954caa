"""The precision target of adaptive sampling."""

from dataclasses import dataclass

DEFAULT_FACTOR = 3.0
"""Default ratio of the ends of the interval of K* at which K* counts as known."""


@dataclass(frozen=True, slots=True)
class PrecisionTarget:
    """Target precision of an interval. Exactly one of half-width and crossing is set.

    Attributes:
        half_width: Target half-width of the interval of the mean, at every rung.
        crossing: Threshold τ; K* is the smallest k at which k tries reach it, at the top rung.
        factor: Largest ratio of the ends of the interval of K*.
        max_draws: Maximum draws per question.
    """

    half_width: float | None
    crossing: float | None
    factor: float
    max_draws: int

    def __str__(self) -> str:
        if self.half_width is not None:
            return f"half-width {self.half_width:g} at every rung"
        return f"K* at {self.crossing:g} within a factor of {self.factor:g}"
