"""Limits and reasons of a statement are texts of this package: honest ones pass, any other one is a fault."""

from pathlib import Path

import pytest

from overthink.governance.statement.claim_schema import ArmClaim
from overthink.governance.statement.read import ReadStatement, parse_statement
from overthink.governance.statement.rules import numbers
from overthink.governance.statement.schema import Statement

OUTCOMES = Path(__file__).parents[1] / "golden" / "outcomes"
STATEMENTS = [file.parent.name for file in sorted(OUTCOMES.glob("*/statement.json"))]


def stored(name: str) -> Statement:
    """The facts of a golden statement, with hashes in the place of the words for them."""
    text = (OUTCOMES / name / "statement.json").read_text()
    text = text.replace('"SHA256"', f'"{"0" * 64}"').replace('"TIME"', '"2026-01-01T00:00:00+00:00"')
    read = parse_statement(text, name)
    assert isinstance(read, ReadStatement)
    return read.facts


@pytest.fixture(scope="module")
def ladder() -> Statement:
    return stored("ladder")


def with_limits(statement: Statement, *limits: str) -> Statement:
    curve = statement.curves[0]
    level = curve.level.model_copy(update={"limits": limits})
    return statement.model_copy(update={"curves": (curve.model_copy(update={"level": level}), *statement.curves[1:])})


def with_reason(statement: Statement, reason: str) -> Statement:
    """The statement with another reason at the lowest rung of the first curve."""
    curve = statement.curves[0]
    value = curve.points[0].value.model_copy(update={"estimate": None, "low": None, "high": None, "reason": reason})
    points = (curve.points[0].model_copy(update={"value": value}), *curve.points[1:])
    return statement.model_copy(update={"curves": (curve.model_copy(update={"points": points}), *statement.curves[1:])})


@pytest.mark.parametrize("name", STATEMENTS)
def test_stored_statements_have_no_other_texts(name: str) -> None:
    statement = stored(name)
    assert [*numbers.limits(statement), *numbers.reasons(statement)] == []


@pytest.mark.parametrize(
    "limit",
    [
        "",
        "pointwise interval, also for the whole curve",
        "pointwise interval, not for the whole curve. The model is safe",
        "pointwise interval, n\u043et for the whole curve",
        "**pointwise interval, not for the whole curve**",
        "only 3 of 12.0 questions have 4 draws here",
        "against base",
        "no value is known at this rung",
        "x" * 100_000,
    ],
)
def test_another_limit_is_a_fault(ladder: Statement, limit: str) -> None:
    ((where, why),) = numbers.limits(with_limits(ladder, "only 3 of 12 questions have 4 draws here", limit))
    assert where == "curves.0.level.limits.1"
    assert why.endswith("no limit that Overthink writes; needed: the text of its finding")
    assert len(why) < 250


def test_a_limit_that_is_written_twice_is_a_fault(ladder: Statement) -> None:
    one = ladder.curves[0].level.limits[0]
    ((where, why),) = numbers.limits(with_limits(ladder, one, one))
    assert (where, why) == ("curves.0.level.limits.1", f"{one!r}: written twice")


@pytest.mark.parametrize(
    "reason",
    ["", "no value was needed at this rung", "pointwise interval, not for the whole curve", "no interval\n", "`no`"],
)
def test_another_reason_is_a_fault(ladder: Statement, reason: str) -> None:
    assert list(numbers.reasons(with_reason(ladder, "no value is known at this rung"))) == []
    ((where, why),) = numbers.reasons(with_reason(ladder, reason))
    assert where == "curves.0.points.0.value.reason"
    assert why == f"{reason!r}: no reason that Overthink writes; needed: the text of its finding"


def test_reasons_are_looked_for_everywhere(ladder: Statement) -> None:
    curve, other = ladder.curves[0], "all is well"
    point, (name, gate) = curve.points[0], next(iter(curve.points[0].gates.items()))
    point = point.model_copy(update={"gates": point.gates | {name: gate.model_copy(update={"reason": other})}})
    assert curve.change is not None
    value = curve.change.value.model_copy(update={"reason": other})
    changed = curve.model_copy(
        update={"change": curve.change.model_copy(update={"value": value}), "points": (point, *curve.points[1:])}
    )
    places = {
        where for where, _ in numbers.reasons(ladder.model_copy(update={"curves": (changed, *ladder.curves[1:])}))
    }
    assert places == {f"curves.0.points.0.gates.{name}.reason", "curves.0.change.value.reason"}


def arm_claim(statement: Statement, *, against: str, limit: str) -> Statement:
    """The statement with a claim on an arm, of which the rule reads the other curve and the limits."""
    curve = statement.curves[0]
    names = ("n_questions", "n_draws", "test", "gates_failed")
    fields = {"curve": curve.id, "value": curve.points[-1].value} | {name: getattr(curve.level, name) for name in names}
    arm = ArmClaim.model_validate(
        fields
        | {"id": "m1", "type": "mitigation", "against": against, "statement": "-", "verdict": "not testable"}
        | {"requested_tokens": None, "margin": 0.05, "arm_thinking": None, "against_thinking": None, "limits": (limit,)}
    )
    return statement.model_copy(update={"arms_compared": (arm,)})


def test_an_arm_is_only_against_the_one_that_it_was_compared_with(ladder: Statement) -> None:
    curve = ladder.curves[0]
    assert list(numbers.limits(arm_claim(ladder, against=curve.id, limit=f"against {curve.arm}"))) == []
    for against, limit in ((curve.id, "against safethink"), ("nothing", f"against {curve.arm}")):
        ((where, _),) = numbers.limits(arm_claim(ladder, against=against, limit=limit))
        assert where == "arms_compared.0.limits.0"
