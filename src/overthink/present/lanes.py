"""Lanes below a curve, one per threshold: a bar from K* to K*, a faint zone above it, and a label that has room.

The page's script (``thresholds.js``) lays them out in the same way.
"""

import math
from collections.abc import Sequence
from typing import Any

from overthink.present.axis import Axis
from overthink.present.curve import Curve
from overthink.present.thresholds import Mark, holds_for
from overthink.present.wording import tokens

LANE = 0.15
"""Height of a lane, in units of the share that the chart shows."""

_BAR = 0.68
"""Where in its lane a bar stands, from above: a label that has no room beside it stands over it."""

_LETTER = 6.2
"""Pixels of a letter of a label, about."""

_BEYOND = "beyond what was tested"


def lanes(marks: Sequence[Mark], group: Sequence[Curve], axis: Axis, *, width: float) -> list[dict[str, Any]]:
    """The rows of the data set ``thresholds``; none where the curves of a chart share no reference, or K has no place.

    Args:
        marks: What could be drawn.
        group: The curves of the chart.
        axis: Its axis, in tokens.
        width: Pixels of the chart.
    """
    references = {curve.reference for curve in group}
    (reference,) = references if len(references) == 1 else (None,)
    if axis.scale != "log" or reference is None or not reference > 0:
        return []
    placed = [x / reference for curve in group for rung in curve.rungs if rung.mean and (x := axis.place(rung))]
    mine = [mark for mark in marks if any(holds_for(mark, curve) for curve in group)]
    rows: list[dict[str, Any]] = []
    for number, mark in enumerate(mine if placed else ()):
        lane = -LANE * (number + _BAR)
        rows += _lane(mark, lane, axis, reference=reference, tested=max(placed), width=width)
    return rows


def floor(rows: Sequence[dict[str, Any]]) -> float:
    """The lower end of the share axis: 0 without lanes."""
    return min((row["lane"] - LANE * (1 - _BAR) for row in rows), default=0.0)


def lanes_noted(marks: Sequence[Mark], rows: Sequence[dict[str, Any]], reference: float | None) -> list[str]:
    """Lines below a title that say what the lanes are; none without lanes."""
    if not rows or reference is None:
        return []
    how = "; ".join(dict.fromkeys(mark.how for mark in marks))
    return [
        f"lanes: K* of thresholds on training compute ({how}), dashed beyond what was tested; K above the chart",
        f"K* is analysis, not legal status; K = 1: one attempt of {tokens(reference)} tokens",
    ]


def _lane(
    mark: Mark, lane: float, axis: Axis, *, reference: float, tested: float, width: float
) -> list[dict[str, Any]]:
    where = "" if mark.high <= tested else f" · {_BEYOND}" if mark.low > tested else f" · partly {_BEYOND}"
    text = f"{mark.label} · K* {mark.said}{where}"
    low, high = mark.low * reference, mark.high * reference
    common = {"lane": lane, "tip": "", "zone": False, "bar": False, "beyond": False, "side": "", "text": ""}
    if low >= axis.high:
        return [common | {"x": axis.high, "x2": axis.high, "side": "left", "text": f"{text} ▸"}]
    if high <= axis.low:
        return [common | {"x": axis.low, "x2": axis.low, "side": "right", "text": f"◂ {text}"}]
    low, end = max(low, axis.low), min(high, axis.high)
    edge = min(max(tested * reference, low), end)
    left, right = (math.log(x / axis.low) / math.log(axis.high / axis.low) for x in (low, end))
    room = _LETTER * (len(text) + 3) / width
    inside = min(max((left + right) / 2, room / 2), 1 - room / 2) if room < 1 else 0.5
    middle = axis.low * (axis.high / axis.low) ** inside
    side, at = ("right", end) if 1 - right >= room else ("left", low) if left >= room else ("middle", middle)
    parts = [{"x": low, "x2": edge, "beyond": False}, {"x": edge, "x2": end, "beyond": True}]
    return [
        common | {"x": low, "x2": end, "zone": True},
        *(common | part | {"bar": True} for part in parts if part["x"] < part["x2"]),
        common | {"x": at, "x2": at, "side": side, "text": text + (" ▸" if high > axis.high else "")},
    ]
