"""Text table with links to findings, for the page and the terminal."""

from dataclasses import dataclass

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.record import Estimand
from overthink.data.visible import ID_LIMIT, visible
from overthink.reports import wording
from overthink.reports.summary import TextPiece

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


def curve_name(key: CurveKey) -> str:
    """Return the name of a curve as a row heading, without its scorer; forced answers are not mentioned.

    Example:
        >>> curve_name(CurveKey("safety", "secrets", "base", "refusal", "effort"))
        'Safety · secrets · base · effort'
    """
    name = f"{wording.axis_name(key.axis)} · {visible(key.task)} · {visible(key.arm)}"
    return name if key.estimand == Estimand.FORCED else f"{name} · {visible(key.estimand)}"
