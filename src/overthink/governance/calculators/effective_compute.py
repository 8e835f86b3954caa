"""Effective compute: the training compute equivalent to K times the inference compute. Analysis, not law.

C_eff(K) = C · min(K, K_max)^α with 0 ≤ α ≤ 1. The exponent is an assumption that differs between tasks, so the answer
is an interval over a stated range, with published sources. Where a curve was measured, use
``compute_equivalent_gain`` instead. No instrument counts deployment inference: C_eff crosses no legal threshold.
"""

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
from pydantic import Field

from overthink.components.base import component
from overthink.errors import InputError
from overthink.governance.calculators.base import K_BASIS, K_REFERENCE, Calculator, K, above_zero
from overthink.governance.calculators.compute_equivalent_gain import (
    STATED_EXPONENTS,
    Exponent,
    Gain,
    assumption_warnings,
    compute_equivalent_gain,
    covers,
    largest_words,
    published_ends,
)
from overthink.governance.calculators.result import Calculation, Result, TableValue
from overthink.governance.inputs import Interval, Multiple, Range, at_least_one, not_negative, positive
from overthink.governance.thresholds.counting import position_of
from overthink.governance.thresholds.registry import Event, Instrument, instrument, stale, training_thresholds

LABEL = "analysis, not legal status: no instrument counts deployment inference towards its threshold"

Alpha = float | Sequence[float]
"""One exponent, or the lower and upper end of a range."""


def effective_compute(training_flop: float, k: float, *, alpha: Alpha, k_max: float | None = None) -> Interval:
    """Return the training compute equivalent to K times the inference compute, over a stated range of exponents.

    Analysis, not legal status. K is a budget divided by a reference budget, which has to be stated.

    Args:
        training_flop: Training compute of the model.
        k: Multiple of the reference inference budget, 1 or more.
        alpha: Exponent from 0 to 1, or a range as (low, high). ``STATED_EXPONENTS`` has published values.
        k_max: Multiple beyond which more inference adds nothing; None for no cap.

    Returns:
        C · min(K, K_max)^α at both ends of the range.

    Raises:
        InputError: Compute is not positive, K or the cap is below 1, or an exponent is not from 0 to 1.

    Example:
        >>> interval = effective_compute(1e25, 100, alpha=(0.5, 1))
        >>> f"{interval.low:.1e} {interval.high:.1e}"
        '1.0e+26 1.0e+27'
    """
    positive(training_flop, "training FLOP")
    at_least_one(k, "K")
    multiple = k if k_max is None else min(k, at_least_one(k_max, "K_max"))
    low, high = exponents(alpha)
    return Interval(training_flop * multiple**low, training_flop * multiple**high)


def k_to_reach(training_flop: float, threshold_flop: float, *, alpha: Alpha, k_max: float | None = None) -> Interval:
    """Return K*, the multiple at which effective compute equals a threshold: (T/C)^(1/α). Analysis, not legal status.

    Args:
        training_flop: Training compute of the model.
        threshold_flop: The threshold.
        alpha: The exponent or its range.
        k_max: Multiple beyond which more inference adds nothing; K* above it is infinite.

    Returns:
        K* at the upper and at the lower exponent; 1 where training alone reaches it, infinite where no K does.

    Raises:
        InputError: Compute is not positive, the cap is below 1, or an exponent is not from 0 to 1.

    Example:
        >>> round(k_to_reach(3.41e24, 1e25, alpha=0.5).low, 1)
        8.6
    """
    ratio = math.log(positive(threshold_flop, "threshold FLOP")) - math.log(positive(training_flop, "training FLOP"))
    cap = math.inf if k_max is None else at_least_one(k_max, "K_max")
    ends = [_k_star(ratio, exponent) for exponent in exponents(alpha)]
    low, high = sorted(k if k <= cap else math.inf for k in ends)
    return Interval(low, high)


