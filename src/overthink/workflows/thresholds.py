"""Positions of training-compute thresholds on the K axis of a study's curves. Analysis, never legal status.

Text on thresholds of a report's K axis: position, meaning of K, basis of K*, omissions.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from overthink.governance.calculators.compute_equivalent_gain import STATED_EXPONENTS
from overthink.governance.calculators.effective_compute import BEYOND_SOURCES, LABEL
from overthink.governance.calculators.result import Calculation
from overthink.governance.inputs import Range, read_range
from overthink.governance.thresholds.lookup import number
from overthink.governance.thresholds.registry import instrument, instruments_on, stale, training_thresholds
from overthink.reports.charts.thresholds import Mark, ThresholdRow, Thresholds
from overthink.workflows.appendix import StudyFacts, TestedRange, reference_words
from overthink.workflows.request import TRAINING_FLOP

TRAINING_COMPUTE_HINT = (
    "Where thresholds on training compute stand on this axis is not known without the model's training compute, which "
    "no study can measure. Give it in FLOP: overthink report STUDY --training-flop 3.8e25"
)
"""Hint if the training compute is not stated."""

NO_K = "There is no K here: no curve has thinking and a reference, so nothing is drawn."

_CURVES = 6
"""Maximum number of references in one sentence."""


def k_words(low: float, high: float) -> str:
    """Return K* as text, rounded to three digits.

    Example:
        >>> k_words(2.6316, 6.9252)
        '2.63 to 6.93'
    """
    if math.isinf(low):
        return "no K reaches it"
    ends = [number(float(f"{end:.3g}")) for end in (low, high)]
    if math.isinf(high):
        return f"{ends[0]} or more, or never"
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def coverage_words(mark: Mark, ranges: Sequence[TestedRange]) -> str:
    """Return the position of K* relative to the tested budgets, as text."""
    if not ranges:
        return "on no axis of this study"
    tops = sorted(curve.top for curve in ranges)
    ends = [number(float(f"{top:.3g}")) for top in (tops[0], tops[-1])]
    ran = f"run: K up to {ends[0]}" + (f" to {ends[1]}, by curve" if ends[0] != ends[1] else "")
    if mark.low > tops[-1]:
        where = "beyond what was tested"
    elif mark.high <= tops[0]:
        where = "inside what was tested"
    elif mark.low <= tops[0]:
        where = "partly beyond what was tested"
    else:
        where = "beyond what was tested on some curves"
    return f"{where} ({ran})"


def met_words(positions: set[str]) -> str:
    """Return the reason for K* = 1: training compute alone exceeds, or equals, the threshold."""
    if positions == {"reached"}:
        return "reached by the training compute alone"
    return "the training compute equals it: reached where the operator is >=, not where it is >"


def instrument_words(row: Mapping[str, Any]) -> str:
    """Return an instrument with operator and status as text; rows from memory are marked."""
    entry = instrument(row["instrument"])
    suffix = ", recalled" if entry.verification == "R" else ""
    status = row["status"].replace("_", " ")
    return f"{entry.jurisdiction}: {entry.title} ({row['operator']} {number(row['number'])}, {status}{suffix})"


def basis_words(ranges: Sequence[TestedRange]) -> str:
    """Return the basis of K and the meaning of K = 1, as text."""
    if not ranges:
        return NO_K
    different = list(dict.fromkeys(map(reference_words, ranges)))  # one, unless arms of other sizes share FLOP
    references = "; ".join(different[:_CURVES])
    more = f"; and {len(different) - _CURVES} more" if len(different) > _CURVES else ""
    return f"K multiplies the {ranges[0].unit} of one try (basis: tokens), answers left out. K = 1: {references}{more}."


def notes(facts: StudyFacts, alpha: Range, *, why: str) -> list[str]:
    """Return notes on the assumptions behind K*.

    Args:
        facts: Facts about study and model.
        alpha: Range of exponents of K*.
        why: Reason for no measured gain although family scores were given; else empty.
    """
    exponents = [exponent for exponent in STATED_EXPONENTS if alpha.low <= exponent.alpha <= alpha.high]
    sources = "; ".join(
        f"{exponent.alpha:.2g}, {exponent.source} (stated for {exponent.holds_for})" for exponent in exponents
    )
    arms = {curve.arm for curve in facts.tested_ranges}
    lines = [
        "K* (training trade) = (T/C)^(1/α): the multiple of the reference budget in place of the missing training.",
        f"Published exponents in the range: {sources or 'none'}.",
        "A published exponent reaches no further than its source; an α of yours does, as an assumption.",
        "Another reference budget moves every K*: at K = 1 the training compute stands for itself.",
    ]
    if len(arms) > 1:
        lines.append(
            f"The one training compute is applied to all {len(arms)} arms. Where they are other models, K* is theirs "
            "only if they were trained with as much."
        )
    if why:
        lines.append(f"No measured gain: {why}.")
    return [*lines, *_omission_notes(facts.day), *_stale(facts.day)]


def _omission_notes(day: date) -> list[str]:
    """Return a note on instruments omitted from this axis, with reasons."""
    events = instruments_on(day)
    other = sorted({(row.measure or "").replace("_", " ") for row, _ in events} - {"", "training compute"})
    revoked_ids = [row.id for row, event in events if row.measure == "training_compute" and event.status == "revoked"]
    silent = sum(row.number is None for row, _ in events)
    parts = [
        f"thresholds on something else than training compute ({', '.join(other)})" if other else "",
        f"revoked ones ({', '.join(revoked_ids)})" if revoked_ids else "",
        f"{silent} texts that set no number" if silent else "",
    ]
    what = "; ".join(filter(None, parts))
    return [f"Not on this axis: {what}. All of them: overthink thresholds --as-of {day}."] if what else []


def _stale(day: date) -> list[str]:
    return [f"Registry rows were {text}." for text in stale(training_thresholds(day), day)]


_Row = Mapping[str, Any]


def measured_curve(ranges: Sequence[TestedRange]) -> TestedRange | str:
    """Return the single curve comparable with scores of a model family, or the reason for none."""
    candidates = [curve for curve in ranges if curve.axis == "capability"]
    if len(candidates) != 1:
        return f"scores of a family belong to one capability curve, and this study has {len(candidates)} on the K axis"
    points = [point for point in zip(candidates[0].k, candidates[0].value, strict=True) if point[0] >= 1]
    if not all(below[0] < above[0] for below, above in itertools.pairwise(points)):
        return "thinking does not rise along the ladder, so a gain has no place on the K axis"
    if points[0][0] != 1:
        return "the reference is no rung of the curve, so what it scores at K = 1 was not measured"
    return replace(candidates[0], k=tuple(k for k, _ in points), value=tuple(value for _, value in points))


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
        unstated = next((row for row in group if is_beyond_sources(row)), None)
        if unstated is not None:
            name, instruments = f"{number(size)} FLOP", tuple(map(instrument_words, group))
            rows.append(ThresholdRow(name, instruments, "not known", str(unstated["reason"])))
        else:
            mark = _exponent_mark(size, group, alpha)
            marks.append(mark)
            rows.append(_row(mark, group, facts.tested_ranges))
        if isinstance(gain_curve, TestedRange) and (unstated is not None or mark.high > 1):
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


def is_beyond_sources(row: _Row) -> bool:
    """Return whether K* of a threshold is null because published exponents are not stated for it."""
    return row["k_star_low"] is None and str(row["reason"]).startswith(BEYOND_SOURCES)


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
