"""A quantity between two ends."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """What a quantity may be, given the stated range of what is not known.

    Attributes:
        low: Lower end.
        high: Upper end; infinite where nothing bounds it.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval from {self.low} to {self.high} is not ordered")
