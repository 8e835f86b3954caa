"""Rules for what a statement says of its own setting: budgets, K, polarity, what was not tried, dates and hashes."""

from collections.abc import Iterator
from datetime import datetime

from overthink.core.findings.checks import CEILING, FLOOR
from overthink.govern.arms_tried import tools_of
from overthink.govern.assembling import NOT_SAID, deviations, flop, no_claim_beyond, statement_id
from overthink.govern.every_eval_ever import eee_record, eee_schema
from overthink.govern.faults import by_id, close, own_points
from overthink.govern.not_tried import not_tried
from overthink.govern.statement import LADDERS, Statement
from overthink.govern.statement_curve import Curve, K
from overthink.plan import HIGH_WORDS

Found = Iterator[tuple[str, str]]


def budgets(statement: Statement) -> Found:
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
        asked = [point.requested_tokens for point in curve.points if point.requested_tokens is not None]
        if asked != sorted(set(asked)):
            yield f"curves.{i}.points", f"budgets {asked} do not increase"
        if curve.estimand == "forced":
            off = sorted(set(asked) - set(how.budgets or ()))
            if off or len(asked) < len(curve.points):
                yield f"curves.{i}.points", f"budgets {off or 'null'} are not on the ladder {how.budgets}"
        if curve.estimand == "effort":
            off_names = [str(point.effort) for point in curve.points if point.effort not in (how.efforts or ())]
            if off_names:
                yield f"curves.{i}.points", f"efforts {', '.join(off_names)} are not on the ladder {how.efforts}"


def arms(statement: Statement) -> Found:
    """Every curve is of an arm that is told with its decisions, and the tools are those that some arm gave."""
    how = statement.elicitation
    labels = [arm.label for arm in how.arms]
    if len(set(labels)) < len(labels):
        yield "elicitation.arms", f"{', '.join(labels)}: a label occurs twice"
    for i, curve in enumerate(statement.curves):
        if how.budgets is not None and curve.arm not in labels:
            yield f"curves.{i}.arm", f"{curve.arm!r} is none of the arms {', '.join(labels)}"
    if how.budgets is not None and tuple(how.tools or ()) != tools_of(how.arms):
        yield "elicitation.tools", f"{how.tools}; the arms gave {tools_of(how.arms) or 'none'}"


def k_stated(statement: Statement) -> Found:
    """K has a basis and a reference, and is what they make it: tokens of one attempt, or tries."""
    for i, curve in enumerate(statement.curves):
        lowest = curve.points[0].attempt_tokens.estimate
        for j, point in enumerate(curve.points):
            where = f"curves.{i}.points.{j}"
            yield from _k(f"{where}.cost", point.cost, lowest, point.attempt_tokens.estimate, tries=1)
            for n, many in enumerate(point.tries):
                spent = point.attempt_tokens.estimate
                yield from _k(f"{where}.tries.{n}.cost", many.cost, lowest, spent, tries=many.k)
    curves = by_id(statement)
    for i, claim in enumerate(statement.claims):
        own = curves.get(claim.curve)
        places = None if own is None else own_points(claim, own)
        if own is not None and places is not None:
            lowest, spent = own.points[0].attempt_tokens.estimate, places[0].attempt_tokens.estimate
            yield from _k(f"claims.{i}.k", claim.k, lowest, spent, tries=claim.at.k)


def _k(where: str, k: K, lowest: float | None, spent: float | None, *, tries: int) -> Found:
    if (k.basis == "tokens") != (k.ref.unit == "generated tokens per attempt"):
        yield f"{where}.ref.unit", f"basis {k.basis!r} with a reference in {k.ref.unit!r}"
    if k.basis == "tokens":
        if lowest is None or not close(k.ref.value, lowest):
            yield f"{where}.ref.value", f"{k.ref.value:g}; one attempt at the lowest rung takes {lowest} tokens"
        needed = None if spent is None or not lowest else tries * spent / lowest
    else:
        if k.ref.value != 1:
            yield f"{where}.ref.value", f"{k.ref.value:g}; the reference of tries is one try"
        needed = float(tries)
    if not close(k.value, needed):
        yield f"{where}.value", f"K is {k.value:g}; the budget over its reference is {needed}"


