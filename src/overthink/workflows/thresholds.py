"""Positions of training-compute thresholds on the K axis of a study's curves. Analysis, never legal status."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from overthink.governance.calculators.effective_compute import LABEL
from overthink.governance.calculators.result import Calculation
from overthink.governance.inputs import Range, read_range
from overthink.governance.thresholds.text import number
from overthink.reports.charts.thresholds import Mark, ThresholdRow, Thresholds
from overthink.workflows.appendix import StudyFacts
from overthink.workflows.request import TRAINING_FLOP
from overthink.workflows.tested_range import TestedRange
from overthink.workflows.thresholds_text import (
    TRAINING_COMPUTE_HINT,
    basis_words,
    coverage_words,
    instrument_words,
    k_words,
    met_words,
    notes,
)

_Row = Mapping[str, Any]


def measured_curve(ranges: Sequence[TestedRange]) -> TestedRange | str:
    """Return the single curve comparable with scores of a model family, or the reason for none."""
    candidates = [curve for curve in ranges if curve.axis == "capability"]
    if len(candidates) != 1:
        return f"scores of a family belong to one capability curve, and this study has {len(candidates)} on the K axis"
    if not all(below < above for below, above in itertools.pairwise(candidates[0].k)):
        return "tokens per attempt do not rise along the ladder, so a gain has no place on the K axis"
    return candidates[0]


def thresholds_on_curve(
    facts: StudyFacts, calculation: Calculation | None, *, gain_curve: TestedRange | str | None
) -> Thresholds:
    """Return marks, table and text of the thresholds.

    Args:
        facts: Facts about study and model.
        calculation: Result of the effective-compute calculator; None if the training compute is not stated.
        gain_curve: Curve of the measured gain in ``calculation``, or the reason for none; None if not requested.
    """
    if calculation is None:
        return Thresholds(head=TRAINING_COMPUTE_HINT)
    tables = calculation.as_dict()["tables"]
    exponent = next(value for name, value, _ in calculation.inputs if name == "alpha")
    alpha = exponent if isinstance(exponent, Range) else Range(float(exponent), float(exponent))
    flop = read_range(facts.assumptions.inputs[TRAINING_FLOP], TRAINING_FLOP)
    marks: list[Mark] = []
    rows: list[ThresholdRow] = []
    for size, group in _by_number(tables["thresholds"]).items():
        mark = _exponent_mark(size, group, alpha)
        marks.append(mark)
        rows.append(_row(mark, group, facts.tested_ranges))
        if isinstance(gain_curve, TestedRange) and mark.high > 1:
            gain_marks, row = _gain_row(size, flop, tables["compute_equivalent_gain"], gain_curve)
            marks += gain_marks
            rows.append(row)
    return Thresholds(
        head=f"Assumed: a training compute of {_span(flop)} FLOP. Thresholds as of {facts.day.isoformat()}.",
        label=f"{LABEL[:1].upper()}{LABEL[1:]}.",
        basis=basis_words(facts.tested_ranges),
        marks=tuple(marks),
        rows=tuple(rows),
        notes=tuple(notes(facts, alpha, why=gain_curve if isinstance(gain_curve, str) else "")),
    )


def _by_number(rows: Sequence[_Row]) -> dict[float, list[_Row]]:
    """Return instruments grouped by threshold, smallest first."""
    return {size: [row for row in rows if row["number"] == size] for size in sorted({row["number"] for row in rows})}


def _exponent_mark(size: float, group: Sequence[_Row], alpha: Range) -> Mark:
    ends = [(_or_infinite(row["k_star_low"]), _or_infinite(row["k_star_high"])) for row in group]
    how = f"α {alpha.low:g}" if alpha.is_point else f"α {alpha.low:g} to {alpha.high:g}"
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return Mark(f"{number(size)} FLOP", low, high, k_words(low, high), how)


def _row(mark: Mark, group: Sequence[_Row], ranges: Sequence[TestedRange]) -> ThresholdRow:
    instruments = tuple(map(instrument_words, group))
    if mark.high <= 1:
        return ThresholdRow(mark.label, instruments, "1", met_words({row["training_compute_alone"] for row in group}))
    return ThresholdRow(mark.label, instruments, f"{mark.text} ({mark.how})", coverage_words(mark, ranges))


def _gain_row(size: float, flop: Range, gains: Sequence[_Row], curve: TestedRange) -> tuple[list[Mark], ThresholdRow]:
    """Return mark and row of the rungs between which the measured gain reaches a threshold; no mark if it does not."""
    least, most = (_reaching_rungs(size / end, gains) for end in (flop.high, flop.low))
    name = f"{number(size)} FLOP, by the measured gain of {curve.task}"
    if isinstance(least, str) or isinstance(most, str):
        return [], ThresholdRow(name, (), "not known", most if isinstance(most, str) else str(least))
    label, how = f"{number(size)} FLOP, measured gain", "gain measured on this curve"
    mark = Mark(label, least[0], most[1], k_words(least[0], most[1]), how, curve.key)
    text = f"{mark.text} (between rungs; the scores' own intervals are not in it)"
    return [mark], ThresholdRow(name, (), text, coverage_words(mark, (curve,)))


def _reaching_rungs(need: float, gains: Sequence[_Row]) -> tuple[float, float] | str:
    """Return the rungs between which the gain first reaches a multiple of training compute, or the reason for none."""
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
