"""The ledger in the report: every token that was burnt is seen, and what nobody counted is unknown, never 0."""

from dataclasses import replace

import numpy as np
import pytest
from arm_pools import BASE, BUDGETS, arm
from token_by_token import SMALL

from overthink.analysis.ledger import ledgers
from overthink.analysis.request import CurveContext
from overthink.cost.bill import NO_PRICE, NO_SIZE, NO_TIME, attempt_cost, paid_cost
from overthink.cost.estimate import Rates
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import ModelInfo, ModelRoles, Unit
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import ON_TRACE, Axis, Category, RungRecord
from overthink.data.results.budgets import LedgerAmount, LedgerResult, TokenSum
from overthink.data.results.study import ledger_findings
from overthink.plan.analysis import Analysis

ROWS = [
    replace(row, step_verifier_tokens=0, probe_tokens=0, pruned_tokens=0, cancelled_tokens=0, judge_tokens=7)
    for row in arm("guarded", BASE, guard=0.5, rejected=0.25, questions=12)
    if row.axis is Axis.SAFETY
]

PLAIN = Analysis(level=0.95)
WORKERS = ModelRoles(
    ModelInfo("small", SMALL, Rates(prompt=2.0, cached=0.5, decoded=8.0, source="a list")),
    guards=(ModelInfo("guard", ModelShape(5000, 5000), free=True),),
    judges=(ModelInfo("judge", ModelShape(5000, 5000), free=True),),
)
PRICED = Analysis(level=0.95, parties={"guarded": WORKERS}, flop_per_byte=295)
BEYOND = ("flop", "effective_flop", "usd", "seconds")


def results_of(rows: list[RungRecord], analysis: Analysis = PLAIN) -> list[LedgerResult]:
    pages = [
        CurveContext.of(table, analysis, prefix=f"p{i}", scorers=1, family=1, weights=np.ones((1, 12)))
        for i, table in enumerate(from_records(rows))
    ]
    return list(ledgers(pages))


def told(rows: list[RungRecord], analysis: Analysis = PLAIN) -> list[Finding]:
    return [finding for result in results_of(rows, analysis) for finding in ledger_findings(result)]


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


def test_costs_are_means_of_attempts_and_sums_of_rows() -> None:
    rows = [replace(row, seconds=0.5 + row.rung, attempt_seconds=1.0 + row.rung + row.draw) for row in ROWS]
    found = told(rows, PRICED)
    (table,) = from_records(rows)
    for unit in BEYOND:
        attempt = attempt_cost(table, WORKERS, Unit(unit), prompts=True, flop_per_byte=295).amount
        paid = paid_cost(table, WORKERS, Unit(unit), flop_per_byte=295).amount
        assert by_rung(found, f"attempt_{unit}") == pytest.approx(attempt.mean(axis=1).mean(axis=0))
        assert by_rung(found, f"paid_{unit}") == pytest.approx(paid.sum(axis=(0, 1)))
        assert all(x > 0 for x in (*attempt.ravel(), *paid.ravel()))
    assert by_rung(found, "attempt_seconds") == [2.5, 3.5, 4.5, 5.5]
    assert by_rung(found, "paid_seconds") == [24.0, 72.0, 120.0, 168.0]
    assert all("requests of other traces in flight" in f.limits[1] for f in found if f.metric.endswith("_seconds"))


def test_a_lower_bound_begins_with_at_least() -> None:
    found = told(ROWS, PRICED)
    marks = {f.metric: [limit for limit in f.limits if limit.startswith("at least")] for f in found}
    assert marks["attempt_flop"] == [
        "at least: not counted is attention of what was thrown away to the thinking before it",
        "at least: not counted is attention of guard guard",
    ]
    assert any("cache" in mark for mark in marks["paid_flop"])  # these rows do not tell what was cached
    assert marks["attempt_usd"] == []
    granted = {limit for f in found if f.metric == "attempt_usd" for limit in f.limits if "granted" in limit}
    assert granted == {
        "taken for granted: the prices of a list",
        "taken for granted: no prompt token is priced as a cached one",
    }


def test_a_field_says_what_is_a_lower_bound() -> None:
    """The same as the words of the finding, where there is a number."""
    amounts = [*amounts_of(results_of(ROWS, PRICED)), *amounts_of(results_of(UNCOUNTED, PRICED))]
    for amount in amounts:
        finding = amount.finding
        words = (*finding.limits, *(() if finding.label is None else (finding.label,)))
        is_bound = any(text.startswith("at least") for text in words)
        assert amount.is_lower_bound == (is_bound and finding.estimate is not None)
    assert {amount.is_lower_bound for amount in amounts} == {True, False}


def amounts_of(results: list[LedgerResult]) -> list[LedgerAmount]:
    sides = (side for result in results for rung in result.rungs for side in (rung.paid, rung.attempt))
    return [amount for side in sides for amount in (*side.tokens.values(), *side.costs.values())]


UNCOUNTED = [replace(row, judge_tokens=None, generated_tokens=None) if row.draw == 0 else row for row in ROWS]


def test_every_amount_lies_at_its_rung_and_category() -> None:
    (result,) = results_of(ROWS, PRICED)
    assert [rung.at.requested_tokens for rung in result.rungs] == list(BUDGETS)
    for rung in result.rungs:
        for name, side in (("paid", rung.paid), ("attempt", rung.attempt)):
            for column, amount in (*side.tokens.items(), *side.costs.items()):
                assert (amount.finding.metric, amount.finding.at) == (f"{name}_{column}", rung.at)
            assert tuple(side.costs) == BEYOND
            assert {Category.PROMPT, Category.THINKING, Category.ANSWER, TokenSum.IN_ALL} <= side.tokens.keys()


def test_what_nobody_stated_is_unknown_with_one_reason() -> None:
    found = told(ROWS)
    for metric, why in (("flop", NO_SIZE), ("usd", NO_PRICE), ("seconds", NO_TIME)):
        for kind in ("paid", "attempt"):
            mine = [f for f in found if f.metric == f"{kind}_{metric}"]
            assert [(f.estimate, f.reason, len(f.limits)) for f in mine] == [(None, why, 1)] * len(BUDGETS)
    assert not [f for f in found if "effective" in f.metric]
    sizes = replace(PRICED, parties={"guarded": replace(WORKERS, guards=(ModelInfo("guard"),))})
    flop = [f for f in told(ROWS, sizes) if f.metric == "attempt_flop"]
    # At the rung of no thinking the guard read nothing, so it does not matter how big it is.
    assert [f.estimate is None for f in flop] == [False, True, True, True]
    assert flop[1].reason == "size of guard guard (--model-shape)"


def test_rows_that_do_not_say_are_told() -> None:
    partly = [replace(row, generated_tokens=None, answer_tokens=None) if row.draw == 0 else row for row in ROWS]
    found = told(partly, PRICED)
    (paid, *_) = (f for f in found if f.metric == "paid_flop")
    assert "at least: 12 rows do not say" in paid.limits
    (attempt, *_) = (f for f in found if f.metric == "attempt_flop")
    assert attempt.estimate is not None
    assert "the mean leaves out 12 rows that do not say" in attempt.limits
    no_prompts = told([replace(row, prompt_tokens=None) for row in ROWS], PRICED)
    (bare, *_) = (f for f in no_prompts if f.metric == "attempt_usd")
    assert "at least: not counted is the prompt, whose tokens are not told" in bare.limits
    assert (bare.estimate or 0) < (by_rung(found, "attempt_usd")[0] or 0)
