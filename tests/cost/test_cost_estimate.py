"""The bill: bounds in order, unknown never 0, and the same tokens never counted twice."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.cost.estimate import Estimate, Rates, bill, study_usage
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict

RATES = Rates(prompt=2e-6, cached=5e-7, decoded=1e-5, source="a list")
JUDGE = Rates(prompt=1e-6, cached=1e-6, decoded=4e-6, source="a list")
PRICED = Estimate(10, (1, 2), (1, 2), 5, (1, 2), (0.0, 1.0), "list", rates=RATES, judge_rates=JUDGE, judge_free=False)


def row(**changes: Any) -> RungRecord:
    fields: dict[str, Any] = {
        "study": "s",
        "arm": "base",
        "axis": Axis.CAPABILITY,
        "task": "t",
        "scorer": "match",
        "question": "q",
        "draw": 0,
        "rung": 0,
        "estimand": Estimand.FORCED,
        "verdict": Verdict.CORRECT,
        "prompt_tokens": 100,
        "cached_tokens": 40,
        "generated_tokens": 20,
        "judge_tokens": 30,
    }
    return RungRecord(**(fields | changes))


def test_the_bill_is_the_tokens_times_their_prices() -> None:
    took = study_usage(pool_of([row(), row(draw=1)]), PRICED)
    assert (took.prompt_tokens, took.cached_tokens, took.decoded_tokens, took.judge_tokens) == (200, 80, 40, 60)
    model = 120 * 2e-6 + 80 * 5e-7 + 40 * 1e-5
    assert took.usd == (pytest.approx(model + 60 * 1e-6), pytest.approx(model + 60 * 4e-6))


@pytest.mark.parametrize("name", ["prompt_tokens", "generated_tokens", "judge_tokens"])
def test_an_unknown_count_makes_the_sum_and_the_bill_unknown(name: str) -> None:
    took = study_usage(pool_of([row(), row(draw=1, **{name: None})]), PRICED)
    assert took.usd is None
    assert None in (took.prompt_tokens, took.decoded_tokens, took.judge_tokens)
    no_discount = study_usage(pool_of([row(cached_tokens=None)]), PRICED)
    assert no_discount.usd is not None  # an upper bound


def test_what_failed_is_told_apart() -> None:
    took = study_usage(pool_of([row(), row(draw=1, error="reset", generated_tokens=None)]), PRICED)
    assert (took.n_failed, took.decoded_tokens) == (1, 20)


def test_several_scorers_of_one_call_do_not_multiply_its_tokens() -> None:
    ladder = study_usage(
        pool_of([row(), row(scorer="match on the thinking", generated_tokens=0, prompt_tokens=0)]), PRICED
    )
    assert (ladder.decoded_tokens, ladder.judge_tokens) == (20, 60)  # each row was graded for itself
    level = [row(estimand=Estimand.EFFORT), row(estimand=Estimand.EFFORT, scorer="other")]
    usage = study_usage(pool_of(level), PRICED)
    assert (usage.decoded_tokens, usage.judge_tokens) == (20, 30)


def test_a_price_that_is_unknown_is_not_zero_and_one_that_is_not_asked_for_is() -> None:
    assert study_usage(pool_of([row()]), replace(PRICED, rates=None)).usd is None
    assert study_usage(pool_of([row()]), replace(PRICED, judge_rates=None)).usd is None
    no_judge = study_usage(pool_of([row(judge_tokens=0)]), replace(PRICED, judge_rates=None))
    assert no_judge.usd == (pytest.approx(60 * 2e-6 + 40 * 5e-7 + 20 * 1e-5),) * 2
    assert study_usage(pool_of([row()]), replace(PRICED, rates=None, free=True, judge_free=True)).usd is None
    own_model = study_usage(pool_of([row()]), replace(PRICED, rates=None, free=True))
    assert own_model.usd == (pytest.approx(30 * 1e-6), pytest.approx(30 * 4e-6))


counts = st.integers(0, 10**9)


@given(st.lists(st.tuples(counts, counts), min_size=3, max_size=3))
def test_the_least_is_never_above_the_most(ranges: list[tuple[int, int]]) -> None:
    prompt, decoded, judge = (tuple(sorted(each)) for each in ranges)
    found = bill((RATES, JUDGE), free=(False, False), tokens=(prompt, decoded, judge))  # type: ignore[arg-type]
    assert found is not None
    assert found[1] is not None
    assert 0 <= found[0] <= found[1]
    open_end = bill((RATES, JUDGE), free=(False, False), tokens=(prompt, (decoded[0], None), judge))  # type: ignore[arg-type]
    assert open_end == (found[0], None)
