"""Rules for the setting of a statement: settings of its plan, ladder, arms, K, polarity, consumption, tests, date."""

from datetime import datetime

from pydantic import ValidationError

from overthink.analysis.hypotheses import TEST as HYPOTHESIS_TEST
from overthink.analysis.k_scale import LOWEST_BUDGET
from overthink.analysis.mitigations import MITIGATION_TEST
from overthink.analysis.oversight.faithfulness import BEYOND_TEST, UPLIFT_TEST
from overthink.analysis.oversight.judges import CHANCE_TEST, GAIN_TEST
from overthink.analysis.oversight.monitors import TEST as MONITOR_TEST
from overthink.analysis.oversight.probes import TEST as PROBE_TEST
from overthink.analysis.oversight.red_team import SEARCH_TEST
from overthink.data.ids import CONTROL_ESTIMANDS
from overthink.data.record import Estimand
from overthink.errors import InputError
from overthink.governance.statement.generate import thinking_of
from overthink.governance.statement.read import Breaches, close, tests
from overthink.governance.statement.schema import LADDERS, Statement
from overthink.plan.arms import ArmPlan
from overthink.plan.schedule import read_until
from overthink.plan.study import HIGH_WORDS, Plan, TaskPlan
from overthink.stats.shape import MAX_T, REGIMES
from overthink.stats.testing import TEST_NAME


def budgets(statement: Statement) -> Breaches:
    """The budgets are one increasing ladder, and every curve's rungs are on it."""
    how = statement.elicitation
    ladders = {name: getattr(how, name) for name in LADDERS.values()}
    has = [name for name, rungs in ladders.items() if rungs]
    if how.no_plan is not None:
        if has:
            yield "elicitation", f"{' and '.join(has)}, which belong to a plan, and there is none"
    elif len(has) != 1:
        yield "elicitation", f"{' and '.join(has) or 'no ladder'}; needed: one of {', '.join(ladders)}"
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
        if how.no_plan is not None:
            continue  # the ladder is the curve's own
        if curve.estimand == "forced":
            off = sorted(set(requests) - set(how.budgets or ()))
            if off or len(requests) < len(curve.points):
                yield f"curves.{i}.points", f"budgets {off or 'null'} are not on the ladder {how.budgets}"
        if curve.estimand == "effort":
            off_names = [str(point.effort) for point in curve.points if point.effort not in (how.efforts or ())]
            if off_names:
                yield f"curves.{i}.points", f"efforts {', '.join(off_names)} are not on the ladder {how.efforts}"


def arms(statement: Statement) -> Breaches:
    """Every curve belongs to a listed arm, and labels of arms differ."""
    how = statement.elicitation
    labels = [arm.label for arm in how.arms]
    if len(set(labels)) < len(labels):
        yield "elicitation.arms", f"{', '.join(labels)}: a label occurs twice"
    for i, curve in enumerate(statement.curves):
        if how.budgets is not None and curve.arm not in labels:
            yield f"curves.{i}.arm", f"{curve.arm!r} is none of the arms {', '.join(labels)}"


def k_stated(statement: Statement) -> Breaches:
    """K has one reference: the same amount, unit and choice on every curve, the same tokens on curves of an arm."""
    references = [(f"curves.{i}.reference", curve) for i, curve in enumerate(statement.curves)]
    amounts = {(r.amount, r.unit, r.in_flop, r.how) for _, curve in references if (r := curve.reference) is not None}
    if len(amounts) > 1:
        yield "curves", f"{len(amounts)} references of K; needed: one for all axes"
    tokens: dict[str, float | None] = {}
    for where, curve in references:
        value = None if curve.reference is None else curve.reference.value
        if not close(tokens.setdefault(curve.arm, value), value):
            yield where, f"{value}; the other curves of its arm have {tokens[curve.arm]}"
        if curve.reference is not None and not curve.reference.in_flop and not close(value, curve.reference.amount):
            yield f"{where}.amount", f"{curve.reference.amount:g}, which is not {value:g} tokens"
    thinks = any(thinking_of(curve, point) for curve in statement.curves for point in curve.points)
    if thinks and not amounts and (statement.elicitation.budgets is not None or _is_level_shared(statement)):
        yield "curves", "no reference of K, though thinking is known"
    yield from _lowest_budget(statement)


