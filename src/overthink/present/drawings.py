"""Charts that the page draws as they are: filled here, with a caption, and a sentence for who hears the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overthink.core.finding import Finding
from overthink.present.arm_charts import arm_charts
from overthink.present.filling import Chart
from overthink.present.frontier_filling import frontier_charts


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart of the page.

    Attributes:
        number: Its place among all of them.
        template: Name of its template.
        chart: What is drawn.
    """

    number: int
    template: str
    chart: Chart

    @property
    def legend(self) -> list[tuple[str, str]]:
        """By series: its name, and its colour as a class of the page."""
        return [(name, colour.strip("var(-)")) for name, colour in self.chart.keys.items()]

    def data(self) -> dict[str, Any]:
        """What the page's script needs."""
        return {
            "chart": self.template,
            "parameters": self.chart.parameters,
            "datasets": self.chart.datasets,
            "spoken": self.chart.spoken,
        }


def drawings(findings: Sequence[Finding]) -> tuple[list[Drawing], list[Drawing]]:
    """Arms over total compute, and frontiers."""
    arms = [Drawing(number, "log", chart) for number, chart in enumerate(arm_charts(findings))]
    best = [Drawing(number, "frontier", chart) for number, chart in enumerate(frontier_charts(findings), len(arms))]
    return arms, best
