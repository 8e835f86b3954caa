"""One row of text per rung of every curve: what the page shows without scripts, and a terminal."""

from collections.abc import Sequence
from typing import NamedTuple

from overthink.present import wording
from overthink.present.curve import Curve, Rung
from overthink.present.names import ID_LIMIT, visible


class RungRow(NamedTuple):
    """A rung as text. ``finding`` is the id of the value's finding, empty where there is none."""

    axis: str
    task: str
    arm: str
    estimand: str
    level: str
    tokens: str
    value: str
    interval: str
    gates: str
    finding: str


def rung_rows(found: Sequence[Curve], limit: int = 400) -> list[RungRow]:
    """The rungs of all curves, the first ``limit`` of them."""
    return [rung_row(curve, rung) for curve in found for rung in curve.rungs][:limit]


def rung_row(curve: Curve, rung: Rung) -> RungRow:
    """One rung of one curve as text; what is unknown says so."""
    mean, attempt = rung.mean, rung.tokens.get("attempt_tokens")
    value, span = "–", "–"
    if mean is not None:
        value = wording.percent(mean.estimate) if mean.estimate is not None else "unknown"
        if mean.low is not None and mean.high is not None:
            span = f"{wording.percent(mean.low)} to {wording.percent(mean.high)}"
    failed = ", ".join(visible(gate) for gate in rung.gates_failed())
    return RungRow(
        axis=wording.axis_name(curve.axis),
        task=curve.name,
        arm=visible(curve.arm),
        estimand=visible(curve.estimand),
        level=rung.level,
        tokens=wording.tokens(attempt.estimate) if attempt and attempt.estimate is not None else "unknown",
        value=value,
        interval=span,
        gates=f"failed: {failed}" if failed else "passed" if rung.gates else "none recorded",
        finding=visible(mean.id, ID_LIMIT) if mean is not None else "",
    )
