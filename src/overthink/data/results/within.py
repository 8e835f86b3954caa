"""Results about traces that are cut at a limit afterwards."""

from dataclasses import dataclass

from overthink.data.finding import At, Finding


@dataclass(frozen=True, slots=True, eq=False)
class WithinResult:
    """What a cap would have kept of the traces of one rung. It is no curve of a budget.

    Attributes:
        at: The rung whose traces are cut; at a checkpoint curve the cap is the rung itself.
        points: Share kept by limit, lowest first; ``at.total`` is the limit in ``at.unit``. Never falls.
    """

    at: At
    points: tuple[Finding, ...]
