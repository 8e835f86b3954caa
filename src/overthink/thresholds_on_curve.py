"""Where thresholds on training compute stand on the K axis of a study's curves. Analysis, never legal status."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from overthink.appendix import Known
from overthink.assuming import TRAINING_FLOP
from overthink.govern.calculation import Calculation
from overthink.govern.effective_compute import LABEL
from overthink.govern.inputs import Range, read_range
from overthink.govern.wording import number
from overthink.present.thresholds import Mark, ThresholdRow, Thresholds
from overthink.tested import Tested
from overthink.thresholds_in_words import (
    GIVE,
    against_tested,
    basis_words,
    instrument_words,
    k_words,
    met_words,
    notes,
)

_Row = Mapping[str, Any]


def measured_curve(tested: Sequence[Tested]) -> Tested | str:
    """The one curve that scores of a model family can be compared with, or why there is none."""
    able = [curve for curve in tested if curve.axis == "capability"]
    if len(able) != 1:
        return f"scores of a family belong to one capability curve, and this study has {len(able)} on the K axis"
    if not all(below < above for below, above in itertools.pairwise(able[0].k)):
        return "tokens per attempt do not rise along the ladder, so a gain has no place on the K axis"
    return able[0]


def thresholds_on_curve(known: Known, found: Calculation | None, *, gained: Tested | str | None) -> Thresholds:
    """The marks, the table and the sentences.

    Args:
        known: Of study and model.
        found: The answer of the calculator of effective compute; None where the training compute is not stated.
        gained: The curve whose measured gain stands in ``found``, or why there is none; None where none was asked for.
    """
    if found is None:
        return Thresholds(head=GIVE)
    tables = found.as_dict()["tables"]
    given = next(value for name, value, _ in found.inputs if name == "alpha")
    alpha = given if isinstance(given, Range) else Range(float(given), float(given))
    flop = read_range(known.assumed.inputs[TRAINING_FLOP], TRAINING_FLOP)
    marks: list[Mark] = []
    rows: list[ThresholdRow] = []
    for size, group in _by_number(tables["thresholds"]).items():
        mark = _assumed(size, group, alpha)
        marks.append(mark)
        rows.append(_row(mark, group, known.tested))
        if isinstance(gained, Tested) and mark.high > 1:
            measured, row = _measured(size, flop, tables["compute_equivalent_gain"], gained)
            marks += measured
            rows.append(row)
    return Thresholds(
        head=f"Assumed: a training compute of {_span(flop)} FLOP. Thresholds as of {known.day.isoformat()}.",
        label=f"{LABEL[:1].upper()}{LABEL[1:]}.",
        basis=basis_words(known.tested),
        marks=tuple(marks),
        rows=tuple(rows),
        notes=tuple(notes(known, alpha, why=gained if isinstance(gained, str) else "")),
    )


def _by_number(rows: Sequence[_Row]) -> dict[float, list[_Row]]:
    """Instruments that set the same number stand at the same place; smallest number first."""
    return {size: [row for row in rows if row["number"] == size] for size in sorted({row["number"] for row in rows})}


def _assumed(size: float, group: Sequence[_Row], alpha: Range) -> Mark:
    ends = [(_or_infinite(row["k_star_low"]), _or_infinite(row["k_star_high"])) for row in group]
    how = f"α {alpha.low:g}" if alpha.is_point else f"α {alpha.low:g} to {alpha.high:g}"
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return Mark(f"{number(size)} FLOP", low, high, k_words(low, high), how)


def _row(mark: Mark, group: Sequence[_Row], tested: Sequence[Tested]) -> ThresholdRow:
    told = tuple(map(instrument_words, group))
    if mark.high <= 1:
        return ThresholdRow(mark.label, told, "1", met_words({row["training_compute_alone"] for row in group}))
    return ThresholdRow(mark.label, told, f"{mark.said} ({mark.how})", against_tested(mark, tested))


def _measured(size: float, flop: Range, gains: Sequence[_Row], curve: Tested) -> tuple[list[Mark], ThresholdRow]:
    """Between which rungs the measured gain reaches what the number takes; no mark where the curve does not say."""
    least, most = (_reached(size / end, gains) for end in (flop.high, flop.low))
    name = f"{number(size)} FLOP, by the measured gain of {curve.task}"
    if isinstance(least, str) or isinstance(most, str):
        return [], ThresholdRow(name, (), "not known", most if isinstance(most, str) else str(least))
    label, how = f"{number(size)} FLOP, measured gain", "gain measured on this curve"
    mark = Mark(label, least[0], most[1], k_words(least[0], most[1]), how, curve.key)
    said = f"{mark.said} (between rungs; the scores' own intervals are not in it)"
    return [mark], ThresholdRow(name, (), said, against_tested(mark, (curve,)))


def _reached(need: float, gains: Sequence[_Row]) -> tuple[float, float] | str:
    """The rungs between which the gain first reaches a multiple of training compute, or why there are none."""
    below = 1.0
    for row in gains:
        if row["gain"] is None:
            return f"no gain is named from K = {number(row['k'])} on: {row['reason']}"
        if row["gain"] >= need:
            return below, row["k"]
        below = row["k"]
    most = max(row["gain"] for row in gains)
    return f"it takes a gain of {number(need)}; up to K = {number(below)} the largest gain is {number(most)}"


def _span(flop: Range) -> str:
    return number(flop.low) if flop.is_point else f"{number(flop.low)} to {number(flop.high)}"


def _or_infinite(end: float | None) -> float:
    return math.inf if end is None else end
