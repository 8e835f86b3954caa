"""What was planted in a simulated model, beside what was measured of it. It is no finding, and no claim rests on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from overthink.data.curve_key import CurveKey


@dataclass(frozen=True, slots=True)
class PlantedCurve:
    """The planted truth of a curve.

    Attributes:
        key: The curve.
        values: Expected value by rung, over the questions of the study; empty where it cannot be stated.
        outside: Rungs at which it is outside the band that holds at all rungs at once; None without a band.
        half_width: Half of the width of that band where it is widest; None without a band.
        holds_flat: Whether some flat line is inside that band at every rung, too.
        obstacle: Why it cannot be stated; empty where it is.
    """

    key: CurveKey
    values: Mapping[int, float] = field(default_factory=dict)
    outside: tuple[int, ...] | None = None
    half_width: float | None = None
    holds_flat: bool = False
    obstacle: str = ""
