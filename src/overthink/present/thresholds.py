"""Where thresholds on training compute stand on the K axis, as the page is told: names, numbers and sentences.

K* is analysis, never legal status. Nothing here knows an instrument: whoever makes a report looks them up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overthink.present.curve import Curve
from overthink.present.names import visible

MOST_MARKS = 6
"""Marks drawn at once, smallest first; the table has all of them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one number stands on the K axis.

    Attributes:
        label: The number with its unit, such as "1e25 FLOP".
        low: K* at the most favourable of what is assumed.
        high: K* at the least favourable; infinite where no K reaches it.
        said: Both as text.
        how: What K* rests on, such as "α 0.5 to 1".
        curve: The one curve it holds for, as "axis/task/arm"; None for all.
    """

    label: str
    low: float
    high: float
    said: str
    how: str
    curve: str | None = None


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """One number, the instruments that set it, and where it stands; every field is text."""

    threshold: str
    instruments: tuple[str, ...]
    k_star: str
    tested: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a report says about thresholds on training compute.

    Attributes:
        head: What was assumed, on which day; or what has to be given first.
        label: What it is, and is not; empty where there is nothing to label.
        basis: What K multiplies, and what K = 1 is.
        marks: What is drawn.
        rows: The table.
        notes: What a reader must know: sources of the exponents, instruments left out.
    """

    head: str
    label: str = ""
    basis: str = ""
    marks: tuple[Mark, ...] = ()
    rows: tuple[ThresholdRow, ...] = ()
    notes: tuple[str, ...] = ()


def drawn_marks(told: Thresholds | None) -> list[Mark]:
    """The marks that have a place: K* is a number, and training alone does not reach it."""
    marks = [] if told is None else told.marks
    return [mark for mark in marks if math.isfinite(mark.low) and mark.high > 1][:MOST_MARKS]


def holds_for(mark: Mark, curve: Curve) -> bool:
    """Whether a mark stands on the axis of a curve."""
    return mark.curve in (None, f"{curve.axis}/{curve.task}/{curve.arm}")


def marks_data(told: Thresholds | None, found: Sequence[Curve]) -> dict[str, Any]:
    """The marks as JSON values: an end that is infinite is null, curves are numbered in the order of the page."""
    return {
        "label": "" if told is None else visible(told.label, 400),
        "marks": [
            {
                "label": visible(mark.label),
                "low": mark.low,
                "high": mark.high if math.isfinite(mark.high) else None,
                "said": visible(mark.said),
                "how": visible(mark.how),
                "curves": [place for place, curve in enumerate(found) if holds_for(mark, curve)],
            }
            for mark in drawn_marks(told)
        ],
    }
