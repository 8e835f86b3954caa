"""Rules for the setting of a statement: budgets, K, polarity, what was not tried, dates and hashes."""

from datetime import datetime

from overthink.analysis.reliability import CEILING, FLOOR
from overthink.data.finding_ids import axis_of, claim_of
from overthink.data.record import Estimand
from overthink.governance.statement.build import (
    NOT_SAID,
    deviations,
    flop,
    no_claim_beyond,
    not_tried,
    statement_id,
    tools_of,
)
from overthink.governance.statement.curve_schema import Curve, K, Point
from overthink.governance.statement.exports import eee_record, eee_schema
from overthink.governance.statement.read import Breaches, by_id, close, own_points
from overthink.governance.statement.schema import LADDERS, Statement
from overthink.plan.study import HIGH_WORDS


def budgets(statement: Statement) -> Breaches:
    """The budgets are one increasing ladder, and every curve's rungs are on it."""
    how = statement.elicitation
    ladders = {name: getattr(how, name) for name in LADDERS.values()}
    if [name for name, rungs in ladders.items() if rungs is not None] != [LADDERS[how.ladder]]:
        yield "elicitation", f"needed: {LADDERS[how.ladder]}, as its ladder says, and no other"
    for name, rungs in ladders.items():
        if name != "efforts" and rungs is not None and list(rungs) != sorted(set(rungs)):
            yield f"elicitation.{name}", f"{rungs} do not increase"
    for i, curve in enumerate(statement.curves):
        places = [point.rung for point in curve.points]
        if places != sorted(set(places)):
            yield f"curves.{i}.points", f"rungs {places} do not increase"
        requests = [point.requested_tokens for point in curve.points if point.requested_tokens is not None]
        if requests != sorted(set(requests)):
            yield f"curves.{i}.points", f"budgets {requests} do not increase"
        if curve.estimand == "forced":
            off = sorted(set(requests) - set(how.budgets or ()))
            if off or len(requests) < len(curve.points):
                yield f"curves.{i}.points", f"budgets {off or 'null'} are not on the ladder {how.budgets}"
        if curve.estimand == "effort":
            off_names = [str(point.effort) for point in curve.points if point.effort not in (how.efforts or ())]
            if off_names:
                yield f"curves.{i}.points", f"efforts {', '.join(off_names)} are not on the ladder {how.efforts}"


def arms(statement: Statement) -> Breaches:
    """Every curve belongs to a listed arm with its settings, and the tools equal those of the arms."""
    how = statement.elicitation
    labels = [arm.label for arm in how.arms]
    if len(set(labels)) < len(labels):
        yield "elicitation.arms", f"{', '.join(labels)}: a label occurs twice"
    for i, curve in enumerate(statement.curves):
        if how.budgets is not None and curve.arm not in labels:
            yield f"curves.{i}.arm", f"{curve.arm!r} is none of the arms {', '.join(labels)}"
    if how.budgets is not None and tuple(how.tools or ()) != tools_of(how.arms):
        yield "elicitation.tools", f"{how.tools}; the arms gave {tools_of(how.arms) or 'none'}"


def k_stated(statement: Statement) -> Breaches:
    """K has a basis and one reference on all axes of an arm, and follows from them: thinking of one try, or tries."""
    references: dict[str, float] = {}
    curves = by_id(statement)
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            where = f"curves.{i}.points.{j}"
            if point.cost.basis == "tokens":
                references.setdefault(curve.arm, point.cost.ref.value)
            reference = references.get(curve.arm)
            yield from _k(f"{where}.cost", point.cost, _thinking(curve, point), reference, tries=1)
            for n, many in enumerate(point.tries):
                yield from _k(f"{where}.tries.{n}.cost", many.cost, _thinking(curve, point), reference, tries=many.k)
    for i, claim in enumerate(statement.claims):
        own = curves.get(claim.curve)
        places = None if own is None else own_points(claim, own)
        if own is not None and places is not None:
            reference = references.get(own.arm)
            yield from _k(f"claims.{i}.k", claim.k, _thinking(own, places[0]), reference, tries=claim.at.k)


def _thinking(curve: Curve, point: Point) -> float | None:
    """Return what K counts at a rung: the budget, else realised thinking; of a loop its generated tokens."""
    asked = point.requested_tokens if point.loop_tokens is None else point.loop_tokens
    if asked is not None:
        return float(asked)
    return (point.attempt_tokens if curve.estimand == Estimand.CHECKPOINT.value else point.thinking_tokens).estimate


def _k(where: str, k: K, thinking: float | None, reference: float | None, *, tries: int) -> Breaches:
    if (k.basis == "tokens") != (k.ref.unit != "tries"):
        yield f"{where}.ref.unit", f"basis {k.basis!r} with a reference in {k.ref.unit!r}"
    if k.basis == "tokens":
        if reference is None or not close(k.ref.value, reference):
            yield f"{where}.ref.value", f"{k.ref.value:g}; the one reference of all axes is {reference}"
        expected_k = None if thinking is None else thinking / k.ref.value
    else:
        if k.ref.value != 1:
            yield f"{where}.ref.value", f"{k.ref.value:g}; the reference of tries is one try"
        expected_k = float(tries)
    if not close(k.value, expected_k):
        yield f"{where}.value", f"K is {k.value:g}; the budget over its reference is {expected_k}"


