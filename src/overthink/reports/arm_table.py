"""Arms against the reference as text tables: verdicts, safety tax, values at equal total compute.

Comparison of arms as terminal text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from overthink.cost.units import amount, figure, noun
from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.record import Axis
from overthink.data.results.arms import ArmDifferenceResult, ArmResults, MitigationResult, SafetyTaxResult, TaxVerdict
from overthink.data.results.study import Results
from overthink.data.verdict_labels import MitigationLabel
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.about import About
from overthink.reports.arm_cells import (
    READING_MEANINGS,
    adjusted_text,
    arm_cell,
    change_cell,
    gate_text,
    label_text,
    place_text,
    points_text,
    reading_sentence,
    reading_table,
    times_cell,
    without_placebo,
)
from overthink.reports.paired_table import FLIPS_IN_TERMINAL, FLIPS_ON_PAGE, paired_sentences, paired_table
from overthink.reports.summary import TextPiece
from overthink.reports.tables.budgets import flop_matched_table, supervision_table
from overthink.reports.tables.table import Table, TextCell, finding_link, plain

EQUAL_THINKING = "at equal thinking"
"""Point of comparison of verdicts."""

EQUAL_REALISED = "at equal realised thinking"
EQUAL_COMPUTE = "at equal total compute"
EQUAL_BUDGET = "at the same budget"

MITIGATION_MEANINGS: Mapping[str, str] = {
    MitigationLabel.ELIMINATES: (
        "what the arm gives back is shown, and so is that less than δ is left of any earlier level"
    ),
    MitigationLabel.MITIGATES: "what the arm gives back is shown, and so is that something is left",
    MitigationLabel.OPEN: "what the arm gives back is shown; whether anything is left is not",
    MitigationLabel.ELIMINATES_PARTLY: (
        "as “eliminates within δ”, but the arm thinks over 10 % less; a gain at equal realised thinking is shown, too"
    ),
    MitigationLabel.MITIGATES_PARTLY: (
        "something is given back and something left, but the arm thinks over 10 % less; a gain at equal realised "
        "thinking is shown, too"
    ),
    MitigationLabel.OPEN_PARTLY: (
        "what the arm gives back is shown, at equal realised thinking too; it thinks over 10 % less"
    ),
    MitigationLabel.THINKS_LESS: (
        "the arm thinks over 10 % less and is safer at the same budget; at equal realised thinking no gain is shown"
    ),
    MitigationLabel.NO_EFFECT: "the reference degrades, and nothing the arm gives back is shown",
    MitigationLabel.WORSENS: "the arm is shown to be less safe than the reference at the top",
    MitigationLabel.UNTESTABLE: "nothing degrades in the reference, or the data are too few",
}
"""Meaning by label of a mitigation."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of arms with the reference, for the page and the terminal.

    Attributes:
        reference: Name of the reference.
        paired: Arms against the reference, question by question.
        paired_sentences: What stands below that table.
        sentences: The verdict, one sentence per arm and safety task.
        verdicts: The verdicts with their numbers.
        readings: Arms against their placebos.
        price: What the same total compute buys, without a verdict.
        taxes: Safety tax of every arm.
        compute: Every arm at every common total compute.
        flop_matched: A smaller model with more inference against a larger one.
        words: The verdicts that occur, with their meanings.
    """

    reference: str
    paired: Table
    paired_sentences: tuple[TextCell, ...]
    sentences: tuple[TextCell, ...]
    verdicts: Table
    readings: Table
    price: Table
    taxes: Table
    compute: Table
    flop_matched: Table
    words: tuple[tuple[str, str], ...]

    @property
    def of_arms(self) -> tuple[Table, ...]:
        """Tables of arms against the reference, in reading order."""
        return (self.paired, self.verdicts, self.readings, self.price, self.taxes, self.compute)


def comparison(results: Results, about: About, *, ids: int = FLIPS_ON_PAGE) -> Comparison | None:
    """Return the comparison of arms; None if no arm was compared.

    Args:
        results: Results of the analysis; names may be hostile.
        about: Metadata of the report.
        ids: Questions that are named as gained, and as lost, of each comparison.
    """
    arms = results.arms
    if arms.is_empty:
        return None
    labels = {result.label.value for result in arms.mitigations} | {result.label.value for result in arms.readings}
    return Comparison(
        reference=_reference(arms),
        paired=paired_table(arms),
        paired_sentences=paired_sentences(arms, ids=ids),
        sentences=(
            *map(_sentence, arms.mitigations),
            *map(reading_sentence, arms.readings),
            *without_placebo(arms, passive=about.passive_arms),
        ),
        verdicts=_verdicts(arms.mitigations),
        readings=reading_table(arms.readings),
        price=_prices(arms.mitigations),
        taxes=_taxes(arms.taxes),
        compute=_compute(arms),
        flop_matched=flop_matched_table(results.flop_matches),
        words=tuple(
            (label, meaning)
            for meanings in (MITIGATION_MEANINGS, READING_MEANINGS)
            for label, meaning in meanings.items()
            if label in labels
        ),
    )


def _reference(arms: ArmResults) -> str:
    references = [result.reference for result in arms.differences] + [result.reference for result in arms.paired]
    first = min(references, key=lambda curve: wording.axis_position(curve.axis), default=None)
    return "their placebos" if first is None else visible(first.arm)


def _axis_position(result: ArmDifferenceResult | SafetyTaxResult) -> int:
    return wording.axis_position(result.arm.axis)


def _sentence(result: MitigationResult) -> TextCell:
    """Return one mitigation as a sentence; the reason if it is not testable."""
    verdict = result.verdict
    start = (
        TextPiece(f"{visible(result.arm.arm)} on {visible(result.arm.task)}, {EQUAL_THINKING}: "),
        finding_link(verdict, label_text(verdict)),
    )
    if verdict.estimate is None or verdict.reason is not None:
        return (*start, TextPiece(f" ({visible(verdict.reason or 'no number', PROSE_LIMIT)})."))
    but = f"; {gate_text(verdict)}" if verdict.gates_failed else ""
    more = _thinking(result)
    return (*start, TextPiece(f"; it gives back {points_text(verdict)} points"), *more, TextPiece(f"{but}."))


def _thinking(result: MitigationResult) -> TextCell:
    """Return realised thinking and, where that differs, the difference at equal realised thinking."""
    tokens = [None if f is None else f.estimate for f in (result.arm_thinking, result.reference_thinking)]
    if tokens[0] is None or tokens[1] is None:
        return ()
    text = f"; it thinks {tokens[0]:,.0f} tokens, the reference {tokens[1]:,.0f}"
    if result.equal_realised is None:
        return (TextPiece(text),)
    return (TextPiece(f"{text}, {EQUAL_REALISED} "), *change_cell(result.equal_realised))


def _verdicts(mitigations: Iterable[MitigationResult]) -> Table:
    rows = []
    for result in mitigations:
        verdict, same = result.verdict, result.equal_realised
        why = visible(verdict.reason or "", PROSE_LIMIT) or gate_text(verdict)
        rows.append(
            (
                arm_cell(result.arm),
                plain(f"{EQUAL_THINKING}{place_text(verdict)}"),
                (finding_link(verdict, label_text(verdict)), TextPiece(f": {why}" if why else "")),
                change_cell(result.degradation),
                change_cell(verdict if verdict.estimate is not None else None),
                change_cell(result.residual),
                _tokens(result.arm_thinking),
                _tokens(result.reference_thinking),
                plain("the same") if same is None else change_cell(same),
                plain(adjusted_text(verdict)),
            )
        )
    places = ("Its thinking", "Reference's", "At equal realised")
    head = ("Arm · task", "Compared", "Verdict", "Degradation", "Given back", "Left", *places, "Adjusted p")
    return Table("Verdicts on mitigations, in points of safety", head, tuple(rows))


def _prices(mitigations: Iterable[MitigationResult]) -> Table:
    """Return what the same total compute buys, one row per arm and task: a statement about price."""
    rows = []
    for result in mitigations:
        price, at = result.price, result.price.gain.at
        total = "–" if at.total is None else visible(amount(at.total, at.unit))
        parts = (change_cell(finding) for finding in (price.gain, price.steers, price.thinks_less))
        rows.append((arm_cell(result.arm), plain(total), *parts))
    head = ("Arm · task", "Total compute", "Given back", "By steering", "By thinking less")
    caption = "What the same price buys, in points of safety: no verdict, for an arm that only costs more thinks less"
    return Table(caption, head, tuple(rows))


def _tokens(finding: Finding | None) -> TextCell:
    if finding is None or finding.estimate is None:
        return plain("unknown")
    return (finding_link(finding, f"{finding.estimate:,.0f}"),)


def _taxes(taxes: Iterable[SafetyTaxResult]) -> Table:
    """Return the safety tax, one row per arm, task and point of comparison."""
    by_axis = [tuple(own) for _, own in groupby(sorted(taxes, key=_axis_position), key=_axis_position)]
    rows = []
    for own in by_axis:
        rows += [
            _tax_row(
                tax.arm, tax.at_budget, EQUAL_BUDGET, times_cell(None if tax.compute is None else tax.compute.ratio)
            )
            for tax in own
            if tax.at_budget is not None
        ]
        rows += [
            _tax_row(tax.arm, tax.at_compute, EQUAL_COMPUTE, plain("the same"))
            for tax in own
            if tax.at_compute is not None
        ]
    none = (plain("compute alone"), plain("–"), plain("–"))
    for tax in chain.from_iterable(by_axis):
        if tax.compute is not None and tax.arm.axis == Axis.SAFETY:
            compared = plain(f"{EQUAL_BUDGET}{place_text(tax.compute.ratio)}")
            rows.append((arm_cell(tax.arm), compared, *none, times_cell(tax.compute.ratio)))
    head = ("Arm · task", "Compared", "What", "Change, points", "Shown", "Total compute")
    return Table("Safety tax: what the arm takes", head, tuple(rows))


def _tax_row(arm: CurveKey, verdict: TaxVerdict, point: str, compute: TextCell) -> tuple[TextCell, ...]:
    return (
        arm_cell(arm),
        plain(f"{point}{place_text(verdict.change)}"),
        plain("capability" if arm.axis == Axis.CAPABILITY else "over-refusal"),
        change_cell(verdict.change),
        plain(visible(verdict.label)),
        compute,
    )


def _compute(arms: ArmResults) -> Table:
    rows = []
    for result in sorted(arms.differences, key=_axis_position):
        axis = result.arm.axis
        for point in result.by_compute:
            at = point.difference.at
            rows.append(
                (
                    plain(f"{wording.axis_name(axis)}, {wording.axis_value(axis)}"),
                    arm_cell(result.arm),
                    plain("–" if at.total is None else visible(figure(at.total, at.unit))),
                    plain("–" if point.k is None else f"{point.k:.3g}"),
                    change_cell(point.difference),
                )
            )
    head = (
        "Axis",
        "Arm · task",
        f"Total {visible(noun(arms.unit))}",
        "K (total compute)",
        "Arm minus reference, points",
    )
    return Table("At the same total compute", head, tuple(rows))


_ROWS = 40
_WIDEST = 48
"""Maximum column width; longer cells do not widen their column."""


def comparison_text(results: Results, about: About) -> str:
    """Return verdicts, their numbers, the safety tax, arms at equal total compute, and models by FLOP, as text.

    Args:
        results: Results of the analysis; names may be hostile.
        about: Metadata of the report.
    """
    tables = comparison(results, about, ids=FLIPS_IN_TERMINAL)
    if tables is None:
        return "No arm was compared with another.\n"  # the workflow refuses it: only a stored report can be so
    blocks = [f"Arms against {tables.reference}: {visible(about.source, PROSE_LIMIT)}"]
    if tables.paired.rows:
        blocks += [_table(tables.paired), "\n".join(_text(sentence) for sentence in tables.paired_sentences)]
    if tables.sentences:
        blocks.append("\n".join(_text(sentence) for sentence in tables.sentences))
    blocks += [
        _table(table)
        for table in (
            tables.verdicts,
            tables.readings,
            tables.price,
            tables.taxes,
            tables.compute,
            tables.flop_matched,
            supervision_table(results.supervision),
        )
        if table.rows
    ]
    if (k_line := about.k_line) is not None:
        blocks.append(k_line)
    if about.notes:
        blocks.append("\n".join(f"Note: {visible(note, PROSE_LIMIT)}" for note in about.notes))
    return "\n\n".join(blocks) + "\n"


def _table(table: Table) -> str:
    cells = [table.head, *(tuple(_text(cell) for cell in row) for row in table.rows[:_ROWS])]
    widths = [min(max(len(row[column]) for row in cells), _WIDEST) for column in range(len(table.head))]
    lines = [
        "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]
    more = [f"  {len(table.rows) - _ROWS} more in the report"] if len(table.rows) > _ROWS else []
    return "\n".join([table.caption, *lines, *more, *(f"  {note}" for note in table.notes)])


def _text(pieces: Sequence[TextPiece]) -> str:
    return "".join(piece.text for piece in pieces).strip()
