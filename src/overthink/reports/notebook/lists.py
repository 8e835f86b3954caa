"""The charts and the findings of a study as lists that show themselves in a notebook and a terminal."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from overthink.data.finding import Finding
from overthink.data.number_text import count
from overthink.data.visible import name_list, nearest_first, visible
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.files import standalone_specification
from overthink.reports.paper.contents import Content, printed_table
from overthink.reports.paper.table import PrintedTable

if TYPE_CHECKING:
    import polars as pl

    from overthink.reports.notebook.inline import LayerChart, VConcatChart


_SHOWN_NAMES = 20


def notebook_chart(chart: Chart) -> "LayerChart | VConcatChart":
    """Return a chart of a report as one of Altair that shows itself in a notebook."""
    from overthink.reports.notebook.inline import inline_chart

    return inline_chart(standalone_specification(chart))


class Charts(Mapping[str, "LayerChart | VConcatChart"]):
    """Charts of a study, by the names of the figures that ``overthink report --format svg`` writes.

    Args:
        charts: Charts of a report by name.
    """

    def __init__(self, charts: Mapping[str, Chart]) -> None:
        self._charts = dict(charts)

    def __getitem__(self, name: str) -> "LayerChart | VConcatChart":
        if name not in self._charts:
            nearest = [visible(known) for known in nearest_first(str(name), self)]
            raise KeyError(
                f"no chart {visible(str(name))}; needed: one of {name_list(nearest, _SHOWN_NAMES) or 'none'}"
            )
        return notebook_chart(self._charts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._charts)

    def __len__(self) -> int:
        return len(self._charts)

    def __repr__(self) -> str:
        return f"Charts({len(self)}: {name_list([visible(name) for name in self], _SHOWN_NAMES)})"


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