def k_to_instrument(training_flop: float, row: Instrument, *, alpha: Alpha, k_max: float | None = None) -> Interval:
    """Return K* to an instrument's number. Its operator defines whether K* itself or only more than K* reaches it.

    Raises:
        InputError: As ``k_to_reach``; or the instrument has no threshold on training compute.
    """
    if row.number is None or row.measure != "training_compute":
        raise InputError(f"{row.id} sets no threshold on training compute; see: overthink thresholds")
    return k_to_reach(training_flop, row.number, alpha=alpha, k_max=k_max)


def exponents(alpha: Alpha) -> tuple[float, float]:
    """Return the lower and upper exponent.

    Raises:
        InputError: There are not one or two exponents, they are out of order, or one is not from 0 to 1.
    """
    ends = tuple(not_negative(end, "alpha") for end in (alpha if isinstance(alpha, list | tuple) else (alpha,)))
    if len(ends) not in (1, 2) or list(ends) != sorted(ends) or not all(0 <= end <= 1 for end in ends):
        text = ", ".join(f"{end:g}" for end in ends)
        raise InputError(f"alpha is {text or 'empty'}; needed: one exponent from 0 to 1, or a range low, high")
    return ends[0], ends[-1]


def _k_star(log_ratio: float, alpha: float) -> float:
    """Return exp(log(T/C)/α), at least 1; infinite where it does not fit a float."""
    if log_ratio <= 0:
        return 1.0
    if alpha == 0:
        return math.inf
    exponent = log_ratio / alpha
    return math.exp(exponent) if exponent < math.log(1e308) else math.inf


BEYOND_SOURCES = "K* lies beyond the K for which the published exponents are stated"


def _stated_result(ends: tuple[float, float] | None, flop: Range, k: float, k_max: float | None) -> Result:
    if ends is None:
        reason = f"no published exponent is stated for K = {k:g} ({largest_words()}); pass an exponent of your own"
        return Result("effective_flop", math.nan, None, None, "FLOP", reason)
    low = effective_compute(flop.low, k, alpha=ends, k_max=k_max).low
    high = effective_compute(flop.high, k, alpha=ends, k_max=k_max).high
    if low == high:
        return Result("effective_flop", low, low, high, "FLOP", None)
    reason = "an interval over stated exponents and compute; no value in it is preferred"
    return Result("effective_flop", math.nan, low, high, "FLOP", reason)


def _interval_words(ends: tuple[float, float] | None, k: Multiple) -> str:
    if ends is None:
        return f"none: no published exponent is used; K is {k}"
    return f"both ends of α from {ends[0]:g} to {ends[1]:g} and of the training compute; K is {k}"


def _rows(request: Calculator, day: date) -> list[tuple[Instrument, Event]]:
    """Return the thresholds on training compute of the day, or the requested one."""
    if "instrument" not in request:
        return training_thresholds(day)
    row = instrument(request.words("instrument"))
    event = row.event_on(day)
    if event is None:
        raise InputError(f"{row.id} was not there on {day.isoformat()}; its first event is {row.events[0].date_text}")
    return [(row, event)]


def _thresholds(
    rows: list[tuple[Instrument, Event]], flop: Range, alpha: Range, *, k_max: float | None, is_explicit: bool
) -> list[dict[str, TableValue]]:
    """Return K* to each threshold; null where published exponents would be extended beyond their sources."""
    cells: list[dict[str, TableValue]] = []
    for row, event in rows:
        ends = (alpha.low, alpha.high)
        low = k_to_instrument(flop.high, row, alpha=ends, k_max=k_max).low
        high = k_to_instrument(flop.low, row, alpha=ends, k_max=k_max).high
        is_stated = is_explicit or _is_stated(row, flop, ends)
        reason = None if math.isfinite(high) else "no K reaches it at the lower exponent or under the cap"
        cells.append(
            {
                "instrument": row.id,
                "status": event.status,
                "operator": row.operator,
                "number": row.number,
                "unit": row.unit,
                "verification": row.verification,
                "training_compute_alone": position_of(row, Interval(flop.low, flop.high)),
                "k_star_low": low if is_stated else None,
                "k_star_high": high if is_stated else None,
                "reason": reason
                if is_stated
                else f"{BEYOND_SOURCES} ({largest_words()}); pass an exponent of your own",
            }
        )
    return cells


