"""Text table with links to findings, for the page and the terminal."""

from dataclasses import dataclass

from overthink.data.finding import Finding
from overthink.reports.summary import TextPiece
from overthink.reports.names import ID_LIMIT, visible

TextCell = tuple[TextPiece, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Caption, head, rows (first cell: row heading) and notes below the rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[TextCell, ...], ...]
    notes: tuple[str, ...] = ()

    def first(self, rows: int) -> "Table":
        """Return the table cut to a number of rows."""
        return Table(self.caption, self.head, self.rows[:rows], self.notes)


def plain(text: str) -> TextCell:
    """Return a cell without a link."""
    return (TextPiece(text),)


def finding_link(finding: Finding, text: str) -> TextPiece:
    """Return text that links to its finding."""
    return TextPiece(text, visible(finding.id, ID_LIMIT))
