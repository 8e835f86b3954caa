"""Where rungs stand on the x axis of a figure: by tokens where they are counted, else by level; or by tries."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from overthink.core.amounts import figure, noun
from overthink.core.costing import Unit
from overthink.present.charts import Scale
from overthink.present.curve import Curve, Rung
from overthink.present.names import visible

_STEPS = (1, 2, 5)
_FEWER = (1, 3)
"""Where labels are powers of ten, which take more room."""

_ROOM = 1.18
"""A log axis goes on by this factor at both ends."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Scale, bounds and ticks; ``place`` gives the x of a rung, None where it has none."""

    scale: Scale
    title: str
    low: float
    high: float
    ticks: list[float]
    labels: list[str]
    place: Callable[[Rung], float | None]


def tokens_axis(group: Sequence[Curve]) -> Axis | None:
    """Tokens that one attempt decodes, log; None where none is counted."""
    seen = [x for curve in group for rung in curve.rungs if rung.mean and (x := _attempt(rung)) is not None]
    if not seen:
        return None
    low, high = min(seen), max(seen)
    title = "tokens one attempt decodes, thinking and answer; log scale"
    if low <= 0:
        ticks = [0.0, *_log_ticks(1.0, max(high, 10.0))]
        return Axis("symlog", title, -0.3, max(high, 1.0) * _ROOM, ticks, [f"{t:,.0f}" for t in ticks], _attempt)
    low, high = low / _ROOM, high * _ROOM
    ticks = _log_ticks(low, high)
    return Axis("log", title, low, high, ticks, [f"{tick:,.15g}" for tick in ticks], _attempt)


def compute_axis(totals: Sequence[float], unit: str | None) -> Axis:
    """Total compute in some unit, log; rungs have no place on it by themselves."""
    low, high = min(totals) / _ROOM, max(totals) * _ROOM
    ticks = _log_ticks(low, high) if unit in (None, Unit.TOKENS) else _log_ticks(low, high, _FEWER)
    parts = "" if unit == Unit.SECONDS else ": of what is decoded or thrown away, of guards and verifiers"
    title = f"total {visible(noun(unit))}, log scale{parts}"
    return Axis("log", title, low, high, ticks, [figure(tick, unit) for tick in ticks], lambda _: None)


def k_ticks(axis: Axis, reference: float) -> dict[str, list[Any]]:
    """The second labelling of a log axis in tokens: K, in powers of two, with few enough labels to be read."""
    low, high = axis.low / reference, axis.high / reference
    doublings = math.log2(high / low)
    base = 16 if doublings > 24 else 4 if doublings > 9 else 2
    powers = range(math.ceil(math.log(low, base)), math.floor(math.log(high, base)) + 1)
    ticks = [float(base) ** power for power in powers]
    return {
        "kticks": [k * reference for k in ticks],
        "klabels": [f"K={k:,.0f}" if k >= 1 else f"K={k:g}" for k in ticks],
    }


def level_axis(group: Sequence[Curve]) -> Axis:
    """The level asked for, in the order of the ladder, one unit apart."""
    first: dict[str, int] = {}
    for curve in group:
        for rung in curve.rungs:
            first[rung.level] = min(rung.rung, first.get(rung.level, rung.rung))
    order = sorted(first, key=lambda level: first[level])
    where = {level: float(place) for place, level in enumerate(order)}
    title = "level asked for; distances mean nothing"
    return Axis("linear", title, -0.4, len(order) - 0.6, list(where.values()), order, lambda rung: where[rung.level])


def tries_axis(tries: Sequence[int]) -> Axis:
    """Tries per question, log."""
    ticks = list(tries) if len(tries) <= 12 else [k for k in tries if k & (k - 1) == 0] or list(tries[:12])
    labels = [f"{k:,}" for k in ticks]
    return Axis("log", "k", tries[0] / _ROOM, tries[-1] * _ROOM, [float(k) for k in ticks], labels, lambda _: None)


def _attempt(rung: Rung) -> float | None:
    counted = rung.tokens.get("attempt_tokens")
    return None if counted is None else counted.estimate


def _log_ticks(low: float, high: float, steps: Sequence[int] = _STEPS) -> list[float]:
    """Some digits of every decade between two bounds; more where the span is short, 1 alone where it is wide."""
    decades = math.log10(high / low)
    short = range(1, 10) if steps == _STEPS else _STEPS
    steps = short if decades < 1 else steps if decades <= 3 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps]
    return [tick for tick in ticks if low <= tick <= high]
