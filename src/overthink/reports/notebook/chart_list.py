"""The charts of a study by name, each made when it is asked for."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from overthink.data.visible import name_list, nearest_first, visible
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.files import standalone_specification

if TYPE_CHECKING:
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
