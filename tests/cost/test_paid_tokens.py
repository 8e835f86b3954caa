"""What rows paid, each token once; what failed was paid and is no attempt; tries that no row tells of are added."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.adaptive.stopping import trace_cost
from overthink.cost.attempt import attempt_parts, attempt_tokens, is_carried_forward, strategy_tokens
from overthink.cost.estimate import Estimate, study_usage
from overthink.cost.ledger import ledger, paid_parts
from overthink.data.outcomes import from_records
from overthink.data.pool import failed_try, pool_of, usage_of_pool
from overthink.data.record import Axis, Category, Estimand, RungRecord, Verdict
from overthink.data.tokens import NO_USAGE, UNDIVIDED, CutShort, TokenUsage

ESTIMATE = Estimate(10, (1, 2), (1, 2), 5, (1, 2), None, "no charge", free=True)
ON_THE_WAY = dict.fromkeys(
    ("probe_tokens", "rejected_tokens", "pruned_tokens", "cancelled_tokens", "guard_tokens", "step_verifier_tokens"), 0
)


def row(draw: int, rung: int, **told: Any) -> RungRecord:
    fields: dict[str, Any] = {
        "requested_tokens": 10 * rung,
        "verdict": Verdict.CORRECT,
        "value": 1.0,
        "thinking_tokens": 10 * rung,
        "answer_tokens": 3,
        "generated_tokens": 13 if rung else 3,
        "prompt_tokens": 20 + 10 * rung,
        "cached_tokens": 5,
        "verifier_tokens": 0,
        "judge_tokens": 2,
        "natural_end": False,
        **ON_THE_WAY,
    }
    labels = ("s", "base", Axis.CAPABILITY, "t", "m", "q", draw, rung, Estimand.FORCED)
    return RungRecord(*labels, **(fields | told))


def failed(draw: int, rung: int, **told: Any) -> RungRecord:
    nothing = {"value": None, "thinking_tokens": None, "answer_tokens": None, "natural_end": None}
    paid = {"generated_tokens": 0, "prompt_tokens": 0, "cached_tokens": 0, "judge_tokens": 0}
    return row(draw, rung, verdict=Verdict.ERRORED, error="reset", **(nothing | paid | told))


WHOLE = [row(0, rung) for rung in range(4)]
BROKEN = [
    row(1, 0),
    failed(1, 1, generated_tokens=9, prompt_tokens=44, cancelled_tokens=7, rejected_tokens=2, guard_tokens=30),
    failed(1, 2, cancelled_tokens=7, rejected_tokens=2, guard_tokens=30),
    failed(1, 3, cancelled_tokens=7, rejected_tokens=2, guard_tokens=30),
]


def test_what_failed_is_paid_by_category_and_is_no_attempt() -> None:
    (outcomes,) = from_records(WHOLE + BROKEN)
    (alone,) = from_records(WHOLE)
    for tokens in (attempt_tokens, strategy_tokens):
        assert np.isnan(tokens(outcomes)[0, 1, 1:]).all()
        assert (tokens(outcomes)[0, 0] == tokens(alone)[0, 0]).all()
    for name, parts in attempt_parts(outcomes).items():
        assert np.isnan(parts[0, 1, 1:]).all(), name
    assert not is_carried_forward(outcomes)[0, 1].any()
    assert trace_cost(outcomes).tolist() == trace_cost(alone).tolist()
    paid = {name: tokens[0, 1, 1:].tolist() for name, tokens in paid_parts(outcomes).items()}
    assert paid[Category.CANCELLED] == [7, 0, 0]
    assert paid[Category.REJECTED] == [2, 0, 0]
    assert paid[Category.GUARD] == [30, 0, 0]
    assert paid[Category.THINKING] == paid[Category.ANSWER] == [0, 0, 0]
    line, *above = ledger([outcomes])[1:]
    assert (line.decoded_tokens.tokens, line.decoded_tokens.n_unknown, line.unique_tokens.tokens) == (13 + 9, 0, 13 + 9)
    assert line.paid_in_all.unknown == ()
    assert {one.attempt_decoded for one in above} == {23.0, 33.0}
    assert line.attempt[Category.PROMPT] == 20  # what a failed trace read is nobody's prompt


def test_a_failed_rung_of_nothing_says_nothing_of_the_prompt() -> None:
    (outcomes,) = from_records([*WHOLE, failed(1, 0, prompt_tokens=3), *[failed(1, rung) for rung in (1, 2, 3)]])
    assert set(attempt_parts(outcomes)[Category.PROMPT][0, 0]) == {20.0}


@pytest.mark.parametrize("estimand", [Estimand.EFFORT, Estimand.NATURAL, Estimand.CHECKPOINT])
def test_a_source_that_tells_what_a_failed_sample_decoded_tells_no_attempt(estimand: Estimand) -> None:
    untold = {"thinking_tokens": None, "answer_tokens": None}
    rows = [
        replace(row(0, 0, **untold), estimand=estimand),
        replace(failed(1, 0, generated_tokens=9), estimand=estimand),
    ]
    (outcomes,) = from_records(rows)
    assert attempt_tokens(outcomes)[0, 0, 0] == 3
    assert np.isnan(attempt_tokens(outcomes)[0, 1, 0])
    assert ledger([outcomes])[0].decoded_tokens.tokens == 12


def test_what_is_known_of_a_failed_row_is_counted_and_what_is_not_is_not_unknown() -> None:
    took = study_usage(pool_of(WHOLE + BROKEN), ESTIMATE)
    assert (took.n_failed, took.decoded_tokens, took.prompt_tokens) == (1, 42 + 3 + 9, 140 + 20 + 44)
    silent = [replace(each, generated_tokens=None, prompt_tokens=None) if each.error else each for each in BROKEN]
    assert study_usage(pool_of(WHOLE + silent), ESTIMATE).decoded_tokens == 42 + 3
    assert study_usage(pool_of([*WHOLE, row(1, 0, generated_tokens=None)]), ESTIMATE).decoded_tokens is None


def test_cumulative_columns_count_once() -> None:
    grown = [row(0, rung, guard_tokens=10 * (rung + 1), step_verifier_tokens=rung) for rung in range(4)]
    assert (usage_of_pool(pool_of(grown)).guard_tokens, usage_of_pool(pool_of(grown)).step_verifier_tokens) == (40, 3)
    assert usage_of_pool(pool_of(grown + [replace(each, draw=1) for each in grown])).guard_tokens == 80


counts = st.none() | st.integers(0, 1000)
paid = st.builds(TokenUsage, **dict.fromkeys(UNDIVIDED, counts))


@given(st.lists(paid, max_size=4))
def test_tries_are_added_to_the_rows_and_unknown_stays_unknown(tries: list[TokenUsage]) -> None:
    again = [CutShort("t", "base", "q", number, one, number) for number, one in enumerate(tries)]
    took = study_usage(pool_of(WHOLE), ESTIMATE, again)
    told = [one.decoded_tokens for one in tries]
    assert took.decoded_tokens == (None if None in told else 42 + sum(count or 0 for count in told))
    assert (took.n_cut_short, took.n_unanswered) == (len(tries), sum(range(len(tries))))
    assert took.retry_usage == sum(tries, NO_USAGE)
    assert (took.prompt_tokens is None) == (None in [one.prompt_tokens for one in tries])


def test_a_try_that_only_added_rungs_paid_what_it_added() -> None:
    standing = [row(0, 0), row(0, 3, generated_tokens=33)]
    tried = [row(0, 0), row(0, 1, generated_tokens=10 + 3), failed(0, 2, generated_tokens=10), row(0, 3)]
    one = failed_try(tried, before=standing)
    assert (one.task, one.arm, one.question, one.draw, one.unanswered) == ("t", "base", "q", 0, 1)
    assert (one.paid.decoded_tokens, one.paid.prompt_tokens) == (3, 30)  # 36 + 3 against 36, and a prompt of 30
