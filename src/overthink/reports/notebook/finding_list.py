"""Findings as a notebook and a terminal show them: the first ones as a table, and how many more there are."""

from typing import TYPE_CHECKING

from overthink.data.finding import Finding
from overthink.data.number_text import count
from overthink.reports.paper.contents import Content, printed_table
from overthink.reports.paper.table import PrintedTable

if TYPE_CHECKING:
    import polars as pl

_ROWS = 20
_SOURCE = "the study"


class Findings(tuple[Finding, ...]):
    """Findings in order: a tuple that shows itself as a table.

    Example:
        >>> Findings()
        no finding
    """

    __slots__ = ()

    def frame(self) -> "pl.DataFrame":
        """Return one row per finding, with the columns of ``overthink table --what findings --format csv``."""
        from overthink.reports.notebook.tables import finding_frame

        return finding_frame(self)

    def __repr__(self) -> str:
        lines = [" · ".join(cell for cell in row if cell) for row in self._table.rows]
        return "\n".join([self._head, *(f"  {line}" for line in lines), *self._rest])

    def _repr_html_(self) -> str:
        from markupsafe import escape

        table = self._table
        head = "".join(f"<th>{escape(heading.text)}</th>" for heading in table.headings)
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in table.rows)
        body = "".join(f"<tr>{cells}</tr>" for cells in rows)
        after = "".join(f"<p>{escape(line)}</p>" for line in self._rest)
        return f"<p>{escape(self._head)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{after}"

    @property
    def _table(self) -> PrintedTable:
        return printed_table(self[:_ROWS], Content.FINDINGS, source=_SOURCE)

    @property
    def _head(self) -> str:
        return count(len(self), "finding") if self else "no finding"

    @property
    def _rest(self) -> list[str]:
        return [f"… and {len(self) - _ROWS:,} more"] if len(self) > _ROWS else []
