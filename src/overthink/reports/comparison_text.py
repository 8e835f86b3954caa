"""Comparison of arms as terminal text."""

from collections.abc import Sequence

from overthink.data.finding import Finding
from overthink.reports.about import About
from overthink.reports.summary import TextPiece
from overthink.reports.arm_table import comparison
from overthink.reports.names import PROSE_LIMIT, visible
from overthink.reports.supervision import supervision_table
from overthink.reports.tables import Table

_ROWS = 40
_WIDEST = 48
"""Maximum column width; longer cells do not widen their column."""


def comparison_text(findings: Sequence[Finding], about: About) -> str:
    """Return verdicts, their numbers, the safety tax, arms at equal total compute, and models by FLOP, as text.

    Args:
        findings: All findings; names may be hostile.
        about: Metadata of the report.
    """
    tables = comparison(findings)
    if tables is None:
        return "No arm was compared with another.\n"
    blocks = [f"Arms against {tables.reference}: {visible(about.source, PROSE_LIMIT)}"]
    if tables.sentences:
        blocks.append("\n".join(_text(sentence) for sentence in tables.sentences))
    blocks += [
        _table(table)
        for table in (tables.verdicts, tables.taxes, tables.compute, tables.flop_matched, supervision_table(findings))
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
