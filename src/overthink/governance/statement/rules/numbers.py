"""Rules for every number of a statement by itself: interval, reason, range, unit, kind of interval, tests."""

from overthink.data.kinds import Metric
from overthink.governance.statement.curve_schema import Number
from overthink.governance.statement.read import Breaches, close, level_of, numbers, tests
from overthink.governance.statement.schema import Statement

RANGES = {
    "share": (0.0, 1.0),
    "probability": (0.0, 1.0),
    "difference of shares": (-1.0, 1.0),
    "tokens": (0.0, float("inf")),
    "bits": (0.0, float("inf")),
}


def interval(statement: Statement) -> Breaches:
    """Every estimate has an interval that contains it, or a reason why not; all intervals have one level."""
    level = level_of(statement)
    if not 0.5 <= level < 1:
        yield "level", f"{level:g}; needed: from 0.5 to below 1"
    for where, value in numbers(statement):
        own = 2 * level - 1 if ".hypothesis." in where else level  # a part of a hypothesis has one side
        yield from _interval(where, value, own)


def _interval(where: str, value: Number, level: float) -> Breaches:
    if (value.low is None) != (value.high is None):
        yield where, "half an interval: needed both low and high, or neither with a reason"
    if value.low is None or value.high is None:
        if value.estimate is not None and value.reason is None:
            yield where, f"the estimate {value.estimate:g} has no interval and no reason for that"
        return
    if value.level is None:
        yield where, "the interval has no level"
    elif not close(value.level, level):
        yield where, f"the interval's level is {value.level:g}; the statement's is {level:g}"
    if value.low > value.high:
        yield where, f"the interval {value.low:g} to {value.high:g} is upside down"
    elif value.estimate is not None and not value.low - 1e-9 <= value.estimate <= value.high + 1e-9:
        yield where, f"the estimate {value.estimate:g} is outside its interval {value.low:g} to {value.high:g}"


def null_reason(statement: Statement) -> Breaches:
    """A null estimate has a reason, and no interval."""
    for where, value in numbers(statement):
        if value.estimate is None and not (value.reason or "").strip():
            yield where, "the estimate is null and no reason is given"
        if value.estimate is None and (value.low is not None or value.high is not None):
            yield where, "the estimate is null, yet it has an interval"
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            for name, gate in point.gates.items():
                if gate.estimate is None and not (gate.reason or "").strip():
                    yield f"curves.{i}.points.{j}.gates.{name}", "no number, and no reason is given"


def value_range(statement: Statement) -> Breaches:
    """Shares lie in 0 to 1, differences of shares in -1 to 1; percentages are not shares."""
    for where, value in numbers(statement):
        # Differences of two differences reach further.
        gap = ".gaps." in where or where.endswith(".beyond_plain") or f"/{Metric.DEPENDENCE}/" in value.finding
        uncut = gap or (value.unit != "share" and "corrected" in value.finding)  # estimators that leave the range
        low, high = (-2.0, 2.0) if uncut else RANGES[value.unit]
        for name in ("estimate",) if uncut else ("estimate", "low", "high"):
            number = getattr(value, name)
            if number is not None and not low - 1e-9 <= number <= high + 1e-9:
                hint = "; is it a percentage?" if value.unit not in ("tokens", "bits") and abs(number) <= 100 else ""
                yield f"{where}.{name}", f"{number:g} is no {value.unit}; needed: {low:g} to {high:g}{hint}"


def unit(statement: Statement) -> Breaches:
    """Levels are shares, changes are differences of shares, consumption is tokens."""
    for where, value in numbers(statement):
        if where.startswith("oversight."):
            continue  # by the type of the claim: a rule of its own
        field = where.rsplit(".", 1)[-1]
        is_change = field in ("change", "top_step", "size") or any(
            part in where for part in ("change.value", ".gaps.", "arms_compared.")
        )
        needed = "tokens" if field.endswith("_tokens") else "difference of shares" if is_change else "share"
        if value.unit != needed:
            yield f"{where}.unit", f"{value.unit!r}; needed: {needed!r}"


def simultaneous(statement: Statement) -> Breaches:
    """Bands and gaps hold at all rungs at once; a pointwise interval does not become one by its label."""
    for where, value in numbers(statement):
        if where.startswith(("arms_compared.", "oversight.")):
            continue  # over all arms, which depends on how many there are; of oversight a rule of its own
        is_band = where.endswith((".band", ".size")) or ".gaps." in where
        if value.simultaneous != is_band and not where.endswith(".size"):
            said, needed = ("simultaneous", "pointwise") if value.simultaneous else ("pointwise", "simultaneous")
            yield where, f"called {said}; {value.finding} is {needed}"


def adjusted(statement: Statement) -> Breaches:
    """A p-value comes with the one adjusted over its family, which is not smaller; a change has its test."""
    for where, test in tests(statement):
        if test.p is None:
            if test.p_adjusted is not None:
                yield where, "an adjusted p-value without the p-value"
        elif test.p_adjusted is None:
            yield where, "p_adjusted is missing: one of several tests must be adjusted for the others"
        elif test.p_adjusted < test.p - 1e-12:
            yield where, f"p_adjusted {test.p_adjusted:g} is below p {test.p:g}"
    for i, curve in enumerate(statement.curves):
        for name in ("change", "corrected_change"):
            change = getattr(curve, name)
            if change is not None and change.test is None and change.value.low is not None:
                yield f"curves.{i}.{name}.test", "a change without the test that it must pass"
