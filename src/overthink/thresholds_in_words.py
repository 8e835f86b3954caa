"""What a report says of thresholds on its K axis: where they stand, what K is, what K* rests on, what is left out."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from overthink.appendix import Known, reference_words
from overthink.govern.effective_compute import EXPONENTS
from overthink.govern.inputs import Range
from overthink.govern.registry import instrument, on, stale, training_thresholds
from overthink.govern.wording import number
from overthink.present.thresholds import Mark
from overthink.tested import Tested

GIVE = (
    "Where thresholds on training compute stand on this axis is not known without the model's training compute, which "
    "no study can measure. Give it in FLOP: overthink report STUDY --training-flop 3.8e25"
)
"""Where nobody stated the training compute."""

NO_K = "There is no K here: a token count or a reference budget is missing, so nothing is drawn."

_CURVES = 6
"""References named in one sentence."""


def k_words(low: float, high: float) -> str:
    """K* as text, with three digits: what it rests on is no better.

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


def against_tested(mark: Mark, tested: Sequence[Tested]) -> str:
    """Where K* stands against the budgets that were run."""
    if not tested:
        return "on no axis of this study"
    tops = sorted(curve.top for curve in tested)
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
    """Why K* is 1: every instrument is reached by training alone, or its number is equalled and must be passed."""
    if positions == {"reached"}:
        return "reached by the training compute alone"
    return "the training compute equals it: reached where the operator is >=, not where it is >"


def instrument_words(row: Mapping[str, Any]) -> str:
    """An instrument with its operator and status; a row that was only recalled says so."""
    known = instrument(row["instrument"])
    recalled = ", recalled" if known.verification == "R" else ""
    status = row["status"].replace("_", " ")
    return f"{known.jurisdiction}: {known.title} ({row['operator']} {number(row['number'])}, {status}{recalled})"


def basis_words(tested: Sequence[Tested]) -> str:
    """What K multiplies, and what K = 1 is."""
    if not tested:
        return NO_K
    told = "; ".join(dict.fromkeys(reference_words(curve) for curve in tested[:_CURVES]))
    more = f"; and {len(tested) - _CURVES} more curves" if len(tested) > _CURVES else ""
    return f"K multiplies the tokens that one attempt generates (basis: tokens). K = 1: {told}{more}."


def notes(known: Known, alpha: Range, *, why: str) -> list[str]:
    """What a reader must know before K* is believed.

    Args:
        known: Of study and model.
        alpha: The exponents that K* spans.
        why: Why there is no measured gain although scores of a family were given; empty otherwise.
    """
    used = [each for each in EXPONENTS if alpha.low <= each.alpha <= alpha.high]
    sources = "; ".join(f"{each.alpha:.2g}, {each.source} (stated for {each.holds_for})" for each in used)
    arms = {curve.arm for curve in known.tested}
    told = [
        "K* = (T/C)^(1/α): the multiple of the reference budget that would stand in for the missing training compute.",
        f"Published exponents in the range: {sources or 'none'}. A K* above these extends them to where nobody looked.",
        "Another reference budget moves every K*: at K = 1 the training compute stands for itself.",
    ]
    if len(arms) > 1:
        told.append(
            f"The one training compute is applied to all {len(arms)} arms. Where they are other models, K* is theirs "
            "only if they were trained with as much."
        )
    if why:
        told.append(f"No measured gain: {why}.")
    return [*told, *_left_out(known.day), *_stale(known.day)]


def _left_out(day: date) -> list[str]:
    """Which instruments have no place on this axis, and why."""
    there = on(day)
    other = sorted({(row.measure or "").replace("_", " ") for row, _ in there} - {"", "training compute"})
    revoked = [row.id for row, event in there if row.measure == "training_compute" and event.status == "revoked"]
    silent = sum(row.number is None for row, _ in there)
    told = [
        f"thresholds on something else than training compute ({', '.join(other)})" if other else "",
        f"revoked ones ({', '.join(revoked)})" if revoked else "",
        f"{silent} texts that set no number" if silent else "",
    ]
    what = "; ".join(filter(None, told))
    return [f"Not on this axis: {what}. All of them: overthink thresholds --as-of {day}."] if what else []


def _stale(day: date) -> list[str]:
    return [f"Registry rows were {text}." for text in stale(training_thresholds(day), day)]
