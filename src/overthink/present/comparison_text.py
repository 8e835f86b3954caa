"""A comparison of arms in a few lines for a terminal."""

from collections.abc import Sequence

from overthink.core.finding import Finding
from overthink.present.about import About
from overthink.present.answer import Piece
from overthink.present.comparison import comparison
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.supervision import supervision_table
from overthink.present.word_table import Table

_ROWS = 40
_WIDEST = 48
"""A longer cell, such as a reason, does not push the others of its table aside."""


def comparison_text(findings: Sequence[Finding], about: About) -> str:
    """Verdicts first, then what they rest on, the safety tax, the arms at equal total compute, and models by FLOP.

    Args:
        findings: What was found; names may be hostile.
        about: Where it comes from.
    """
    told = comparison(findings)
    if told is None:
        return "No arm was compared with another.\n"
    blocks = [f"Arms against {told.reference}: {visible(about.source, PROSE_LIMIT)}"]
    if told.sentences:
        blocks.append("\n".join(_said(sentence) for sentence in told.sentences))
    blocks += [
        _table(table)
        for table in (told.verdicts, told.taxes, told.compute, told.matched, supervision_table(findings))
        if table.rows
    ]
    if about.notes:
        blocks.append("\n".join(f"Note: {visible(note, PROSE_LIMIT)}" for note in about.notes))
    return "\n\n".join(blocks) + "\n"


def _table(table: Table) -> str:
    cells = [table.head, *(tuple(_said(cell) for cell in row) for row in table.rows[:_ROWS])]
    widths = [min(max(len(row[column]) for row in cells), _WIDEST) for column in range(len(table.head))]
    lines = [
        "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]
    more = [f"  {len(table.rows) - _ROWS} more in the report"] if len(table.rows) > _ROWS else []
    return "\n".join([table.caption, *lines, *more, *(f"  {note}" for note in table.notes)])


def _said(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces).strip()
