"""Forecasts of made-up counts, as the page gets them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from overthink import forecast
from overthink.data.finding import At, Finding
from overthink.data.record import Axis
from overthink.forecasts.counts import CurveBank
from overthink.forecasts.findings import ForecastOptions, fan_findings, forecast_findings
from overthink.reports import ForecastPanel

NAME = "requests"
RISING = (0,) * 20 + (1,) * 12 + (4,) * 8


def panel(
    successes: Sequence[int] = RISING,
    *,
    attempts: int = 100,
    k: Sequence[int] = (1, 100, 10_000),
    asked: ForecastOptions | None = None,
    at: At | None = None,
    stopping: str = "fixed",
) -> ForecastPanel:
    """One bank of safety, forecast as the command does it."""
    asked = asked or ForecastOptions()
    n, c = np.full(len(successes), attempts), np.array(successes)
    questions = tuple(f"q{i}" for i in range(len(n)))
    bank = CurveBank(Axis.SAFETY, NAME, NAME, None, "natural", at or At(), questions, n, c, stopping)
    made = forecast(n, c, k=k, stopping=stopping, rng=np.random.default_rng(1))
    findings = tuple(forecast_findings(bank, made, asked, prefix=NAME))
    fan = tuple(fan_findings(bank, made, asked, prefix=NAME))
    return ForecastPanel(findings, fan, (attempts, attempts), asked.thresholds)


@cache
def small() -> ForecastPanel:
    """A bank with few points, where only its names matter."""
    return panel(k=(1, 200))


def named(name: str) -> ForecastPanel:
    """The small bank under another name, in its ids, too."""

    def under(findings: Sequence[Finding]) -> tuple[Finding, ...]:
        return tuple(replace(f, task=name, arm=name, id=f.id.replace(NAME, name[:200], 1)) for f in findings)

    return replace(small(), findings=under(small().findings), fan=under(small().fan))
