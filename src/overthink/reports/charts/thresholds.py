"""Positions of training-compute thresholds on the K axis, for the page: names, numbers and text.

K* is analysis, never legal status. Instruments are looked up by the caller.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overthink.reports.curve import ReportCurve
from overthink.reports.names import visible

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
