"""One bank in the report of a forecast, with its name. Nothing is computed."""

from dataclasses import dataclass

from overthink.data.results.forecast import ForecastResult, TriesPoint
from overthink.data.visible import visible
from overthink.reports.report_curves import level_text
from overthink.reports.wording import axis_name


@dataclass(frozen=True, slots=True, eq=False)
class ForecastPanel:
    """One bank: a table's group, or a curve at one rung.

    Attributes:
        result: Everything that is claimed of the bank.
        fan: The forecast at many k, for the chart; empty without a chart.
        judge: Scorer, if there are several; else empty.
    """

    result: ForecastResult
    fan: tuple[TriesPoint, ...]
    judge: str = ""

    @property
    def axis(self) -> str:
        """The axis of the bank."""
        return self.result.key.axis

    @property
    def name(self) -> str:
        """Axis, task and arm, and the rung if any."""
        key, at = self.result.key, self.result.at
        parts = [axis_name(key.axis), visible(key.task), visible(key.arm)]
        if self.judge:
            parts.append(f"judged by {visible(self.judge)}")
        if at.rung is not None:
            parts.append(f"rung {at.rung}: {level_text(at)}")
        return " · ".join(parts)
