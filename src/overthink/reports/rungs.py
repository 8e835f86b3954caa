"""One text row per rung of every curve, for the page without scripts and the terminal."""

from collections.abc import Sequence
from typing import NamedTuple

from overthink.reports import wording
from overthink.reports.curve import ReportCurve, ReportRung
from overthink.reports.names import ID_LIMIT, visible


class RungRow(NamedTuple):
    """A rung as text. ``finding`` is the id of the value's finding, empty if there is none."""

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


def rung_rows(curves: Sequence[ReportCurve], limit: int = 400) -> list[RungRow]:
    """Return the first ``limit`` rungs of all curves as rows."""
    return [rung_row(curve, rung) for curve in curves for rung in curve.rungs][:limit]


def rung_row(curve: ReportCurve, rung: ReportRung) -> RungRow:
    """Return one rung of one curve as text, with "unknown" for missing values."""
    mean, attempt = rung.mean, rung.tokens.get("attempt_tokens")
    value, span = "–", "–"
    if mean is not None:
        value = wording.percent(mean.estimate) if mean.estimate is not None else "unknown"
        if mean.low is not None and mean.high is not None:
            span = f"{wording.percent(mean.low)} to {wording.percent(mean.high)}"
    gates = ", ".join(visible(gate) for gate in rung.gates_failed())
    return RungRow(
        axis=wording.axis_name(curve.axis),
        task=curve.name,
        arm=visible(curve.arm),
        estimand=visible(curve.estimand),
        level=rung.level,
        tokens=wording.tokens(attempt.estimate) if attempt and attempt.estimate is not None else "unknown",
        value=value,
        interval=span,
        gates=f"failed: {gates}" if gates else "passed" if rung.gates else "none recorded",
        finding=visible(mean.id, ID_LIMIT) if mean is not None else "",
    )
