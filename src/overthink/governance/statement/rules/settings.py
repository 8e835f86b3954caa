"""Rules for the settings of a study: they are those that a plan can have, and tests are those that are made."""

from pydantic import ValidationError

from overthink.analysis.hypotheses import TEST as HYPOTHESIS_TEST
from overthink.analysis.mitigations import MITIGATION_TEST
from overthink.errors import InputError
from overthink.governance.statement.read import Breaches, tests
from overthink.governance.statement.schema import Statement
from overthink.plan.arms import ArmPlan
from overthink.plan.stopping import read_until
from overthink.plan.study import Plan, TaskPlan
from overthink.stats.shape import MAX_T, REGIMES
from overthink.stats.testing import TEST_NAME

TEST_NAMES = frozenset({MAX_T, REGIMES, TEST_NAME, HYPOTHESIS_TEST, MITIGATION_TEST})
"""Tests whose p-values reach a statement."""


def settings(statement: Statement) -> Breaches:
    """The settings are those of a plan: options belong to their ladder, and numbers are in their ranges."""
    how = statement.elicitation
    try:
        until = None if how.until is None else read_until(how.until)
        if until is not None and until.text != how.until:
            yield "elicitation.until", f"{how.until!r}; a plan writes {until.text!r}"
        Plan(
            model=statement.model,
            tasks=tuple(
                TaskPlan(task=f"{i}", axis=curve.axis, high=curve.raw_high_means)
                for i, curve in enumerate(statement.curves)
            ),
            arms=tuple(ArmPlan(label=arm.label, parts=arm.parts, settings=arm.settings) for arm in how.arms),
            until=until,
            level=how.planned_level,
            margin=how.planned_margin,
            **{name: getattr(how, name) for name in _SAME},
        )
    except ValidationError as failure:
        for error in failure.errors(include_url=False):
            where = ".".join(map(str, error["loc"])) or "the whole"
            yield f"elicitation ({where})", error["msg"].removeprefix("Value error, ")
    except InputError as failure:
        yield "elicitation.until", str(failure)
    if how.efforts is None and None in (how.temperature, how.top_p):
        yield "elicitation", "temperature and top_p are not stated, and the ladder is not the provider's own"


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
