"""Data of the fan chart from the forecast of one bank, for the page and for files."""

from collections.abc import Sequence
from typing import Any

from overthink.data.finding import Finding
from overthink.data.results.forecast import ThresholdResult, TriesPoint
from overthink.data.verdict_labels import CrossingLabel
from overthink.reports import forecast_text as words
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.fan_template import LAYERS, fan_chart
from overthink.reports.forecast_curve import ForecastPanel

_ROOM = 1.12
"""Factor by which the axis extends beyond the data at both ends."""


def fan(panel: ForecastPanel) -> Chart:
    """Return the fan chart of one bank.

    Args:
        panel: A bank with a fan.
    """
    result, last = panel.result, panel.fan[-1].k
    data = {
        "free": [_band(point.k, point.bound, "free") for point in panel.fan],
        "model": [_band(point.k, point.value, "model") for point in panel.fan] if result.has_model else [],
        "lines": _lines(panel.fan),
        "dots": [_point(point, exact=point.is_exact) | {"tip": words.tip(panel, point)} for point in result.points],
        "attempts": _attempts(panel.fan, last),
        "levels": [_level(at, last) for at in result.thresholds],
        "stars": [_star(panel, at, last) for at in result.thresholds],
    }
    where = () if result.at.rung is None else (f"rung {result.at.rung}",)
    layers = [
        layer
        for name, layer in LAYERS.items()
        if data.get(name) or any(row["name"] == layer.name for row in data["lines"])
    ]
    return Chart(
        name=(result.key.axis, result.key.task, "forecast", result.key.arm, *where),
        title=f"{panel.name}: {words.success(panel.axis)}",
        notes=words.notes(panel),
        template=fan_chart(),
        parameters=_x(last),
        datasets=data,
        keys={layer.name: layer.colour for layer in layers},
    )


def _layer_style(layer: str) -> dict[str, Any]:
    return {"name": LAYERS[layer].name, "colour": LAYERS[layer].colour}


def _band(k: int, finding: Finding, layer: str) -> dict[str, Any]:
    return {"k": k, "low": finding.low, "high": finding.high, **_layer_style(layer)}


def _point(point: TriesPoint, *, exact: bool) -> dict[str, Any]:
    layer = _layer_style("exact" if exact else "model")
    return {"k": point.k, "estimate": point.value.estimate, "exact": exact, **layer}


def _lines(fan: Sequence[TriesPoint]) -> list[dict[str, Any]]:
    """Return the points of the estimate lines; the model's line begins at the end of the exact line."""
    numbers = [point for point in fan if point.value.estimate is not None]
    exact, model = ([point for point in numbers if point.is_exact == sure] for sure in (True, False))
    lines = [_point(point, exact=True) for point in exact]
    return lines + [_point(point, exact=False) for point in [*exact[-1:], *model] if model]


def _attempts(fan: Sequence[TriesPoint], last: int) -> list[dict[str, Any]]:
    exact = [point.k for point in fan if point.is_exact]
    if not exact or exact[-1] == last:
        return []
    return [{"k": exact[-1], "shown": f"exact up to {exact[-1]:,} tries", "side": _side(exact[-1], last, until=0.5)}]


def _side(k: float, last: int, *, until: float) -> str:
    """Return the label side: right of k, unless k is beyond this share of the log axis."""
    return "right" if k <= last**until else "left"


def _level(at: ThresholdResult, last: int) -> dict[str, Any]:
    """Return a threshold row, labelled away from its crossing."""
    star = at.crossing.estimate
    early = star is not None and star <= last**0.4
    shown = f"threshold {words.threshold(at.threshold)}"
    return {"tau": at.threshold, "shown": shown, "side": "right" if early else "left"}


def _star(panel: ForecastPanel, at: ThresholdResult, last: int) -> dict[str, Any]:
    star, ends = at.crossing.estimate, {}
    for name, finding in (("", at.crossing), ("bound_", at.bound)):
        # An open end extends to the edge of the chart, marked by an arrow.
        is_open = finding.low is None or (finding is at.crossing and not panel.result.has_model)
        ends[f"{name}low"] = None if is_open else finding.low
        ends[f"{name}high"] = None if is_open else finding.high if finding.high is not None else last * _ROOM
    open_ended = any(f.low is not None and f.high is None for f in (at.crossing, at.bound))
    # The diamond is the model's: where the band that decides leaves K* open, its label does not settle it.
    is_settled = at.band == "model" or at.verdict == CrossingLabel.RESOLVED
    named = f"K* = {star or 0:,.0f}" if is_settled else f"K* {at.verdict}; model {star or 0:,.0f}"
    label = "" if star is None else named
    tip = f"{panel.name}\n{words.crossing(panel, at)}"
    beside = {"shown": label, "side": _side(star or 1, last, until=0.85), "tip": tip}
    return {"k": star, "tau": at.threshold, "open": open_ended, **ends, **beside}


def _x(last: int) -> dict[str, Any]:
    ticks = [10**power for power in range(len(str(last)))]
    if len(ticks) <= 2:
        ticks = [step * tick for tick in ticks for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if tick <= last]
    labels = [words.tries(tick) for tick in ticks]
    return {"xlow": 1 / _ROOM, "xhigh": last * _ROOM, "xticks": ticks, "xlabels": labels}
