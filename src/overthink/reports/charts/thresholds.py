"""Positions of training-compute thresholds on the K axis, for the page: names, numbers and text.

K* is analysis, never legal status. Instruments are looked up by the caller.

Threshold bars below a curve: a bar over the interval of K*, a faint zone above it, and a label.

The page's script (``thresholds.js``) uses the same layout.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overthink.data.visible import visible
from overthink.reports.charts.axes import ChartAxis
from overthink.reports.report_curves import ReportCurve
from overthink.reports.wording import tokens

MAX_MARKS = 6
"""Maximum number of marks drawn, smallest first; the table contains all."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Position of one threshold on the K axis.

    Attributes:
        label: The number with its unit, such as "1e25 FLOP".
        low: K* under the most favourable assumptions.
        high: K* under the least favourable assumptions; infinite if no K reaches it.
        text: Both as text.
        how: Basis of K*, such as "α 0.5 to 1".
        curve: Curve that it applies to, as "axis/task/arm"; None for all.
    """

    label: str
    low: float
    high: float
    text: str
    how: str
    curve: str | None = None


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """One threshold, its instruments, K*, and K* against the tested budgets; every field is text."""

    threshold: str
    instruments: tuple[str, ...]
    k_star: str
    coverage: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Section of a report on training-compute thresholds.

    Attributes:
        head: Assumptions and date; or the missing input.
        label: Meaning of the result, and its restrictions; empty without a result.
        basis: Basis of K, and meaning of K = 1.
        marks: Marks of the chart.
        rows: Rows of the table.
        notes: Sources of the exponents, omitted instruments.
    """

    head: str
    label: str = ""
    basis: str = ""
    marks: tuple[Mark, ...] = ()
    rows: tuple[ThresholdRow, ...] = ()
    notes: tuple[str, ...] = ()


def visible_marks(thresholds: Thresholds | None) -> list[Mark]:
    """Return the marks with a position: K* is finite, and training alone does not reach it."""
    marks = [] if thresholds is None else thresholds.marks
    return [mark for mark in marks if math.isfinite(mark.low) and mark.high > 1][:MAX_MARKS]


def holds_for(mark: Mark, curve: ReportCurve) -> bool:
    """Return whether a mark applies to a curve."""
    return mark.curve in (None, f"{curve.axis}/{curve.task}/{curve.arm}")


def marks_data(thresholds: Thresholds | None, curves: Sequence[ReportCurve]) -> dict[str, Any]:
    """Return the marks as JSON values: infinite ends are null, curves are indices in the order of the page."""
    return {
        "label": "" if thresholds is None else visible(thresholds.label, 400),
        "marks": [
            {
                "label": visible(mark.label),
                "low": mark.low,
                "high": mark.high if math.isfinite(mark.high) else None,
                "said": visible(mark.text),
                "how": visible(mark.how),
                "curves": [index for index, curve in enumerate(curves) if holds_for(mark, curve)],
            }
            for mark in visible_marks(thresholds)
        ],
    }


BAR_HEIGHT = 0.15
"""Height of a bar's lane, in units of the y axis."""

_BAR_OFFSET = 0.68
"""Position of a bar in its lane, from above; leaves room for a label over it."""

_LETTER = 6.2
"""Approximate width of a letter in pixels."""

_BEYOND = "beyond what was tested"


def threshold_bars(
    marks: Sequence[Mark], group: Sequence[ReportCurve], axis: ChartAxis, *, width: float
) -> list[dict[str, Any]]:
    """Return the rows of the data set ``thresholds``; empty unless the curves share a reference on a log axis.

    Args:
        marks: Marks to draw.
        group: Curves of the chart.
        axis: Axis of the chart, in thinking tokens.
        width: Width of the chart in pixels.
    """
    references = {curve.reference for curve in group}
    (reference,) = references if len(references) == 1 else (None,)
    if axis.scale != "log" or reference is None or not reference > 0:
        return []
    positions = [x / reference for curve in group for rung in curve.rungs if rung.mean and (x := axis.position(rung))]
    mine = [mark for mark in marks if any(holds_for(mark, curve) for curve in group)]
    rows: list[dict[str, Any]] = []
    for number, mark in enumerate(mine if positions else ()):
        lane = -BAR_HEIGHT * (number + _BAR_OFFSET)
        rows += _bar_rows(mark, lane, axis, reference=reference, highest=max(positions), width=width)
    return rows


def share_floor(rows: Sequence[dict[str, Any]]) -> float:
    """Return the lower end of the share axis; 0 without bars."""
    return min((row["lane"] - BAR_HEIGHT * (1 - _BAR_OFFSET) for row in rows), default=0.0)


def bar_notes(marks: Sequence[Mark], rows: Sequence[dict[str, Any]], reference: float | None) -> list[str]:
    """Return the notes on threshold bars below a title; empty without bars."""
    if not rows or reference is None:
        return []
    how = "; ".join(dict.fromkeys(mark.how for mark in marks))
    return [
        f"lanes: K* (training trade) of thresholds ({how}), dashed beyond what was tested; K above the chart",
        f"K* (training trade) is analysis, not legal status; K = 1: one try that thinks {tokens(reference)} tokens",
    ]


def _bar_rows(
    mark: Mark, lane: float, axis: ChartAxis, *, reference: float, highest: float, width: float
) -> list[dict[str, Any]]:
    where = "" if mark.high <= highest else f" · {_BEYOND}" if mark.low > highest else f" · partly {_BEYOND}"
    text = f"{mark.label} · K* {mark.text}{where}"
    low, high = mark.low * reference, mark.high * reference
    common = {"lane": lane, "tip": "", "zone": False, "bar": False, "beyond": False, "side": "", "text": ""}
    if low >= axis.high:
        return [common | {"x": axis.high, "x2": axis.high, "side": "left", "text": f"{text} ▸"}]
    if high <= axis.low:
        return [common | {"x": axis.low, "x2": axis.low, "side": "right", "text": f"◂ {text}"}]
    low, end = max(low, axis.low), min(high, axis.high)
    edge = min(max(highest * reference, low), end)
    start, stop = (math.log(x / axis.low) / math.log(axis.high / axis.low) for x in (low, end))
    room = _LETTER * (len(text) + 3) / width
    inside = min(max((start + stop) / 2, room / 2), 1 - room / 2) if room < 1 else 0.5
    middle = axis.low * (axis.high / axis.low) ** inside
    side, at = ("right", end) if 1 - stop >= room else ("left", low) if start >= room else ("middle", middle)
    parts = [{"x": low, "x2": edge, "beyond": False}, {"x": edge, "x2": end, "beyond": True}]
    return [
        common | {"x": low, "x2": end, "zone": True},
        *(common | part | {"bar": True} for part in parts if part["x"] < part["x2"]),
        common | {"x": at, "x2": at, "side": side, "text": text + (" ▸" if high > axis.high else "")},
    ]
