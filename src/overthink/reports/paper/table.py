"""A table twice: its numbers as they are stored, and its cells as they are printed."""

from dataclasses import dataclass
from typing import NamedTuple

from overthink.storage.tables.cells import Cell


@dataclass(frozen=True, slots=True)
class DataTable:
    """Numbers at full precision, for CSV.

    Attributes:
        columns: Names of the columns.
        rows: One cell per column each; a text is as its source has it, and untrusted.

    Example:
        >>> DataTable(("task", "estimate"), (("sums", 0.25),)).rows[0]
        ('sums', 0.25)
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Heading(NamedTuple):
    """Heading of a printed column.

    Attributes:
        text: The heading.
        is_number: Whether its cells are aligned to the right.
        is_group: Whether a cell that repeats the one above may be left blank, where all columns before it repeat, too.
        is_prose: Whether its cells are long enough to be broken into lines.
    """

    text: str
    is_number: bool = False
    is_group: bool = False
    is_prose: bool = False


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """Cells as text, for Markdown and LaTeX.

    Attributes:
        caption: What the table shows, as sentences.
        headings: Headings of the columns.
        rows: One text per heading each, made visible.
        notes: Sentences below the table: why cells are unknown or verdicts undetermined.

    Example:
        >>> PrintedTable("Values.", (Heading("Task"), Heading("Value", True)), (("sums", "25.0"),)).notes
        ()
    """

    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> int:
        """Number of leading columns whose repetitions may be left blank."""
        return next((i for i, heading in enumerate(self.headings) if not heading.is_group), len(self.headings))
