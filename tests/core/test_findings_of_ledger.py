"""The ledger in the report: every token that was burnt is seen, and what nobody counted is unknown, never 0."""

from dataclasses import replace

import numpy as np
import pytest
from arm_pools import BASE, BUDGETS, arm

from overthink.core.controls import ON_TRACE
from overthink.core.finding import Finding
from overthink.core.findings import Analysis
from overthink.core.findings.ledger import ledger_findings
from overthink.core.findings.page import Page
from overthink.core.outcomes import from_records
from overthink.core.record import Axis, RungRecord

ROWS = [
    replace(row, step_verifier_tokens=0, probe_tokens=0, pruned_tokens=0, cancelled_tokens=0, judge_tokens=7)
    for row in arm("guarded", BASE, guard=0.5, rejected=0.25, questions=12)
    if row.axis is Axis.SAFETY
]


def told(rows: list[RungRecord]) -> list[Finding]:
    pages = [
        Page.of(table, Analysis(level=0.95), prefix=f"p{i}", scorers=1, family=1, weights=np.ones((1, 12)))
        for i, table in enumerate(from_records(rows))
    ]
    return list(ledger_findings(pages))


def by_rung(found: list[Finding], metric: str) -> list[float | None]:
    return [f.estimate for f in found if f.metric == metric]


def test_what_was_paid_is_every_token_of_the_pool() -> None:
    found = told(ROWS)
    top = [row for row in ROWS if row.rung == len(BUDGETS) - 1]
    decoded = sum(row.generated_tokens or 0 for row in ROWS)
    guard = sum(row.guard_tokens or 0 for row in top)
    prompts = sum(row.prompt_tokens or 0 for row in ROWS)
    judged = sum(row.judge_tokens or 0 for row in ROWS)
    assert sum(x or 0 for x in by_rung(found, "paid_in_all")) == decoded + guard + prompts + judged
    assert sum(x or 0 for x in by_rung(found, "paid_guard")) == guard
    assert sum(x or 0 for x in by_rung(found, "paid_rejected")) == sum(row.rejected_tokens or 0 for row in top)
    assert {f.label for f in found if f.metric == "paid_in_all"} == {None}


def test_an_attempt_takes_what_its_parts_take_and_stands_beside_what_was_asked() -> None:
    found = told(ROWS)
    parts = [
        sum(f.estimate or 0 for f in found if f.at.rung == rung and f.metric in PARTS) for rung in range(len(BUDGETS))
    ]
    np.testing.assert_allclose(by_rung(found, "attempt_in_all"), parts)
    thought = [f for f in found if f.metric == "attempt_thinking"]
    assert [f.at.requested_tokens for f in thought] == list(BUDGETS)
    np.testing.assert_allclose([f.estimate for f in thought], BUDGETS, rtol=0.02)


PARTS = {f"attempt_{name}" for name in ("prompt", "thinking", "answer", "rejected", "guard", "judge")}


def test_what_is_not_counted_is_unknown_and_sums_say_so() -> None:
    silent = [replace(row, judge_tokens=None, generated_tokens=None) for row in ROWS]
    found = told(silent)
    (thinking, *_) = (f for f in found if f.metric == "paid_thinking")
    assert thinking.estimate is None
    assert thinking.reason == "the source does not count them"
    assert not [f for f in found if f.metric == "paid_judge"]
    assert all("judge" in (f.label or "") for f in found if f.metric in ("paid_in_all", "attempt_in_all"))
    partly = [replace(row, judge_tokens=None) if row.draw == 0 else row for row in ROWS]
    (judge, *_) = (f for f in told(partly) if f.metric == "paid_judge")
    assert judge.limits[-1] == "at least: 12 rows do not say"


def test_calls_that_several_scorers_tell_of_stand_once() -> None:
    twice = [*ROWS, *(replace(row, scorer="other") for row in ROWS)]
    assert by_rung(told(twice), "paid_in_all") == pytest.approx(by_rung(told(ROWS), "paid_in_all"))
    assert told([replace(row, scorer=row.scorer + ON_TRACE) for row in ROWS]) == []