def consumption(statement: Statement) -> Found:
    """What an attempt consumes is its thinking, its answer, and what its arm throws away; quantiles rise."""
    plain = {arm.label for arm in statement.elicitation.arms if arm.parts == ("base",)}
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            parts = (point.thinking_tokens.estimate, point.answer_tokens.estimate)
            whole, where = point.attempt_tokens.estimate, f"curves.{i}.points.{j}"
            errors = point.gates.get("errors")
            if curve.estimand != "forced" or errors is None or errors.estimate != 0:
                continue  # means over different traces do not add up
            kept = sum(filter(None, parts))
            off = None not in parts and whole is not None and not close(whole, kept, relative=0.02)
            if off and whole is not None and (whole < kept or curve.arm in plain):
                yield f"{where}.attempt_tokens", f"{whole:g}; thinking and answer make {kept:g}"
            levels = sorted(point.quantiles)
            values = [point.quantiles[level] for level in levels]
            if values != sorted(values):
                yield f"{where}.quantiles", f"{values} do not rise with their levels {levels}"


def polarity(statement: Statement) -> Found:
    """A value of 1 is always the good one, and what a high raw score means is a word of the axis."""
    for i, curve in enumerate(statement.curves):
        good = HIGH_WORDS[curve.axis][0]
        if curve.value_1_means != good:
            yield f"curves.{i}.value_1_means", f"{curve.value_1_means!r} on the {curve.axis} axis; needed: {good!r}"
        if curve.raw_high_means not in HIGH_WORDS[curve.axis]:
            words = " or ".join(HIGH_WORDS[curve.axis])
            yield f"curves.{i}.raw_high_means", f"{curve.raw_high_means!r} on the {curve.axis} axis; needed: {words}"


def left_open(statement: Statement) -> Found:
    """What was not tried, what is not said, and the limits of every claim are all told."""
    how = statement.elicitation
    forced = how.budgets is not None
    natural = "natural" in how.controls
    left = not_tried(
        how.selectors,
        forced=forced,
        natural=natural,
        tries=how.max_tries,
        tools=bool(how.tools),
        loop=how.checkpoints is not None,
    )
    missing = {one.what for one in left} - {one.what for one in how.not_tried}
    if missing:
        yield "elicitation.not_tried", f"left out: {', '.join(sorted(missing))}"
    unsaid = [text for text in NOT_SAID if text not in statement.does_not_say]
    if unsaid:
        yield "does_not_say", f"left out: {unsaid[0]!r}" + (f" and {len(unsaid) - 1} more" if len(unsaid) > 1 else "")
    for i, claim in enumerate(statement.claims):
        if not any(limit.strip() for limit in claim.limits):
            yield f"claims.{i}.limits", "empty; needed: what the number does not cover"
    wanted = no_claim_beyond(how)
    if statement.no_claim_beyond != wanted:
        yield "no_claim_beyond", f"{statement.no_claim_beyond!r}; what was tested says {wanted!r}"
    if how.tools is None and not how.tools_reason:
        yield "elicitation.tools", "unknown, and tools_reason does not say why"


def deviations_told(statement: Statement) -> Found:
    """Every deviation from the plan is told."""
    for told in deviations(statement.curves, statement.elicitation):
        if told not in statement.deviations:
            yield "deviations", f"left out: {told}"


def extremes(statement: Statement) -> Found:
    """A task at its floor or ceiling says so: it cannot show a change in one direction."""
    for i, curve in enumerate(statement.curves):
        known = [point.value.estimate for point in curve.points if point.value.estimate is not None]
        needed = None
        if known:
            needed = "floor" if max(known) <= FLOOR else "ceiling" if min(known) >= CEILING else None
        if curve.extreme != needed:
            yield f"curves.{i}.extreme", f"{curve.extreme!r}; the values say {needed!r}"


def judged(statement: Statement) -> Found:
    """A curve called corrected has corrected numbers, and the scorer's errors are told or said to be unknown."""
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


