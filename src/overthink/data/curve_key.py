"""Names of a curve: what identifies it among all curves of a report."""

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
