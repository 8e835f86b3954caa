"""Forecasts of made-up counts, as the page gets them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from overthink import forecast
from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis
from overthink.data.results.forecast import FamilyResult, NextBudgetResult
from overthink.data.verdict_labels import NextBudgetLabel
from overthink.forecasts.counts import CurveBank
from overthink.forecasts.findings import ForecastOptions, fan_points, forecast_result
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
    return ForecastPanel(forecast_result(bank, made, asked, prefix=NAME), fan_points(bank, made, asked, prefix=NAME))


@cache
def small() -> ForecastPanel:
    """A bank with few points, where only its names matter."""
    return panel(k=(1, 200))


def named(name: str) -> ForecastPanel:
    """The small bank under another name, in its ids, too."""

    def under(finding: Finding) -> Finding:
        return replace(finding, task=name, arm=name, id=finding.id.replace(NAME, name[:200], 1))

    result = replace_findings(small().result, under)
    key = result.key._replace(task=name, arm=name)
    return ForecastPanel(replace(result, key=key), replace_findings(small().fan, under))


def replace_findings(result: Any, new: Callable[[Finding], Finding]) -> Any:
    """The same result with every finding replaced."""
    if isinstance(result, Finding):
        return new(result)
    if is_dataclass(result) and not isinstance(result, type):
        parts = {field.name: replace_findings(getattr(result, field.name), new) for field in fields(result)}
        return replace(result, **parts)
    if isinstance(result, Mapping):
        return {key: replace_findings(value, new) for key, value in result.items()}
    if type(result) is tuple:
        return tuple(replace_findings(part, new) for part in result)
    return result


def next_budget(name: str, *, obstacle: str | None = None) -> NextBudgetResult:
    """A curve beyond its ladder: the pool, a family that predicts, one that does not."""
    at = At(k=1, selector="single", requested_tokens=8192)
    blank = Finding(
        f"{name}/next_octave/mean", Kind.NEXT_OCTAVE, "safety", name, "base", "forced", Metric.MEAN, at, level=0.9
    )
    notes = ("no turn is foreseen",)
    pool = replace(blank, estimate=0.615, low=0.517, high=0.709, label=NextBudgetLabel.EXTRAPOLATED, limits=notes)
    if obstacle is not None:
        pool = replace(blank, label=NextBudgetLabel.NOT_FORECAST, reason=obstacle)
    flat = replace(blank, id=f"{name}/flat", metric=Metric.FLAT, estimate=0.613, low=0.51, high=0.7, label="predicts")
    missed = replace(flat, id=f"{name}/flat_error", metric=Metric.FLAT_ERROR, estimate=0.021, low=None, high=None)
    why = "missed by 20 points"
    hump = replace(blank, id=f"{name}/hump", metric=Metric.HUMP, estimate=0.4, label="not used", reason=why)
    families = (FamilyResult("flat", "flat", True, None, flat, missed), FamilyResult("hump", "hump", False, why, hump))
    key = CurveKey("safety", name, "base", "", "forced")
    label = NextBudgetLabel(str(pool.label))
    return NextBudgetResult(key, "requested tokens", label, obstacle, 4096, 8192, 0.9, notes, pool, families)