def flop_stated(statement: Statement) -> Found:
    """FLOP follow from the stated parameters, with the method's uncertainty, or are unknown with a reason."""
    needed, seen = flop(statement.curves, statement.stated), statement.flop
    if seen.method != needed.method:
        yield "flop.method", f"{seen.method!r}; with the stated parameters: {needed.method!r}"
    elif seen.uncertainty != needed.uncertainty:
        yield "flop.uncertainty", f"{seen.uncertainty}; needed: {needed.uncertainty}"
    if len(seen.per_attempt) != len(needed.per_attempt):
        yield "flop.per_attempt", f"{len(seen.per_attempt)} curves; needed: {len(needed.per_attempt)}"
    for i, (one, other) in enumerate(zip(seen.per_attempt, needed.per_attempt, strict=False)):
        for name in ("estimate", "low", "high"):
            if not close(getattr(one, name), getattr(other, name)) or one.curve != other.curve:
                yield f"flop.per_attempt.{i}.{name}", f"{getattr(one, name):g}; 2N makes it {getattr(other, name):g}"
    if not (seen.reason or "").strip():
        yield "flop.reason", "empty; needed: what the method leaves out, or why there is none"


def dated(statement: Statement) -> Found:
    """The date is a date with a time zone."""
    try:
        created = datetime.fromisoformat(statement.created)
    except ValueError:
        yield "created", f"{statement.created!r} is no date; needed: ISO 8601 with a time zone"
        return
    if created.tzinfo is None:
        yield "created", f"{statement.created!r} has no time zone"
    elif created.year < _FIRST_YEAR:
        yield "created", f"{statement.created} is before there were such statements"


_FIRST_YEAR = 2025


def hashes(statement: Statement) -> Found:
    """The statement is named after the hashes of its evidence."""
    needed = statement_id(statement.evidence)
    if statement.id != needed:
        yield "id", f"{statement.id}; the hashes of plan, pool and findings make it {needed}"


def record(statement: Statement) -> Found:
    """The Every Eval Ever record is valid against its schema and says what the statement says."""
    from jsonschema import Draft7Validator

    for error in Draft7Validator(eee_schema()).iter_errors(statement.every_eval_ever):
        path = ".".join(map(str, ("every_eval_ever", *error.absolute_path)))
        yield path, f"not valid against Every Eval Ever 0.3.0: {error.message[:200]}"
    try:
        needed = eee_record(statement)
    except (ValueError, OverflowError):
        return  # the date is no date, and another rule says so
    yield from differing("every_eval_ever", statement.every_eval_ever, needed)


def differing(where: str, seen: object, needed: object) -> Found:
    """Where a document does not say what it should; what it says in addition is let be, in objects only."""
    if isinstance(needed, dict) and isinstance(seen, dict):
        for name, value in needed.items():
            if name not in seen:
                yield f"{where}.{name}", "missing"
            else:
                yield from differing(f"{where}.{name}", seen[name], value)
    elif isinstance(needed, list) and isinstance(seen, list):
        if len(seen) != len(needed):
            yield where, f"{len(seen)} entries; the statement makes {len(needed)}"
        for i, (one, other) in enumerate(zip(seen, needed, strict=False)):
            yield from differing(f"{where}.{i}", one, other)
    elif _is_number(seen) and _is_number(needed):
        if not close(float(str(seen)), float(str(needed))):
            yield where, f"{seen!r}; the statement says {needed!r}"
    elif seen != needed or isinstance(seen, bool) != isinstance(needed, bool):
        yield where, f"{seen!r}; the statement says {needed!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def curve_names(statement: Statement) -> Found:
    """The numbers of a curve are findings of that curve."""
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            for name in ("value", "band", "corrected", "attempt_tokens"):
                value = getattr(point, name)
                if value is not None and not value.finding.startswith((f"{curve.id}/", "none: ")):
                    yield f"curves.{i}.points.{j}.{name}.finding", f"{value.finding!r} is not of {curve.id}"
        yield from _named(f"curves.{i}", curve)


def _named(where: str, curve: Curve) -> Found:
    if curve.id.split("/")[0] != curve.axis:
        yield f"{where}.axis", f"{curve.axis!r}; its name says {curve.id.split('/')[0]!r}"