def consumption(statement: Statement) -> Breaches:
    """Tokens of an attempt are thinking, answer, and what its arm discards; quantiles increase."""
    plain = {arm.label for arm in statement.elicitation.arms if arm.parts == ("base",)}
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            parts = (point.thinking_tokens.estimate, point.answer_tokens.estimate)
            whole, where = point.attempt_tokens.estimate, f"curves.{i}.points.{j}"
            errors = point.gates.get("errors")
            if curve.estimand != "forced" or errors is None or errors.estimate != 0:
                continue  # means over different traces do not add up
            parts_sum = sum(filter(None, parts))
            off = None not in parts and whole is not None and not close(whole, parts_sum, relative=0.02)
            if off and whole is not None and (whole < parts_sum or curve.arm in plain):
                yield f"{where}.attempt_tokens", f"{whole:g}; thinking and answer make {parts_sum:g}"
            levels = sorted(point.quantiles)
            values = [point.quantiles[level] for level in levels]
            if values != sorted(values):
                yield f"{where}.quantiles", f"{values} do not rise with their levels {levels}"


def polarity(statement: Statement) -> Breaches:
    """A value of 1 is always the good outcome, and the meaning of a high raw score is a term of the axis."""
    for i, curve in enumerate(statement.curves):
        good = HIGH_WORDS[curve.axis][0]
        if curve.value_1_means != good:
            yield f"curves.{i}.value_1_means", f"{curve.value_1_means!r} on the {curve.axis} axis; needed: {good!r}"
        if curve.raw_high_means not in HIGH_WORDS[curve.axis]:
            words = " or ".join(HIGH_WORDS[curve.axis])
            yield f"curves.{i}.raw_high_means", f"{curve.raw_high_means!r} on the {curve.axis} axis; needed: {words}"


def left_open(statement: Statement) -> Breaches:
    """Methods that were not tried, limitations of the statement and limits of every claim are all listed."""
    how = statement.elicitation
    has_budgets = how.budgets is not None
    natural = "natural" in how.controls
    entries = not_tried(
        how.selectors,
        has_budgets=has_budgets,
        natural=natural,
        tries=how.max_tries,
        tools=bool(how.tools),
        loop=how.checkpoints is not None,
    )
    missing = {item.what for item in entries} - {item.what for item in how.not_tried}
    if missing:
        yield "elicitation.not_tried", f"left out: {', '.join(sorted(missing))}"
    limitations = [text for text in NOT_SAID if text not in statement.does_not_say]
    if limitations:
        yield (
            "does_not_say",
            f"left out: {limitations[0]!r}" + (f" and {len(limitations) - 1} more" if len(limitations) > 1 else ""),
        )
    for i, claim in enumerate(statement.claims):
        if not any(limit.strip() for limit in claim.limits):
            yield f"claims.{i}.limits", "empty; needed: what the number does not cover"
    bound = no_claim_beyond(how)
    if statement.no_claim_beyond != bound:
        yield "no_claim_beyond", f"{statement.no_claim_beyond!r}; what was tested says {bound!r}"
    if how.tools is None and not how.tools_reason:
        yield "elicitation.tools", "unknown, and tools_reason does not say why"


def plan_deviations(statement: Statement) -> Breaches:
    """Every deviation from the plan is listed."""
    for deviation in deviations(statement.curves, statement.elicitation):
        if deviation not in statement.deviations:
            yield "deviations", f"left out: {deviation}"


def extremes(statement: Statement) -> Breaches:
    """A task at its floor or ceiling is marked: it cannot show a change in one direction."""
    for i, curve in enumerate(statement.curves):
        estimates = [point.value.estimate for point in curve.points if point.value.estimate is not None]
        extreme = None
        if estimates:
            extreme = "floor" if max(estimates) <= FLOOR else "ceiling" if min(estimates) >= CEILING else None
        if curve.extreme != extreme:
            yield f"curves.{i}.extreme", f"{curve.extreme!r}; the values say {extreme!r}"


def judge_correction(statement: Statement) -> Breaches:
    """A curve marked as corrected has corrected numbers, and the scorer's errors are stated or marked as unknown."""
    for i, curve in enumerate(statement.curves):
        has = any(point.corrected is not None and point.corrected.estimate is not None for point in curve.points)
        if curve.judge.corrected != has:
            yield (
                f"curves.{i}.judge.corrected",
                f"{curve.judge.corrected}; corrected numbers are {'there' if has else 'absent'}",
            )
        if not has and not (curve.judge.reason or "").strip():
            yield f"curves.{i}.judge.reason", "not corrected, and no reason is given"
        if has and (curve.judge.sensitivity is None or curve.judge.specificity is None):
            yield f"curves.{i}.judge", "corrected without the judge's sensitivity and specificity"


