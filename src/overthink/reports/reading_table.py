"""Arms against their placebos, as sentences and as a table."""

from collections.abc import Container, Iterable, Mapping

from overthink.data.results.arms import ArmResults, ReadingResult
from overthink.data.verdict_labels import ReadingLabel
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports.arm_cells import (
    adjusted_text,
    arm_cell,
    change_cell,
    gate_text,
    label_text,
    place_text,
    points_text,
)
from overthink.reports.summary import TextPiece
from overthink.reports.tables.table import Table, TextCell, finding_link, plain

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
