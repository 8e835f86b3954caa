"""A table as CSV: numbers as findings.json has them, unknown cells empty, and no text that a spreadsheet would run."""

import csv
import io
import math

from overthink.reports.paper.table import Cell, DataTable
from overthink.storage.tables.csv_cells import to_cell

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(table: DataTable) -> str:
    r"""Return the table as CSV (RFC 4180, lines end in ``\n``).

    A text that a spreadsheet would take for a formula gets an apostrophe in front, also where it reads as a number: a
    cell of a column of texts is never a number.

    Args:
        table: The table; a NaN or an infinity is an empty cell, where findings.json has null.

    Example:
        >>> print(csv_text(DataTable(("task", "estimate"), (("-5", 1 / 3), ("=1+1", None)))), end="")
        task,estimate
        '-5,0.3333333333333333
        '=1+1,
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(cell) for cell in row] for row in table.rows)
    return buffer.getvalue()


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return repr(cell) if math.isfinite(cell) else ""
    safe = to_cell(cell)
    return f"'{safe}" if safe.startswith(_FORMULA) else safe