def _is_level_shared(statement: Statement) -> bool:
    """Return whether all curves that think have a level in common, which K = 1 then is."""
    levels = [
        {(p.effort, p.requested_tokens, p.turns, p.loop_tokens) for p in curve.points if thinking_of(curve, p)}
        for curve in statement.curves
        if curve.estimand in (Estimand.EFFORT.value, Estimand.CHECKPOINT.value)
    ]
    thinking = [some for some in levels if some]
    return bool(thinking) and bool(set.intersection(*thinking))


def _lowest_budget(statement: Statement) -> Breaches:
    """Where K = 1 is the lowest budget that all curves have, it is that budget."""
    of_budgets = (Estimand.FORCED.value, Estimand.CHECKPOINT.value, Estimand.EFFORT.value)  # efforts may be caps
    curves = [curve for curve in statement.curves if curve.estimand in of_budgets]
    if statement.elicitation.no_plan is not None:  # logs and tables state budgets of any estimand
        own = [curve for curve in statement.curves if curve.estimand not in CONTROL_ESTIMANDS]
        curves = own or list(statement.curves)
    budgets = [{float(n) for p in curve.points if (n := p.loop_tokens or p.requested_tokens)} for curve in curves]
    common = sorted(set.intersection(*(some for some in budgets if some))) if any(budgets) else []
    for i, curve in enumerate(statement.curves):
        ref = curve.reference
        if ref is not None and ref.how == LOWEST_BUDGET and not ref.in_flop and ref.amount not in common[:1]:
            yield f"curves.{i}.reference", f"{ref.amount:g}; the lowest budget above 0 that all have is {common[:1]}"


def consumption(statement: Statement) -> Breaches:
    """Tokens of an attempt are thinking, answer, and what its arm discards."""
    plain = {arm.label for arm in statement.elicitation.arms if arm.parts == ("base",)}
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            parts = (point.thinking_tokens.estimate, point.answer_tokens.estimate)
            whole, where = point.attempt_tokens.estimate, f"curves.{i}.points.{j}"
            errors = point.gates.get("errors")
            if curve.estimand != "forced" or errors is None or errors.estimate != 0:
                continue  # means over different traces do not add up
            parts_sum = sum(filter(None, parts))
            off = None not in parts and whole is not None and abs(whole - parts_sum) > 0.02 * parts_sum
            if off and whole is not None and (whole < parts_sum or curve.arm in plain):
                yield f"{where}.attempt_tokens", f"{whole:g}; thinking and answer make {parts_sum:g}"


def polarity(statement: Statement) -> Breaches:
    """The meaning of a high raw score is a term of the axis."""
    for i, curve in enumerate(statement.curves):
        if curve.raw_high_means is None and statement.elicitation.no_plan is not None:
            continue
        if curve.raw_high_means not in HIGH_WORDS[curve.axis]:
            words = " or ".join(HIGH_WORDS[curve.axis])
            yield f"curves.{i}.raw_high_means", f"{curve.raw_high_means!r} on the {curve.axis} axis; needed: {words}"


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


def checkpoints(statement: Statement) -> Breaches:
    """Checkpoints of turns or tokens are those of the loop that was run, and no other curve has any."""
    for i, curve in enumerate(statement.curves):
        for name in ("turns", "loop_tokens"):
            ladder = getattr(statement.elicitation, name) if curve.estimand == "checkpoint" else None
            counts = [getattr(point, name) for point in curve.points]
            known_counts = [count for count in counts if count is not None]
            off = set(known_counts) - set(ladder or ()) or (ladder is not None and None in counts)
            if off or known_counts != sorted(set(known_counts)):
                yield f"curves.{i}.points", f"{name} {', '.join(map(str, counts))} are not on the ladder {ladder}"


