"""Static charts of the page: filled templates with caption and screen-reader text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overthink.data.finding import Finding
from overthink.reports.charts.arms import arm_charts
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.frontier import frontier_charts


@dataclass(frozen=True, slots=True)
class StaticChart:
    """A chart of the page.

    Attributes:
        number: Position among all charts.
        template: Name of its template.
        chart: Template with data.
    """

    number: int
    template: str
    chart: Chart

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Name and colour class of each series."""
        return [(name, colour.strip("var(-)")) for name, colour in self.chart.keys.items()]

    def data(self) -> dict[str, Any]:
        """Return the data of the page's script."""
        return {
            "chart": self.template,
            "parameters": self.chart.parameters,
            "datasets": self.chart.datasets,
            "spoken": self.chart.spoken,
        }


def static_charts(findings: Sequence[Finding]) -> tuple[list[StaticChart], list[StaticChart]]:
    """Return the charts of arms over total compute, and of frontiers."""
    arms = [StaticChart(number, "log", chart) for number, chart in enumerate(arm_charts(findings))]
    best = [StaticChart(number, "frontier", chart) for number, chart in enumerate(frontier_charts(findings), len(arms))]
    return arms, best
