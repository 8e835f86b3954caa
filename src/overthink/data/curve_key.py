"""Names of a curve, which identify it among all curves of a report; and the truth planted in a simulated one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from overthink.data.record import ON_TRACE, Estimand

CONTROL_ESTIMANDS = (Estimand.SHAM, Estimand.TRUNCATED, Estimand.NATURAL, Estimand.RESAMPLED)
"""Estimands of controls: other readings of the traces of a task's own curve."""


class CurveKey(NamedTuple):
    """The names of one curve, in the order in which curves are sorted.

    Attributes:
        axis: Meaning of a value of 1.
        task: Task name.
        arm: Label of the arm.
        scorer: Scorer of the answers, or of the thinking.
        estimand: Effect of a budget on the trace.

    Example:
        >>> key = CurveKey("safety", "secrets", "base", "refusal", "forced")
        >>> key.is_control, key._replace(estimand="sham").is_control
        (False, True)
    """

    axis: str
    task: str
    arm: str
    scorer: str
    estimand: str

    @property
    def judges_thinking(self) -> bool:
        """Whether the scorer read the thinking instead of the answer."""
        return self.scorer.endswith(ON_TRACE)

    @property
    def is_control(self) -> bool:
        """Whether the curve is a control: another reading of the same traces."""
        return self.estimand in CONTROL_ESTIMANDS or self.judges_thinking


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
