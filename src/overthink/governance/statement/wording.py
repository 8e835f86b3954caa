"""How numbers and names stand in the sentences of a statement: shares, points, intervals, p-values, budgets, curves."""

from collections.abc import Sequence

from overthink.data.number_text import fixed
from overthink.data.record import ON_TRACE
from overthink.governance.statement.curve_schema import Curve, Number, Point
from overthink.governance.statement.quoting import quote

WHAT = {
    "capability": "were scored correct",
    "safety": "were scored safe",
    "benign": "were answered",
}
"""By axis: what is said of the answers that count."""

ESTIMAND_WORDS = {
    "sham": "forced where the model ends its thinking by itself",
    "natural": "the model's own",
    "truncated": "cut at the budget",
    "resampled": "at the end of runs of the rest of the trace",
    "checkpoint": "at checkpoints",
}
"""Which answers a curve is of, where they are not those of its ladder."""

_BUDGET_UNITS = {"requested_tokens": "thinking tokens", "turns": "turns", "loop_tokens": "generated tokens"}
"""By field of a rung: the unit of its budget, where that is a number."""


def percent(share: float) -> str:
    """A share with one decimal.

    >>> percent(0.4312)
    '43.1%'
    """
    return f"{fixed(100 * share, 1)}%"


def points(difference: float) -> str:
    """A difference of shares in percentage points.

    >>> points(-0.0512)
    '-5.1 points'
    """
    return f"{fixed(100 * difference, 1, sign=True)} points"


def interval(value: Number) -> str:
    """The interval with its level, or why there is none."""
    if value.low is None or value.high is None or value.level is None:
        return value.reason or "no interval"
    show = {"share": percent, "probability": _probability}.get(value.unit, points)
    name = "simultaneous interval" if value.simultaneous else "interval"
    return f"{100 * value.level:g}% {name} {show(value.low)} to {show(value.high)}"


def _probability(chance: float) -> str:
    return fixed(chance, 3)


def p_value(p: float) -> str:
    """A p-value, never printed as 0.

    >>> p_value(0.00031), p_value(0.042)
    ('p < 0.001', 'p = 0.042')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def budget(point: Point) -> str:
    """The budget of one rung in words. "Up to" it would speak of the rungs below, too, which may be worse."""
    if point.effort is not None or (point.turns, point.loop_tokens, point.requested_tokens) == (None, None, None):
        return limit(point)
    return f"a budget of {limit(point)}"


def limit(point: Point) -> str:
    """The limit of one rung in words; a trace may end before it."""
    if point.turns is not None:
        return f"{point.turns:,} {'turn' if point.turns == 1 else 'turns'}"
    if point.loop_tokens is not None:
        return f"{point.loop_tokens:,} generated tokens"
    if point.effort is not None:
        return f"effort {quote(point.effort)}"
    if point.requested_tokens is None:
        return "no set budget"
    return f"{point.requested_tokens:,} thinking tokens"


def tested_rungs(curves: Sequence[Curve]) -> tuple[str, ...]:
    """The rungs of all curves in words, each once, in the order of curves."""
    return tuple(dict.fromkeys(limit(point) for curve in curves for point in curve.points))


def from_to(low: Point, top: Point) -> str:
    """A step up the ladder in words."""
    for name, unit in _BUDGET_UNITS.items():
        least, most = getattr(low, name), getattr(top, name)
        if low.effort is None and top.effort is None and None not in (least, most):
            return f"from {least:,} to {most:,} {unit}"
    return f"from {budget(low)} to {budget(top)}"


def curve_name(curve: Curve) -> str:
    """The curve in words: its task, arm and scorer."""
    arm = "" if curve.arm == "base" else f", arm {quote(curve.arm)}"
    which = f", answers {ESTIMAND_WORDS[curve.estimand]}" if curve.estimand in ESTIMAND_WORDS else ""
    return f"{quote(curve.task)}{arm}, scorer {quote(curve.scorer or 'unnamed')}{which}"


def count_phrase(curve: Curve) -> str:
    """What the share of a level is of: answers, thinking that was judged itself, or harmless requests.

    A judge of the thinking has a name of its own.
    """
    on_trace = (curve.scorer or "").endswith(ON_TRACE)
    of = "traces" if on_trace else "harmless requests" if curve.axis == "benign" else "answers"
    return f"of {of} {WHAT[curve.axis]}"