def _is_stated(row: Instrument, flop: Range, ends: tuple[float, float]) -> bool:
    """Return whether sources state both ends of the exponents at the K* that each of them gives, without a cap."""
    low = k_to_instrument(flop.high, row, alpha=ends).low
    high = k_to_instrument(flop.low, row, alpha=ends).high
    return high <= 1 or (covers(ends[1], low) and covers(ends[0], high))


def _exponent(entry: Exponent, flop: Range, k: float) -> dict[str, TableValue]:
    holds = entry.holds_at(k)
    range_words = f"up to K = {entry.k_to:.3g}" if entry.k_to > 1 else "without a range of K"
    return {
        "alpha": entry.alpha,
        "effective_flop_low": effective_compute(flop.low, k, alpha=entry.alpha).low if holds else None,
        "effective_flop_high": effective_compute(flop.high, k, alpha=entry.alpha).high if holds else None,
        "source": entry.source,
        "stated_for": entry.holds_for,
        "reason": None if holds else f"K = {k:g} is outside the range of the source, which states it {range_words}",
    }


def _gains(request: Calculator) -> list[Gain]:
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


@component("effective-compute")
class EffectiveCompute(Calculator):
    """Effective compute at K (training trade), and K* to each threshold. Not legal status."""

    training_flop: Range = Field(description="training compute in FLOP, as LOW..HIGH if uncertain")
    k: Range = K
    k_basis: str | None = K_BASIS
    k_reference: str | None = K_REFERENCE
    alpha: Range = Field(
        Range(0.5, 1.0), description="exponent from 0 to 1, or a range LOW..HIGH; see the sources in the answer"
    )
    k_max: Range | None = Field(None, description="K beyond which more inference adds nothing")
    instrument: str | None = Field(
        None, description="only this threshold, by its id; all on training compute if left out"
    )
    measured: str | None = Field(
        None, description="scores of this model at K, as 1:0.42,10:0.50; used instead of alpha"
    )
    family: str | None = Field(
        None, description="scores of the family at training FLOP, as 1e22:0.31,1e24:0.55; with measured"
    )

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result."""
        k, alpha, flop = self.multiple(), self.range("alpha"), self.range("training_flop")
        above_zero(self.pick("training_flop"))
        k_max = self.number("k_max") if "k_max" in self else None
        ends = (alpha.low, alpha.high)
        gains = _gains(self)
        # K beyond the cap adds nothing, so what has to be inside a source's range is the K that counts.
        multiple = k.value if k_max is None else min(k.value, at_least_one(k_max, "K_max"))
        usable = ends if self.is_explicit("alpha") else published_ends(alpha, multiple)
        rows = _rows(self, day)
        tables = {
            "thresholds": _thresholds(rows, flop, Range(*ends), k_max=k_max, is_explicit=self.is_explicit("alpha")),
            "exponents": [_exponent(entry, flop, multiple) for entry in STATED_EXPONENTS],
        }
        results = [_stated_result(usable, flop, k.value, k_max)]
        if gains:
            results = [_gain_result(gains, k.value, flop)]
            tables["compute_equivalent_gain"] = [_gain_row(gain) for gain in gains]
        return Calculation(
            results=results,
            formula="C_eff(K) = C · min(K, K_max)^α; K* (training trade) = (T/C)^(1/α)"
            + (
                "; measured: C · (training compute at which the family scores as high) / (the same at K = 1)"
                if gains
                else ""
            ),
            source="Jones 2021, arXiv:2104.03113; Epoch AI on trading training for inference; Davidson et al. 2023, "
            "arXiv:2312.07413 for the gain; thresholds: the registry (overthink thresholds)",
            interval_meaning=_interval_words(usable, k),
            leaves_out="Whether more inference helps at all differs by task, and an exponent holds only where it was "
            "measured (published ones up to K = 100). Verification, tools and latency are not "
            "considered.",
            tables=tables,
            label=LABEL,
            warnings=[*assumption_warnings(ends, multiple, is_explicit=self.is_explicit("alpha")), *stale(rows, day)],
        )
