"""Findings of one bank for the report of a forecast, grouped by metric. Nothing is computed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from overthink.data.finding import Finding
from overthink.data.record import Axis
from overthink.forecasts.findings import AT_K, CLAIM, CLAIM_ELSEWHERE, NOTHING_SUCCEEDED
from overthink.reports.report_curves import level, level_unit
from overthink.reports.wording import axis_name, visible


class ForecastThreshold(NamedTuple):
    """Findings on one threshold: K* by the model band, by the assumption-free band, and the claim."""

    tau: float
    crossing: Finding
    bound: Finding
    claim: Finding


@dataclass(frozen=True, slots=True)
class ForecastPanel:
    """One bank: a table's group, or a curve at one rung.

    Attributes:
        findings: All findings of the bank.
        fan: Findings at many k, for the chart; empty without a chart.
        attempts: Minimum and maximum attempts of a question.
        thresholds: Shares whose crossing was estimated.
        judge: Scorer, if there are several; else empty.
    """

    findings: tuple[Finding, ...]
    fan: tuple[Finding, ...]
    attempts: tuple[int, int]
    thresholds: tuple[float, ...]
    judge: str = ""

    @property
    def axis(self) -> str:
        """The axis of the bank."""
        return self.findings[0].axis

    @property
    def name(self) -> str:
        """Axis, task and arm, and the rung if any."""
        first = self.findings[0]
        parts = [axis_name(first.axis), visible(first.task), visible(first.arm)]
        if self.judge:
            parts.append(f"judged by {visible(self.judge)}")
        if first.at.rung is not None:
            parts.append(f"rung {first.at.rung}: {level(first.at)}{level_unit(first.at)}")
        return " · ".join(parts)

    @property
    def has_model(self) -> bool:
        """Whether there is a model band; there is none without a success."""
        return all(finding.reason != NOTHING_SUCCEEDED for finding in self.findings)

    def of(self, metric: str) -> list[Finding]:
        """Return the findings of a metric, in order."""
        return [finding for finding in self.findings if finding.metric == metric]

    def crossings(self) -> Iterator[ForecastThreshold]:
        """Yield the findings of each threshold."""
        claims = self.of(CLAIM.get(Axis(self.axis), CLAIM_ELSEWHERE))
        for parts in zip(self.thresholds, self.of("crossing"), self.of("crossing_bound"), claims, strict=True):
            yield ForecastThreshold(*parts)

    def by_k(self) -> list[tuple[Finding, Finding]]:
        """Return estimate with model band, and assumption-free band, for each requested k."""
        return _pairs(self.findings)

    def fan_by_k(self) -> list[tuple[Finding, Finding]]:
        """Return the same for each k of the fan."""
        return _pairs(self.fan)


def _pairs(findings: tuple[Finding, ...]) -> list[tuple[Finding, Finding]]:
    by_metric = {
        metric: [f for f in findings if f.metric == metric] for name in AT_K.values() for metric in _both(name)
    }
    return [pair for name in AT_K.values() for pair in zip(*(by_metric[metric] for metric in _both(name)), strict=True)]


def _both(metric: str) -> tuple[str, str]:
    return metric, f"{metric}_bound"