def efforts(statement: Statement) -> Breaches:
    """Only effort levels say whether they moved the reasoning."""
    for i, curve in enumerate(statement.curves):
        moved, is_effort = curve.effort_moved, curve.estimand == Estimand.EFFORT.value
        if (moved is not None) != is_effort:
            yield f"curves.{i}.effort_moved", f"{moved}, estimand {curve.estimand!r}"


TEST_NAMES = frozenset(
    {MAX_T, REGIMES, TEST_NAME, HYPOTHESIS_TEST, MITIGATION_TEST, MONITOR_TEST, BEYOND_TEST, UPLIFT_TEST}
    | {PROBE_TEST, CHANCE_TEST, GAIN_TEST, SEARCH_TEST}
)
"""Tests whose p-values reach a statement."""


def settings(statement: Statement) -> Breaches:
    """The settings are those of a plan: options belong to their ladder, and numbers are in their ranges.

    Without a plan there is none of them.
    """
    how = statement.elicitation
    yield from _plan_or_none(statement)
    if how.no_plan is not None:
        return
    try:
        until = None if how.until is None else read_until(how.until)
        if until is not None and until.text != how.until:
            yield "elicitation.until", f"{how.until!r}; a plan writes {until.text!r}"
        fields = dict(
            model=statement.model or "",
            tasks=tuple(
                TaskPlan.model_validate({"task": f"{i}", "axis": curve.axis, "high": curve.raw_high_means})
                for i, curve in enumerate(statement.curves)
            ),
            arms=tuple(ArmPlan.model_validate(arm.model_dump()) for arm in how.arms),
            until=until,
            level=how.planned_level,
            margin=how.planned_margin,
            **{name: getattr(how, name) for name in _SAME},
        )
        Plan.model_validate(fields)
    except ValidationError as failure:
        for error in failure.errors(include_url=False):
            where = ".".join(map(str, error["loc"])) or "the whole"
            yield f"elicitation ({where})", error["msg"].removeprefix("Value error, ")
    except InputError as failure:
        yield "elicitation.until", str(failure)
    if how.efforts is None and None in (how.temperature, how.top_p):
        yield "elicitation", "temperature and top_p are not stated, and the ladder is not the provider's own"


def _plan_or_none(statement: Statement) -> Breaches:
    """Yield what a statement without a plan says of one, and what one with a plan leaves out."""
    how = statement.elicitation
    is_planned = how.no_plan is None
    if is_planned != (statement.evidence.plan_sha256 is not None):
        yield "evidence.plan_sha256", f"{statement.evidence.plan_sha256}; needed: that of the plan, where there is one"
    if is_planned:
        if statement.model is None:
            yield "model", "null, and a plan names its model"
        if how.conditions is not None:
            yield "elicitation.conditions", "there, and the settings are those of a plan"
        return
    stated = [name for name in (*_SAME, "until") if getattr(how, name) not in (None, ())]
    stated += ["arms" for arm in how.arms if (arm.parts, arm.settings) != (None, None)][:1]
    if stated:
        yield f"elicitation.{stated[0]}", "there, and no plan says how the rows were made"
    if any(curve.judge.grader is not None for curve in statement.curves):
        yield "curves", "a grading model is named, and no plan says how the rows were made"


_SAME = (
    *("budgets", "efforts", "turns", "loop_tokens", "draws", "max_draws", "sandbox_scoring", "limit", "seed"),
    *("answer_tokens", "think_format", "answer_cue", "temperature", "top_p", "controls", "hypothesis"),
)
"""Settings of a plan that a statement repeats by their name."""


def test_names(statement: Statement) -> Breaches:
    """Every test is one that this package makes."""
    for where, test in tests(statement):
        if test.name not in TEST_NAMES:
            yield f"{where}.name", f"{test.name[:80]!r}: no test that Overthink makes"
