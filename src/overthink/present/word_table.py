"""A table of words, some of which lead to their findings; the page and the terminal show the same one."""

from dataclasses import dataclass

from overthink.core.finding import Finding
from overthink.present.answer import Piece
from overthink.present.names import ID_LIMIT, visible

Cell = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Caption, head and rows; the first cell of a row is its heading. Notes stand below the rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def first(self, rows: int) -> "Table":
        """The table with so many rows at most."""
        return Table(self.caption, self.head, self.rows[:rows], self.notes)


def plain(text: str) -> Cell:
    """A cell that leads nowhere."""
    return (Piece(text),)


def linked(finding: Finding, text: str) -> Piece:
    """Text that leads to its finding."""
    return Piece(text, visible(finding.id, ID_LIMIT))
