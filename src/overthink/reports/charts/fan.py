"""Data of the fan chart from the findings of one bank, for the page and for files."""

from collections.abc import Sequence
from typing import Any

from overthink.data.finding import Finding
from overthink.data.kinds import ForecastLabel
from overthink.reports import forecast_text as words
from overthink.reports.charts.curve import Chart
from overthink.reports.charts.fan_template import LAYERS, fan_chart
from overthink.reports.forecast_curve import ForecastPanel, ForecastThreshold

_ROOM = 1.12
"""Factor by which the axis extends beyond the data at both ends."""


def fan(panel: ForecastPanel) -> Chart:
    """Return the fan chart of one bank.

    Args:
        panel: A bank with a fan.
    """
    pairs = panel.fan_by_k()
    last = pairs[-1][0].at.k or 1
    first = panel.findings[0]
    data = {
        "free": [_band(bound, "free") for _, bound in pairs],
        "model": [_band(estimate, "model") for estimate, _ in pairs] if panel.has_model else [],
        "lines": _lines([estimate for estimate, _ in pairs]),
        "dots": [
            _point(estimate, exact=estimate.label == ForecastLabel.EXACT) | {"tip": words.tip(panel, estimate, bound)}
            for estimate, bound in panel.by_k()
        ],
        "attempts": _attempts(panel, last),
        "levels": [_level(threshold, last) for threshold in panel.crossings()],
        "stars": [_star(panel, threshold, last) for threshold in panel.crossings()],
    }
    where = () if first.at.rung is None else (f"rung {first.at.rung}",)
    layers = [
        layer for layer in LAYERS if data.get(layer) or any(row["name"] == LAYERS[layer][0] for row in data["lines"])
    ]
    return Chart(
        name=(first.axis, first.task, "forecast", first.arm, *where),
        title=f"{panel.name}: {words.success(panel.axis)}",
        notes=words.notes(panel),
        template=fan_chart(),
        parameters=_x(last),
        datasets=data,
        keys={LAYERS[layer][0]: LAYERS[layer][1] for layer in layers},
    )


def _layer_style(layer: str) -> dict[str, Any]:
    name, colour = LAYERS[layer]
    return {"name": name, "colour": colour}


def _band(finding: Finding, layer: str) -> dict[str, Any]:
    return {"k": finding.at.k, "low": finding.low, "high": finding.high, **_layer_style(layer)}


def _point(finding: Finding, *, exact: bool) -> dict[str, Any]:
    layer = _layer_style("exact" if exact else "model")
    return {"k": finding.at.k, "estimate": finding.estimate, "exact": exact, **layer}


def _lines(estimates: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the points of the estimate lines; the model's line begins at the end of the exact line."""
    numbers = [finding for finding in estimates if finding.estimate is not None]
    exact, model = ([f for f in numbers if (f.label == ForecastLabel.EXACT) == sure] for sure in (True, False))
    lines = [_point(finding, exact=True) for finding in exact]
    return lines + [_point(finding, exact=False) for finding in [*exact[-1:], *model] if model]


def _attempts(panel: ForecastPanel, last: int) -> list[dict[str, Any]]:
    exact = [estimate.at.k or 1 for estimate, _ in panel.fan_by_k() if estimate.label == ForecastLabel.EXACT]
    if not exact or exact[-1] == last:
        return []
    return [{"k": exact[-1], "shown": f"exact up to {exact[-1]:,} tries", "side": _side(exact[-1], last, until=0.5)}]


def _side(k: float, last: int, *, until: float) -> str:
    """Return the label side: right of k, unless k is beyond this share of the log axis."""
    return "right" if k <= last**until else "left"


def _level(at: ForecastThreshold, last: int) -> dict[str, Any]:
    """Return a threshold row, labelled away from its crossing."""
    star = at.crossing.estimate
    early = star is not None and star <= last**0.4
    return {"tau": at.tau, "shown": f"threshold {words.threshold(at.tau)}", "side": "right" if early else "left"}


def _star(panel: ForecastPanel, at: ForecastThreshold, last: int) -> dict[str, Any]:
    star, ends = at.crossing.estimate, {}
    for name, finding in (("", at.crossing), ("bound_", at.bound)):
        # An open end extends to the edge of the chart, marked by an arrow.
        is_open = finding.low is None or (finding is at.crossing and not panel.has_model)
        ends[f"{name}low"] = None if is_open else finding.low
        ends[f"{name}high"] = None if is_open else finding.high if finding.high is not None else last * _ROOM
    open_ended = any(f.low is not None and f.high is None for f in (at.crossing, at.bound))
    label = "" if star is None else f"K* = {star:,.0f}"
    beside = {"shown": label, "side": _side(star or 1, last, until=0.85), "tip": f"{panel.name}\n{words.crossing(at)}"}
    return {"k": star, "tau": at.tau, "open": open_ended, **ends, **beside}


def _x(last: int) -> dict[str, Any]:
    ticks = [10**power for power in range(len(str(last)))]
    if len(ticks) <= 2:
        ticks = [step * tick for tick in ticks for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if tick <= last]
    labels = [words.tries(tick) for tick in ticks]
    return {"xlow": 1 / _ROOM, "xhigh": last * _ROOM, "xticks": ticks, "xlabels": labels}
