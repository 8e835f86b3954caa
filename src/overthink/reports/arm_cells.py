"""Cells of tables and sentences on arms: labels, differences in points, places, adjusted p-values."""

from overthink.cost.units import amount
from overthink.data.curve_key import CurveKey
from overthink.data.finding import Finding
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.tables.table import TextCell, finding_link, plain
from overthink.reports.verdicts import bare_p_value


def arm_cell(arm: CurveKey) -> TextCell:
    """Return the names of an arm and its task."""
    return plain(f"{visible(arm.arm)} · {visible(arm.task)}")


def label_text(finding: Finding) -> str:
    """Return the label of a finding."""
    return visible(finding.label or "no verdict")


def gate_text(finding: Finding) -> str:
    """Return the gates that failed; "" for none."""
    gates = ", ".join(visible(gate).replace("_", " ") for gate in finding.gates_failed)
    return f"a gate failed ({gates})" if gates else ""


def place_text(finding: Finding) -> str:
    """Return the total compute or the budget that a finding sits at, behind a comma."""
    if finding.at.total is not None:
        return f", {visible(amount(finding.at.total, finding.at.unit))}"
    return "" if finding.at.requested_tokens is None else f", {finding.at.requested_tokens:,}"


def points_text(finding: Finding) -> str:
    """Return a difference with its interval, in points."""
    number = signed_points(finding.estimate or 0.0)
    if finding.low is None or finding.high is None:
        return number
    return f"{number} ({signed_points(finding.low)} to {signed_points(finding.high)})"


def signed_points(share: float) -> str:
    """Return signed percentage points; values that round to zero are not negative."""
    return wording.points(share).replace("−0.0", "+0.0") if abs(share) < 0.0005 else wording.points(share)


def change_cell(finding: Finding | None) -> TextCell:
    """Return a difference as a cell that shows its evidence; its reason without a number."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, visible(finding.reason or "unknown", PROSE_LIMIT)),)
    return (finding_link(finding, points_text(finding)),)


def times_cell(finding: Finding | None) -> TextCell:
    """Return a ratio as a cell that shows its evidence."""
    if finding is None or finding.estimate is None:
        return plain("unknown")
    ends = "" if finding.low is None else f" ({finding.low:.2f} to {finding.high:.2f})"
    return (finding_link(finding, f"× {finding.estimate:.2f}{ends}"),)


def adjusted_text(finding: Finding) -> str:
    """Return the adjusted p-value."""
    p = None if finding.test is None else finding.test.p_adjusted
    return "–" if p is None else bare_p_value(p)
