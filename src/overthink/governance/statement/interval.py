"""Interval of a quantity."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """Possible values of a quantity, given the stated ranges of unknown inputs.

    Attributes:
        low: Lower end.
        high: Upper end; infinite where it is unbounded.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval from {self.low} to {self.high} is not ordered")