def flop_stated(statement: Statement) -> Breaches:
    """FLOP follow from the stated parameters, with the method's uncertainty, or are unknown with a reason."""
    expected_flop, actual = flop(statement.curves, statement.stated), statement.flop
    if actual.method != expected_flop.method:
        yield "flop.method", f"{actual.method!r}; with the stated parameters: {expected_flop.method!r}"
    elif actual.uncertainty != expected_flop.uncertainty:
        yield "flop.uncertainty", f"{actual.uncertainty}; needed: {expected_flop.uncertainty}"
    if len(actual.per_attempt) != len(expected_flop.per_attempt):
        yield "flop.per_attempt", f"{len(actual.per_attempt)} curves; needed: {len(expected_flop.per_attempt)}"
    for i, (item, expected_item) in enumerate(zip(actual.per_attempt, expected_flop.per_attempt, strict=False)):
        for name in ("estimate", "low", "high"):
            if not close(getattr(item, name), getattr(expected_item, name)) or item.curve != expected_item.curve:
                yield (
                    f"flop.per_attempt.{i}.{name}",
                    f"{getattr(item, name):g}; 2N makes it {getattr(expected_item, name):g}",
                )
    if not (actual.reason or "").strip():
        yield "flop.reason", "empty; needed: what the method leaves out, or why there is none"


def creation_date(statement: Statement) -> Breaches:
    """The date is a date with a time zone."""
    try:
        time = datetime.fromisoformat(statement.created)
    except ValueError:
        yield "created", f"{statement.created!r} is no date; needed: ISO 8601 with a time zone"
        return
    if time.tzinfo is None:
        yield "created", f"{statement.created!r} has no time zone"
    elif time.year < _FIRST_YEAR:
        yield "created", f"{statement.created} is before there were such statements"


_FIRST_YEAR = 2025


def hashes(statement: Statement) -> Breaches:
    """The statement is named after the hashes of its evidence."""
    expected_id = statement_id(statement.evidence)
    if statement.id != expected_id:
        yield "id", f"{statement.id}; the hashes of plan, pool and findings make it {expected_id}"


def record(statement: Statement) -> Breaches:
    """The Every Eval Ever record is valid against its schema and says what the statement says."""
    from jsonschema import Draft7Validator

    for error in Draft7Validator(eee_schema()).iter_errors(statement.every_eval_ever):
        path = ".".join(map(str, ("every_eval_ever", *error.absolute_path)))
        yield path, f"not valid against Every Eval Ever 0.3.0: {error.message[:200]}"
    try:
        expected_record = eee_record(statement)
    except (ValueError, OverflowError):
        return  # the date is invalid, which another rule reports
    yield from document_differences("every_eval_ever", statement.every_eval_ever, expected_record)


_MOST_SHOWN = 120
"""Characters of a value in a message."""


def document_differences(
    where: str, actual: object, expected_value: object, *, source: str = "the statement"
) -> Breaches:
    """Yield the differences of a document from the expected one; additional fields of objects are ignored.

    Args:
        where: Path of the document in messages.
        actual: The document.
        expected_value: What it should be.
        source: What the expected values follow from, for messages.
    """
    if isinstance(expected_value, dict) and isinstance(actual, dict):
        for name, value in expected_value.items():
            if name not in actual:
                yield f"{where}.{name}", "missing"
            else:
                yield from document_differences(f"{where}.{name}", actual[name], value, source=source)
    elif isinstance(expected_value, list) and isinstance(actual, list):
        if len(actual) != len(expected_value):
            yield where, f"{len(actual)} entries; {source} gives {len(expected_value)}"
        for i, (item, expected_item) in enumerate(zip(actual, expected_value, strict=False)):
            yield from document_differences(f"{where}.{i}", item, expected_item, source=source)
    elif _is_number(actual) and _is_number(expected_value):
        if not close(float(str(actual)), float(str(expected_value))):
            yield where, f"{actual!r}; {source} gives {expected_value!r}"
    elif actual != expected_value or isinstance(actual, bool) != isinstance(expected_value, bool):
        yield where, f"{_short(actual)}; {source} gives {_short(expected_value)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} …"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def curve_names(statement: Statement) -> Breaches:
    """The numbers of a curve are findings of that curve."""
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            for name in ("value", "band", "corrected", "attempt_tokens"):
                value = getattr(point, name)
                if value is None or value.finding == f"none: {name}":
                    continue
                if claim_of(value.finding, curve.id) is None:
                    yield f"curves.{i}.points.{j}.{name}.finding", f"{value.finding!r} is not of {curve.id}"
        yield from _axis_name(f"curves.{i}", curve)


def _axis_name(where: str, curve: Curve) -> Breaches:
    if axis_of(curve.id) != curve.axis:
        yield f"{where}.axis", f"{curve.axis!r}; its name says {axis_of(curve.id)!r}"
