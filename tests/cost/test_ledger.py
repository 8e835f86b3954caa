"""The ledger balances, tells attempts from what the ladder paid, and leaves unknown what nobody counted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ladder_pools import climbed, searched

from overthink.cost.attempt import POOL_TOTALS, attempt_parts, attempt_work, pool_total
from overthink.cost.flop import response
from overthink.cost.ledger import Amount, LedgerLine, ledger, sum_paid
from overthink.cost.model_shape import ModelShape
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Category, Estimand, RungRecord
from overthink.data.tokens import DECODED, OVERHEAD_COLUMNS

SPENT_ON = {
    "spent_prompt": Category.PROMPT,
    "spent_cached": Category.CACHED,
    "spent_judge": Category.JUDGE,
    "spent_verifier": Category.VERIFIER,
    "spent_guard": Category.GUARD,
}


def lines_of(rows: list[RungRecord]) -> tuple[LedgerLine, ...]:
    return ledger(from_records(rows))


def imbalance(outcomes: Outcomes, lines: Sequence[LedgerLine]) -> float:
    """How far the lines are from what the pool says it spent."""
    paid = sum_paid(lines)
    off = [abs((paid[SPENT_ON[m]].tokens or 0) - np.nan_to_num(pool_total(outcomes, m)[0])) for m in SPENT_ON]
    generated = sum((line.decoded_tokens for line in lines), Amount(None))
    off.append(abs((generated.tokens or 0) - np.nan_to_num(pool_total(outcomes, "spent_generated")[0])))
    off += [abs(paid[SPENT_ON[m]].n_unknown - pool_total(outcomes, m)[1]) for m in SPENT_ON]
    both = sum(paid[name].tokens or 0 for name in (Category.THINKING, Category.ANSWER, *DECODED))
    return max(*off, abs(both - (generated.tokens or 0)))


@given(st.integers(0, 10_000))
def test_the_ledger_balances(seed: int) -> None:
    (outcomes,) = from_records(climbed(seed))
    assert len(SPENT_ON) + 1 == len(POOL_TOTALS)
    assert imbalance(outcomes, ledger([outcomes])) == 0


def test_the_balance_check_sees_a_token() -> None:
    (outcomes,) = from_records(climbed())
    first, *rest = ledger([outcomes])
    assert imbalance(outcomes, [replace(first, decoded_tokens=first.decoded_tokens + Amount(1.0)), *rest]) == 1
    assert imbalance(outcomes, [*rest]) > 0


@given(st.integers(0, 10_000))
def test_a_ladder_decodes_each_token_once_and_saves_what_attempts_would_repeat(seed: int) -> None:
    for line in lines_of(climbed(seed)):
        assert line.unique_tokens == line.decoded_tokens
        assert line.unshared_tokens.tokens is not None
        assert line.decoded_tokens.tokens is not None
        assert line.unshared_tokens.tokens >= line.decoded_tokens.tokens


def test_what_was_decoded_twice_is_generated_and_not_unique() -> None:
    once = climbed()
    again = [r.rung == 1 and r.generated_tokens != 0 for r in once]
    rows = [replace(r, generated_tokens=(r.generated_tokens or 0) + 30 * a) for r, a in zip(once, again, strict=True)]
    before, after = lines_of(once), lines_of(rows)
    assert [line.unique_tokens for line in after] == [line.unique_tokens for line in before]
    assert sum(again) > 1
    assert [(line.decoded_tokens.tokens or 0) - (line.unique_tokens.tokens or 0) for line in after] == [
        0,
        30 * sum(again),
        0,
    ]


def test_an_attempt_is_what_it_takes_alone() -> None:
    rows = climbed()
    line = lines_of(rows)[2]
    top = [r for r in rows if r.rung == 2]
    assert (line.requested_tokens, line.rows) == (160, len(top))
    assert line.realised_tokens == pytest.approx(np.mean([r.thinking_tokens or 0 for r in top]))
    assert line.attempt_decoded == pytest.approx(
        np.mean([(r.thinking_tokens or 0) + (r.answer_tokens or 0) for r in top])
    )
    # Traces were carried forward, and yet each attempt of its own would read the prompt once and be judged.
    assert any(r.generated_tokens == 0 for r in top)
    assert line.attempt[Category.PROMPT] == pytest.approx(101.5)
    assert line.attempt[Category.JUDGE] == 50
    assert line.usage[Category.JUDGE].tokens == 50 * sum(r.generated_tokens != 0 for r in top)
    total = line.attempt_in_all
    assert total.tokens == pytest.approx((line.attempt_decoded or 0) + 101.5 + 50)
    assert total.unknown == tuple(c for c in Category if c in OVERHEAD_COLUMNS and c is not Category.VERIFIER)


def test_rows_that_do_not_say_are_counted_and_never_zero() -> None:
    rows = climbed()
    rows[0] = replace(rows[0], prompt_tokens=None, answer_tokens=None)
    line = lines_of(rows)[0]
    assert (
        line.usage[Category.PROMPT].n_unknown
        == line.usage[Category.THINKING].n_unknown
        == line.unique_tokens.n_unknown
        == 1
    )
    assert Category.PROMPT in line.paid_in_all.unknown
    untold = lines_of([replace(r, judge_tokens=None, verifier_tokens=None) for r in rows])[0]
    assert untold.usage[Category.JUDGE] == Amount(None, 12)
    assert untold.attempt[Category.VERIFIER] is None
    assert {Category.JUDGE, Category.VERIFIER} <= set(untold.attempt_in_all.unknown)


@given(st.integers(0, 10_000))
def test_what_is_spent_on_the_way_is_paid_once_and_taken_by_every_attempt(seed: int) -> None:
    rows = searched(seed)
    lines = lines_of(rows)
    tops = [r for r in rows if r.rung == 2]
    paid = sum_paid(lines)
    (outcomes,) = from_records(rows)
    assert {pool_total(outcomes, metric) for metric in ("spent_verifier", "spent_guard")} == {
        (paid[name].tokens, 0) for name in (Category.VERIFIER, Category.GUARD)
    }
    for name, column in OVERHEAD_COLUMNS.items():
        whole = sum(getattr(r, column) for r in tops)
        assert paid[name].tokens == whole  # what it grew to is the sum of what it gained
        assert lines[2].attempt[name] == pytest.approx(whole / len(tops))
    decoded = sum((paid[name].tokens or 0) for name in (*DECODED, Category.THINKING, Category.ANSWER))
    assert decoded == sum(r.generated_tokens or 0 for r in rows)
    for line in lines:
        assert line.unique_tokens == line.decoded_tokens  # every branch was decoded once
        assert (line.unshared_tokens.tokens or 0) >= (line.decoded_tokens.tokens or 0)


def test_a_search_may_answer_from_a_shorter_branch_than_before() -> None:
    below, top = (r for r in climbed(questions=1, draws=1) if r.rung < 2)
    below = replace(below, thinking_tokens=30, generated_tokens=35, answer_tokens=5, pruned_tokens=0)
    top = replace(top, thinking_tokens=10, generated_tokens=9, answer_tokens=5, pruned_tokens=24)
    lines = lines_of([below, top])
    assert lines[1].usage[Category.THINKING].tokens == -20  # what was thinking at the rung below is a branch now
    assert sum_paid(lines)[Category.THINKING].tokens == 10
    contradicting = lines_of([below, replace(top, generated_tokens=2, pruned_tokens=0)])[1]
    assert contradicting.usage[Category.THINKING] == Amount(None, 1)


def test_efforts_and_continued_answers_read_their_own_prompt() -> None:
    row = replace(climbed()[0], estimand=Estimand.EFFORT, thinking_tokens=90, answer_tokens=10, generated_tokens=100)
    whole = replace(row, prompt_tokens=70, cached_tokens=60)
    (table,) = from_records([whole])
    assert attempt_parts(table)[Category.PROMPT].item() == 70
    assert attempt_parts(table)[Category.CACHED].item() == 60
    continued = replace(whole, estimand=Estimand.NATURAL, generated_tokens=10, prompt_tokens=160)
    (table,) = from_records([continued])
    assert attempt_parts(table)[Category.PROMPT].item() == 70
    (line,) = ledger([table])
    assert (line.decoded_tokens.tokens, line.unshared_tokens.tokens) == (10, 100)


def test_prompts_of_a_ladder_that_begins_above_zero_are_unknown() -> None:
    line = lines_of([replace(r, requested_tokens=(r.requested_tokens or 0) + 1) for r in climbed()])[0]
    assert line.attempt[Category.PROMPT] is None
    assert line.usage[Category.PROMPT].tokens is not None


def test_flop_of_an_attempt_are_those_of_its_response() -> None:
    rows = climbed(questions=1, draws=1)
    (table,) = from_records(rows)
    shape = ModelShape(1000, 1000, layers=2, heads=2, kv_heads=1, head_width=8, weight_bytes=2, cache_bytes=2)
    prompt, decoding = attempt_work(table, shape)
    for r, row in enumerate(rows):
        decoded = (row.thinking_tokens or 0) + (row.answer_tokens or 0)
        whole = response(shape, prompt=100, n_decoded=decoded)
        assert (prompt + decoding).flop[0, 0, r] == pytest.approx(float(whole.flop))
