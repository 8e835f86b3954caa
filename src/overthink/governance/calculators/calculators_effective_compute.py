"""Calculator: effective compute at K, and the K at which it would equal each threshold."""

import math
from datetime import date

import numpy as np

from overthink.errors import InputError
from overthink.governance.calculators.result import Calculation, Result, TableValue
from overthink.governance.calculators.base import K_FIELDS, Calculator, CalculatorRequest, Field, above_zero
from overthink.governance.calculators.compute_equivalent_gain import Gain, compute_equivalent_gain
from overthink.governance.thresholds.counting import position_of
from overthink.governance.calculators.effective_compute import LABEL, STATED_EXPONENTS, effective_compute, k_to_instrument
from overthink.governance.inputs import Multiple, Range
from overthink.governance.statement.interval import Interval
from overthink.governance.thresholds.registry import Event, Instrument, instrument, stale, training_thresholds

FIELDS = (
    Field("training_flop", "training compute in FLOP, as LOW..HIGH if uncertain", required=True),
    *K_FIELDS,
    Field("alpha", "exponent from 0 to 1, or a range LOW..HIGH; see the sources in the answer", "0.5..1"),
    Field("k_max", "K beyond which more inference adds nothing"),
    Field("instrument", "only this threshold, by its id; all on training compute if left out", words=True),
    Field("measured", "scores of this model at K, as 1:0.42,10:0.50; used instead of alpha", words=True),
    Field("family", "scores of the family at training FLOP, as 1e22:0.31,1e24:0.55; with measured", words=True),
)


def _answer(request: CalculatorRequest, day: date, rng: np.random.Generator) -> Calculation:
    k, alpha, flop = request.k(), request.range("alpha"), request.range("training_flop")
    above_zero(request.pick("training_flop"))
    k_max = request.number("k_max") if "k_max" in request else None
    ends = (alpha.low, alpha.high)
    gains = _gains(request)
    low = effective_compute(flop.low, k.value, alpha=ends, k_max=k_max).low
    high = effective_compute(flop.high, k.value, alpha=ends, k_max=k_max).high
    point = low == high
    rows = _rows(request, day)
    reason = None if point else "an interval over stated exponents and compute; no value in it is preferred"
    stated_result = Result("effective_flop", low if point else math.nan, low, high, "FLOP", reason)
    tables = {
        "thresholds": _thresholds(rows, flop, Range(*ends), k_max=k_max),
        "exponents": [
            _exponent(entry.alpha, entry.source, entry.holds_for, flop, k, k_max) for entry in STATED_EXPONENTS
        ],
    }
    results = [stated_result]
    if gains:
        results = [_gain_result(gains, k.value, flop)]
        tables["compute_equivalent_gain"] = [_gain_row(gain) for gain in gains]
    return Calculation(
        results=results,
        formula="C_eff(K) = C · min(K, K_max)^α; K* = (T/C)^(1/α)"
        + (
            "; measured: C · (training compute at which the family scores as high) / (the same at K = 1)"
            if gains
            else ""
        ),
        source="Jones 2021, arXiv:2104.03113; Epoch AI on trading training for inference; Davidson et al. 2023, "
        "arXiv:2312.07413 for the gain; thresholds: the registry (overthink thresholds)",
        interval_meaning=f"both ends of α from {alpha.low:g} to {alpha.high:g} and of the training compute; K is {k}",
        leaves_out="Whether more inference helps at all differs by task, and an exponent holds only where it was "
        "measured (stated ones up to K of about 100). Verification, tools and latency are not considered.",
        tables=tables,
        label=LABEL,
        warnings=stale(rows, day),
    )


def _rows(request: CalculatorRequest, day: date) -> list[tuple[Instrument, Event]]:
    """Return the thresholds on training compute of the day, or the requested one."""
    if "instrument" not in request:
        return training_thresholds(day)
    row = instrument(request.words("instrument"))
    event = row.event_on(day)
    if event is None:
        raise InputError(f"{row.id} was not there on {day.isoformat()}; its first event is {row.events[0].date_text}")
    return [(row, event)]


def _thresholds(
    rows: list[tuple[Instrument, Event]], flop: Range, alpha: Range, *, k_max: float | None
) -> list[dict[str, TableValue]]:
    cells: list[dict[str, TableValue]] = []
    for row, event in rows:
        ends = (alpha.low, alpha.high)
        low = k_to_instrument(flop.high, row, alpha=ends, k_max=k_max).low
        high = k_to_instrument(flop.low, row, alpha=ends, k_max=k_max).high
        cells.append(
            {
                "instrument": row.id,
                "status": event.status,
                "operator": row.operator,
                "number": row.number,
                "unit": row.unit,
                "verification": row.verification,
                "training_compute_alone": position_of(row, Interval(flop.low, flop.high)),
                "k_star_low": low,
                "k_star_high": high,
                "reason": None if math.isfinite(high) else "no K reaches it at the lower exponent or under the cap",
            }
        )
    return cells


def _exponent(
    alpha: float, source: str, holds_for: str, flop: Range, k: Multiple, k_max: float | None
) -> dict[str, TableValue]:
    low = effective_compute(flop.low, k.value, alpha=alpha, k_max=k_max).low
    high = effective_compute(flop.high, k.value, alpha=alpha, k_max=k_max).high
    return {
        "alpha": alpha,
        "effective_flop_low": low,
        "effective_flop_high": high,
        "source": source,
        "stated_for": holds_for,
    }


def _gains(request: CalculatorRequest) -> list[Gain]:
    if ("measured" in request) != ("family" in request):
        raise InputError("a measured curve needs both --measured K:SCORE,… and --family FLOP:SCORE,…")
    if "measured" not in request:
        return []
    k, score = _pairs(request.words("measured"), "--measured")
    family_flop, family_score = _pairs(request.words("family"), "--family")
    return compute_equivalent_gain(k, score, family_flop=family_flop, family_score=family_score)


def _gain_result(gains: list[Gain], k: float, flop: Range) -> Result:
    matches = [gain for gain in gains if gain.k == k]
    name, unit = "measured_effective_flop", "FLOP"
    if not matches:
        at = ", ".join(f"{gain.k:g}" for gain in gains)
        return Result(
            name, math.nan, None, None, unit, f"K = {k:g} was not measured (measured: {at}); not interpolated"
        )
    gain = matches[0].gain
    if gain is None:
        return Result(name, math.nan, None, None, unit, matches[0].reason)
    low, high = (None, None) if flop.is_point else (gain * flop.low, gain * flop.high)
    return Result(name, gain * math.sqrt(flop.low) * math.sqrt(flop.high), low, high, unit)


def _gain_row(gain: Gain) -> dict[str, TableValue]:
    return {"k": gain.k, "gain": gain.gain, "alpha": gain.alpha, "reason": gain.reason}


def _pairs(text: str, name: str) -> tuple[list[float], list[float]]:
    try:
        pairs = [tuple(float(part) for part in word.split(":")) for word in text.split(",")]
        first_values, second_values = zip(*((first, second) for first, second in pairs), strict=True)
    except ValueError:
        raise InputError(f"{name} is {text!r}; needed: pairs such as 1:0.42,10:0.50") from None
    return list(first_values), list(second_values)


EFFECTIVE_COMPUTE = Calculator(
    "effective-compute", "Effective compute at K, and K* to each threshold. Not legal status.", FIELDS, _answer
)
