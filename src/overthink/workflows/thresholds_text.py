"""Text on thresholds of a report's K axis: position, meaning of K, basis of K*, omissions."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from overthink.governance.calculators.effective_compute import STATED_EXPONENTS
from overthink.governance.inputs import Range
from overthink.governance.thresholds.registry import instrument, instruments_on, stale, training_thresholds
from overthink.governance.thresholds.text import number
from overthink.reports.charts.thresholds import Mark
from overthink.workflows.appendix import StudyFacts, reference_words
from overthink.workflows.tested_range import TestedRange

TRAINING_COMPUTE_HINT = (
    "Where thresholds on training compute stand on this axis is not known without the model's training compute, which "
    "no study can measure. Give it in FLOP: overthink report STUDY --training-flop 3.8e25"
)
"""Hint if the training compute is not stated."""

NO_K = "There is no K here: a token count or a reference budget is missing, so nothing is drawn."

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
    references = "; ".join(dict.fromkeys(reference_words(curve) for curve in ranges[:_CURVES]))
    more = f"; and {len(ranges) - _CURVES} more curves" if len(ranges) > _CURVES else ""
    return f"K multiplies the tokens that one attempt generates (basis: tokens). K = 1: {references}{more}."


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
        "K* = (T/C)^(1/α): the multiple of the reference budget that would stand in for the missing training compute.",
        f"Published exponents in the range: {sources or 'none'}. A K* above these extends them to where nobody looked.",
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
