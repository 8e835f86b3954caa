"""Arms against the reference as text tables: verdicts, safety tax, values at equal total compute.

Comparison of arms as terminal text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from overthink.cost.units import amount, figure, noun
from overthink.data.arm_labels import MitigationLabel
from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.results.flatten import flatten
from overthink.data.results.study import Results
from overthink.reports import wording
from overthink.reports.about import About
from overthink.reports.arm_cells import (
    adjusted_text,
    change_cell,
    gate_text,
    label_text,
    place_text,
    points_text,
    times_cell,
)
from overthink.reports.reading_table import READING_MEANINGS, reading_sentence, reading_table, without_placebo
from overthink.reports.summary import TextPiece
from overthink.reports.tables import Table, TextCell, finding_link, flop_matched_table, plain, supervision_table
from overthink.reports.wording import PROSE_LIMIT, visible

COMPARISON_POINTS: Mapping[str, str] = {
    Metric.EQUAL_THINKING: "at equal thinking",
    Metric.EQUAL_REALISED: "at equal realised thinking",
    Metric.EQUAL_COMPUTE: "at equal total compute",
    Metric.EQUAL_RUNG: "at the same budget",
}
"""Point of comparison by metric. Verdicts are those of the first; the second stands beside them."""

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
        return (self.verdicts, self.readings, self.price, self.taxes, self.compute)


def comparison(findings: Sequence[Finding]) -> Comparison | None:
    """Return the comparison of arms; None if no arm was compared."""
    arm_findings = (f for f in findings if f.kind in (Kind.ARM_DIFFERENCE, Kind.SAFETY_TAX, Kind.MITIGATION))
    mine = sorted(arm_findings, key=lambda finding: wording.axis_position(finding.axis))
    if not mine:
        return None
    verdicts = [f for f in mine if f.kind == Kind.MITIGATION and f.metric == Metric.EQUAL_THINKING]
    by_metric = _by_metric(mine)
    readings = [f for f in mine if f.kind == Kind.MITIGATION and f.metric == Metric.AGAINST_PLACEBO]
    labels = {f.label for f in (*verdicts, *readings)}
    sentences = [_sentence(verdict, by_metric[_key(verdict)]) for verdict in verdicts]
    return Comparison(
        reference=_reference(mine),
        sentences=(*sentences, *map(reading_sentence, readings), *without_placebo(verdicts, readings)),
        verdicts=_verdicts(by_metric.values()),
        readings=reading_table(readings),
        price=_price(by_metric.values()),
        taxes=_taxes(mine),
        compute=_compute(mine),
        flop_matched=flop_matched_table(findings),
        words=tuple(
            (label, meaning)
            for meanings in (MITIGATION_MEANINGS, READING_MEANINGS)
            for label, meaning in meanings.items()
            if label in labels
        ),
    )


def _reference(mine: Sequence[Finding]) -> str:
    first = next((f for f in mine if f.kind == Kind.ARM_DIFFERENCE), None)
    if first is None:
        return "their placebos"
    return visible((first.label or "").removeprefix("against ").partition(", at ")[0])


def _key(finding: Finding) -> tuple[object, ...]:
    return (finding.axis, finding.task, finding.scorer, finding.arm, finding.estimand)


def _by_metric(mine: Sequence[Finding]) -> dict[tuple[object, ...], dict[str, Finding]]:
    """Return the mitigation findings by arm and task, then by metric."""
    grouped: dict[tuple[object, ...], dict[str, Finding]] = {}
    for finding in mine:
        if finding.kind == Kind.MITIGATION:
            grouped.setdefault(_key(finding), {})[finding.metric] = finding
    return grouped


def _sentence(verdict: Finding, beside: Mapping[str, Finding]) -> TextCell:
    """Return one mitigation as a sentence; the reason if it is not testable."""
    task = visible(verdict.task)
    start = (
        TextPiece(f"{visible(verdict.arm)} on {task}, {COMPARISON_POINTS[verdict.metric]}: "),
        finding_link(verdict, label_text(verdict)),
    )
    if verdict.estimate is None or verdict.reason is not None:
        return (*start, TextPiece(f" ({visible(verdict.reason or 'no number', PROSE_LIMIT)})."))
    but = f"; {gate_text(verdict)}" if verdict.gates_failed else ""
    more = _beside(beside)
    return (*start, TextPiece(f"; it gives back {points_text(verdict)} points"), *more, TextPiece(f"{but}."))


def _beside(beside: Mapping[str, Finding]) -> TextCell:
    """Return realised thinking and, where that differs, the difference at equal realised thinking."""
    both = [beside.get(metric) for metric in (Metric.ARM_THINKING, Metric.REFERENCE_THINKING)]
    tokens = [None if f is None else f.estimate for f in both]
    if tokens[0] is None or tokens[1] is None:
        return ()
    text = f"; it thinks {tokens[0]:,.0f} tokens, the reference {tokens[1]:,.0f}"
    same = beside.get(Metric.EQUAL_REALISED)
    if same is None:
        return (TextPiece(text),)
    return (TextPiece(f"{text}, {COMPARISON_POINTS[Metric.EQUAL_REALISED]} "), *change_cell(same))


def _verdicts(arms: Iterable[Mapping[str, Finding]]) -> Table:
    rows = []
    for beside in arms:
        finding = beside.get(Metric.EQUAL_THINKING)
        if finding is None:
            continue
        degradation, residual = (
            change_cell(beside.get(metric))
            for metric in (Metric.DEGRADATION_EQUAL_THINKING, Metric.RESIDUAL_EQUAL_THINKING)
        )
        why = visible(finding.reason or "", PROSE_LIMIT) or gate_text(finding)
        same = beside.get(Metric.EQUAL_REALISED)
        rows.append(
            (
                plain(f"{visible(finding.arm)} · {visible(finding.task)}"),
                plain(f"{COMPARISON_POINTS[finding.metric]}{place_text(finding)}"),
                (finding_link(finding, label_text(finding)), TextPiece(f": {why}" if why else "")),
                degradation,
                change_cell(finding if finding.estimate is not None else None),
                residual,
                _tokens(beside.get(Metric.ARM_THINKING)),
                _tokens(beside.get(Metric.REFERENCE_THINKING)),
                plain("the same") if same is None else change_cell(same),
                plain(adjusted_text(finding)),
            )
        )
    places = ("Its thinking", "Reference's", "At equal realised")
    head = ("Arm · task", "Compared", "Verdict", "Degradation", "Given back", "Left", *places, "Adjusted p")
    return Table("Verdicts on mitigations, in points of safety", head, tuple(rows))


def _price(arms: Iterable[Mapping[str, Finding]]) -> Table:
    """Return what the same total compute buys, one row per arm and task: a statement about price."""
    rows = []
    for beside in arms:
        finding = beside.get(Metric.EQUAL_COMPUTE)
        if finding is None:
            continue
        total = "–" if finding.at.total is None else visible(amount(finding.at.total, finding.at.unit))
        parts = (change_cell(beside.get(metric)) for metric in (Metric.STEERS, Metric.THINKS_LESS))
        rows.append(
            (plain(f"{visible(finding.arm)} · {visible(finding.task)}"), plain(total), change_cell(finding), *parts)
        )
    head = ("Arm · task", "Total compute", "Given back", "By steering", "By thinking less")
    caption = "What the same price buys, in points of safety: no verdict, for an arm that only costs more thinks less"
    return Table(caption, head, tuple(rows))


def _tokens(finding: Finding | None) -> TextCell:
    if finding is None or finding.estimate is None:
        return plain("unknown")
    return (finding_link(finding, f"{finding.estimate:,.0f}"),)


def _taxes(mine: Sequence[Finding]) -> Table:
    """Return the safety tax, one row per arm, task and point of comparison."""
    taxes = [f for f in mine if f.kind == Kind.SAFETY_TAX]
    ratios = {(f.axis, f.task, f.scorer, f.arm): f for f in taxes if f.metric == Metric.COMPUTE}
    rows = []
    for finding in taxes:
        if finding.metric.startswith("compute"):
            continue
        equal = finding.metric.endswith("_equal_compute")
        point = COMPARISON_POINTS[Metric.EQUAL_COMPUTE if equal else Metric.EQUAL_RUNG]
        ratio = None if equal else ratios.get((finding.axis, finding.task, finding.scorer, finding.arm))
        what = "capability" if finding.metric.startswith("capability") else "over-refusal"
        label = (finding.label or "").rpartition(": ")[2]
        rows.append(
            (
                plain(f"{visible(finding.arm)} · {visible(finding.task)}"),
                plain(f"{point}{place_text(finding)}"),
                plain(what),
                change_cell(finding),
                plain(visible(label)),
                plain("the same") if equal else times_cell(ratio),
            )
        )
    for finding in ratios.values():
        if finding.axis == "safety":
            point_cell = plain(f"{COMPARISON_POINTS[Metric.EQUAL_RUNG]}{place_text(finding)}")
            name = plain(f"{visible(finding.arm)} · {visible(finding.task)}")
            rows.append((name, point_cell, plain("compute alone"), plain("–"), plain("–"), times_cell(finding)))
    head = ("Arm · task", "Compared", "What", "Change, points", "Shown", "Total compute")
    return Table("Safety tax: what the arm takes", head, tuple(rows))


def _compute(mine: Sequence[Finding]) -> Table:
    rows = []
    for finding in mine:
        if finding.kind == Kind.ARM_DIFFERENCE and finding.metric == Metric.EQUAL_COMPUTE:
            total, k = "–", "–"
            if finding.at.total is not None:
                total = visible(figure(finding.at.total, finding.at.unit))
                k = (finding.label or "").rpartition("K (total compute) = ")[2]
            name = f"{visible(finding.arm)} · {visible(finding.task)}"
            rows.append(
                (
                    plain(f"{wording.axis_name(finding.axis)}, {wording.axis_value(finding.axis)}"),
                    plain(name),
                    plain(total),
                    plain(k),
                    change_cell(finding),
                )
            )
    unit = next((row.at.unit for row in mine if row.at.unit is not None), None)
    head = ("Axis", "Arm · task", f"Total {visible(noun(unit))}", "K (total compute)", "Arm minus reference, points")
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
    findings = flatten(results)
    tables = comparison(findings)
    if tables is None:
        return "No arm was compared with another.\n"
    blocks = [f"Arms against {tables.reference}: {visible(about.source, PROSE_LIMIT)}"]
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
            supervision_table(findings),
        )
        if table.rows
    ]
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
