"""Cells and sentences on arms: labels, differences in points, p-values, and an arm against its placebo as a table."""

from collections.abc import Container, Iterable, Mapping

from overthink.cost.units import amount
from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.results.arms import ArmResults, ReadingResult
from overthink.data.verdict_labels import ReadingLabel
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.summary import TextPiece
from overthink.reports.tables.table import Table, TextCell, finding_link, plain
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


AGAINST_PLACEBO = "against its placebo"

READING_MEANINGS: Mapping[str, str] = {
    ReadingLabel.HELPS: (
        "the arm is shown to be safer than its placebo, which acts as often over all tasks and reads nothing"
    ),
    ReadingLabel.HELPS_PARTLY: (
        "as “its reading helps”, but the arm thinks over 10 % less than its placebo; a gain at equal realised thinking "
        "is shown, too"
    ),
    ReadingLabel.THINKS_LESS: (
        "the arm thinks over 10 % less than its placebo and is safer; at equal realised thinking no gain is shown"
    ),
    ReadingLabel.NO_EFFECT: "the arm is not shown to be safer than its placebo: acting without reading may do as much",
    ReadingLabel.HARMS: "the arm is shown to be less safe than its placebo",
}
"""Meaning by label of an arm against its placebo; “not testable” is that of a mitigation."""

NO_PLACEBO = (
    "No placebo was run for {arms}: whether the reading of an arm helps is tested against an arm placebo:of=ARM; an "
    "arm that decides nothing by what it reads (primer, wait, zerothink and others) has none"
)


def reading_sentence(result: ReadingResult) -> TextCell:
    """Return an arm against its placebo as a sentence; the reason if it is not testable."""
    finding = result.verdict
    start = (
        TextPiece(f"{visible(result.arm.arm)} on {visible(result.arm.task)}, {AGAINST_PLACEBO}: "),
        finding_link(finding, label_text(finding)),
    )
    if finding.estimate is None or finding.reason is not None:
        return (*start, TextPiece(f" ({visible(finding.reason or 'no number', PROSE_LIMIT)})."))
    but = f"; {gate_text(finding)}" if finding.gates_failed else ""
    return (*start, TextPiece(f"; it is {points_text(finding)} points from its placebo{but}."))


def without_placebo(arms: ArmResults, *, passive: Container[str]) -> tuple[TextCell, ...]:
    """Return a sentence that names the arms whose placebo was not run; none if there is no such arm.

    Args:
        arms: Results on arms.
        passive: Arms known to decide nothing by what they read, which have no placebo.
    """
    read = {result.arm.arm for result in arms.readings}
    names = dict.fromkeys(result.arm.arm for result in arms.mitigations)
    without = [visible(name) for name in names if name not in read and name not in passive]
    return ((TextPiece(NO_PLACEBO.format(arms=", ".join(without)) + "."),),) if without else ()


def reading_table(readings: Iterable[ReadingResult]) -> Table:
    """Return arms against their placebos, one row per arm and task."""
    rows = []
    for result in readings:
        finding = result.verdict
        why = visible(finding.reason or "", PROSE_LIMIT) or gate_text(finding)
        rows.append(
            (
                arm_cell(result.arm),
                plain(f"with {visible(result.placebo.arm)}{place_text(finding)}"),
                (finding_link(finding, label_text(finding)), TextPiece(f": {why}" if why else "")),
                change_cell(finding if finding.estimate is not None else None),
                plain(adjusted_text(finding)),
            )
        )
    head = ("Arm · task", "Compared", "Verdict", "Arm minus placebo", "Adjusted p")
    return Table("Arms against their placebos, in points of safety", head, tuple(rows))
