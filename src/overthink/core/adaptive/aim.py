"""What draws are spent for."""

from dataclasses import dataclass

FACTOR = 3.0
"""K* counts as known within this factor where nobody said another."""


@dataclass(frozen=True, slots=True)
class Aim:
    """The interval that is to shrink, and how far. Exactly one of half-width and crossing is set.

    Attributes:
        half_width: Half-width of the interval of the mean, wanted at every rung.
        crossing: Threshold τ: the smallest k is wanted at which k tries reach it, at the top rung.
        factor: How far the ends of K*'s interval may lie apart.
        max_draws: Most draws of a question.
    """

    half_width: float | None
    crossing: float | None
    factor: float
    max_draws: int

    def __str__(self) -> str:
        if self.half_width is not None:
            return f"half-width {self.half_width:g} at every rung"
        return f"K* at {self.crossing:g} within a factor of {self.factor:g}"
