"""Rules for every number and text by itself: interval, range, unit, tests, and that reasons and limits are ours.

A limit or a reason is never read for its meaning: it is rendered by a phrase, from numbers and names, or it is not.
"""

from overthink.analysis.phrases import LIMITS, REASONS
from overthink.data.kinds import Metric
from overthink.data.phrases import Names, Reason, phrases_of, unknown_phrases
from overthink.governance.statement import curves
from overthink.governance.statement.claim_schema import ArmClaim, OversightClaim
from overthink.governance.statement.compare import short
from overthink.governance.statement.curve_schema import Number, Part
from overthink.governance.statement.origin import slots
from overthink.governance.statement.read import Breaches, by_id, close, level_of, numbers, parts, tests
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


ALL_REASONS = (*REASONS, *phrases_of(Reason, [curves]))

_REASON_FIELDS = ("reason", "limit_hit_reason")


def limits(statement: Statement) -> Breaches:
    """Every limit is a text that this package writes, once; an arm that it names is the other one, or of the task."""
    curve_of = by_id(statement)
    for where, part in parts(statement, Part):
        names: Names = {}
        if isinstance(part, ArmClaim):
            against = curve_of.get(part.against)
            names = {"arm": () if against is None else (against.arm,)}
        elif isinstance(part, OversightClaim):
            own = curve_of.get(part.curve)
            names = {"arm": [curve.arm for curve in statement.curves if own is not None and curve.task == own.task]}
        texts = (getattr(part, "limits", None) or ()) if "limits" in slots(type(part)) else ()
        unknown = set(unknown_phrases(texts, LIMITS, names=names))
        for i, text in enumerate(texts):
            if text in unknown:
                yield (
                    f"{where}.limits.{i}",
                    f"{short(text)}: no limit that Overthink writes; needed: the text of its finding",
                )
            elif text in texts[:i]:
                yield f"{where}.limits.{i}", f"{short(text)}: written twice"


def reasons(statement: Statement) -> Breaches:
    """Every reason for a missing number, interval or verdict is a text that this package writes."""
    for where, part in parts(statement, Part):
        for name in _REASON_FIELDS:
            text = getattr(part, name) if name in slots(type(part)) else None
            if text is not None and unknown_phrases([text], ALL_REASONS):
                yield (
                    f"{where}.{name}",
                    f"{short(text)}: no reason that Overthink writes; needed: the text of its finding",
                )
