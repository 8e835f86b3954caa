"""Where rungs stand on the x axis of a figure: by tokens where they are counted, else by level; or by tries."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overthink.cost.units import Unit, figure, noun
from overthink.data.kinds import Metric
from overthink.data.visible import visible
from overthink.reports.charts.templates import AxisScale
from overthink.reports.report_curves import ReportCurve, ReportRung

_STEPS = (1, 2, 5)
_FEWER = (1, 3)
"""Steps for labels in powers of ten, which are wider."""

_ROOM = 1.18
"""Factor by which a log axis extends beyond the data at both ends."""


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """Scale, bounds and ticks; ``position`` returns the x of a rung, None without one."""

    scale: AxisScale
    title: str
    low: float
    high: float
    ticks: list[float]
    labels: list[str]
    position: Callable[[ReportRung], float | None]


def tokens_axis(group: Sequence[ReportCurve]) -> ChartAxis | None:
    """Return the log axis of tokens decoded by one attempt; None without token counts."""
    values = [x for curve in group for rung in curve.rungs if rung.mean and (x := _attempt(rung)) is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    title = "tokens one attempt decodes, thinking and answer; log scale"
    if low <= 0:
        ticks = [0.0, *_log_ticks(1.0, max(high, 10.0))]
        return ChartAxis("symlog", title, -0.3, max(high, 1.0) * _ROOM, ticks, [f"{t:,.0f}" for t in ticks], _attempt)
    low, high = low / _ROOM, high * _ROOM
    ticks = _log_ticks(low, high)
    return ChartAxis("log", title, low, high, ticks, [f"{tick:,.15g}" for tick in ticks], _attempt)


def thinking_axis(group: Sequence[ReportCurve]) -> ChartAxis | None:
    """Return the log axis of thinking, on which K has a place; None without a rung that thinks.

    Direct answers have no position on it.
    """
    values = [x for curve in group for rung in curve.rungs if rung.mean and (x := rung.thinking.tokens)]
    if not values:
        return None
    low, high = min(values) / _ROOM, max(values) * _ROOM
    ticks = _log_ticks(low, high)
    title = "thinking tokens, requested where there is a budget; log scale"
    return ChartAxis(
        "log", title, low, high, ticks, [f"{tick:,.15g}" for tick in ticks], lambda rung: rung.thinking.tokens or None
    )


def compute_axis(totals: Sequence[float], unit: str | None) -> ChartAxis:
    """Return the log axis of total compute in a unit; rungs have no position on it."""
    low, high = min(totals) / _ROOM, max(totals) * _ROOM
    ticks = _log_ticks(low, high) if unit in (None, Unit.TOKENS) else _log_ticks(low, high, _FEWER)
    parts = "" if unit == Unit.SECONDS else ": of what is decoded or thrown away, of guards and verifiers"
    title = f"total {visible(noun(unit))}, log scale{parts}"
    return ChartAxis("log", title, low, high, ticks, [figure(tick, unit) for tick in ticks], lambda _: None)


def k_ticks(axis: ChartAxis, reference: float) -> dict[str, list[Any]]:
    """Return the second labels of an axis of thinking: K in powers of two, few enough to be readable."""
    low, high = axis.low / reference, axis.high / reference
    doublings = math.log2(high / low)
    base = 16 if doublings > 24 else 4 if doublings > 9 else 2
    powers = range(math.ceil(math.log(low, base)), math.floor(math.log(high, base)) + 1)
    ticks = [float(base) ** power for power in powers]
    return {
        "kticks": [k * reference for k in ticks],
        "klabels": [f"K={k:,.0f}" if k >= 1 else f"K={k:g}" for k in ticks],
    }


def level_axis(group: Sequence[ReportCurve]) -> ChartAxis:
    """Return the axis of requested levels, in the order of the ladder, one unit apart."""
    first: dict[str, int] = {}
    for curve in group:
        for rung in curve.rungs:
            first[rung.level] = min(rung.number, first.get(rung.level, rung.number))
    order = sorted(first, key=lambda level: first[level])
    position_of = {level: float(index) for index, level in enumerate(order)}
    title = "level asked for; distances mean nothing"
    return ChartAxis(
        "linear", title, -0.4, len(order) - 0.6, list(position_of.values()), order, lambda rung: position_of[rung.level]
    )


def tries_axis(tries: Sequence[int]) -> ChartAxis:
    """Return the log axis of tries per question."""
    ticks = list(tries) if len(tries) <= 12 else [k for k in tries if k & (k - 1) == 0] or list(tries[:12])
    labels = [f"{k:,}" for k in ticks]
    return ChartAxis("log", "k", tries[0] / _ROOM, tries[-1] * _ROOM, [float(k) for k in ticks], labels, lambda _: None)


def _attempt(rung: ReportRung) -> float | None:
    tokens = rung.result.tokens.get(Metric.ATTEMPT_TOKENS)
    return None if tokens is None else tokens.estimate


def _log_ticks(low: float, high: float, steps: Sequence[int] = _STEPS) -> list[float]:
    """Return ticks at some digits of every decade between two bounds; more for short spans, only 1 for wide ones."""
    decades = math.log10(high / low)
    short = range(1, 10) if steps == _STEPS else _STEPS
    steps = short if decades < 1 else steps if decades <= 3 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def budget_span(labels: Mapping[float, str]) -> dict[str, Any]:
    """Return ends, ticks and labels of an axis of thinking budgets, as the templates of lines by kind take them.

    Args:
        labels: Label of each place on the axis.
    """
    axis, ticks = compute_axis(list(labels), None), sorted(labels)
    return {"xlow": axis.low, "xhigh": axis.high, "xticks": ticks, "xlabels": [labels[x] for x in ticks]}
