"""The fan chart with the findings of one bank, for the page and for files. Numbers are looked up, not computed."""

from collections.abc import Sequence
from typing import Any

from overthink.core.finding import Finding
from overthink.core.forecast.findings import EXACT
from overthink.present import forecast_words as words
from overthink.present.fan import LAYERS, fan_chart
from overthink.present.filling import Chart
from overthink.present.forecast_panel import ForecastPanel, Threshold

_ROOM = 1.12
"""The axis goes on by this factor at both ends."""


def fan(panel: ForecastPanel) -> Chart:
    """The fan chart of one bank.

    Args:
        panel: The bank; it has a fan.
    """
    pairs = panel.fan_by_k()
    last = pairs[-1][0].at.k or 1
    first = panel.findings[0]
    data = {
        "free": [_band(bound, "free") for _, bound in pairs],
        "model": [_band(made, "model") for made, _ in pairs] if panel.has_model else [],
        "lines": _lines([made for made, _ in pairs]),
        "dots": [
            _point(made, exact=made.label == EXACT) | {"tip": words.tip(panel, made, bound)}
            for made, bound in panel.by_k()
        ],
        "attempts": _attempts(panel, last),
        "levels": [_level(one, last) for one in panel.crossings()],
        "stars": [_star(panel, one, last) for one in panel.crossings()],
    }
    where = () if first.at.rung is None else (f"rung {first.at.rung}",)
    used = [
        layer for layer in LAYERS if data.get(layer) or any(row["name"] == LAYERS[layer][0] for row in data["lines"])
    ]
    return Chart(
        name=(first.axis, first.task, "forecast", first.arm, *where),
        title=f"{panel.name}: {words.success(panel.axis)}",
        notes=words.notes(panel),
        template=fan_chart(),
        parameters=_x(last),
        datasets=data,
        keys={LAYERS[layer][0]: LAYERS[layer][1] for layer in used},
    )


def _drawn(layer: str) -> dict[str, Any]:
    name, colour = LAYERS[layer]
    return {"name": name, "colour": colour}


def _band(finding: Finding, layer: str) -> dict[str, Any]:
    return {"k": finding.at.k, "low": finding.low, "high": finding.high, **_drawn(layer)}


def _point(finding: Finding, *, exact: bool) -> dict[str, Any]:
    layer = _drawn("exact" if exact else "model")
    return {"k": finding.at.k, "estimate": finding.estimate, "exact": exact, **layer}


def _lines(made: Sequence[Finding]) -> list[dict[str, Any]]:
    """The estimates; the model's line begins where the exact one ends."""
    known = [finding for finding in made if finding.estimate is not None]
    exact, told = ([f for f in known if (f.label == EXACT) == sure] for sure in (True, False))
    lines = [_point(finding, exact=True) for finding in exact]
    return lines + [_point(finding, exact=False) for finding in [*exact[-1:], *told] if told]


def _attempts(panel: ForecastPanel, last: int) -> list[dict[str, Any]]:
    exact = [made.at.k or 1 for made, _ in panel.fan_by_k() if made.label == EXACT]
    if not exact or exact[-1] == last:
        return []
    return [{"k": exact[-1], "shown": f"exact up to {exact[-1]:,} tries", "side": _side(exact[-1], last, until=0.5)}]


def _side(k: float, last: int, *, until: float) -> str:
    """Right of k, unless k is further along the log axis than this share of it."""
    return "right" if k <= last**until else "left"


def _level(at: Threshold, last: int) -> dict[str, Any]:
    """A threshold, to be named where it is not crossed."""
    star = at.crossing.estimate
    early = star is not None and star <= last**0.4
    return {"tau": at.tau, "shown": f"threshold {words.threshold(at.tau)}", "side": "right" if early else "left"}


def _star(panel: ForecastPanel, at: Threshold, last: int) -> dict[str, Any]:
    star, ends = at.crossing.estimate, {}
    for name, finding in (("", at.crossing), ("bound_", at.bound)):
        # An open end goes on to the edge of the chart, where an arrow stands.
        unresolved = finding.low is None or (finding is at.crossing and not panel.has_model)
        ends[f"{name}low"] = None if unresolved else finding.low
        ends[f"{name}high"] = None if unresolved else finding.high if finding.high is not None else last * _ROOM
    open_ended = any(f.low is not None and f.high is None for f in (at.crossing, at.bound))
    shown = "" if star is None else f"K* = {star:,.0f}"
    beside = {"shown": shown, "side": _side(star or 1, last, until=0.85), "tip": f"{panel.name}\n{words.crossing(at)}"}
    return {"k": star, "tau": at.tau, "open": open_ended, **ends, **beside}


def _x(last: int) -> dict[str, Any]:
    ticks = [10**power for power in range(len(str(last)))]
    if len(ticks) <= 2:
        ticks = [step * tick for tick in ticks for step in (1, 2, 5)]
    ticks = [tick for tick in ticks if tick <= last]
    labels = [words.tries(tick) for tick in ticks]
    return {"xlow": 1 / _ROOM, "xhigh": last * _ROOM, "xticks": ticks, "xlabels": labels}
