"""What attempts and rows cost: tokens as everywhere else, sums of what each party takes, and never 0 for unknown."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from arm_pools import BASE, arm
from hypothesis import given
from hypothesis import strategies as st
from ladder_pools import climbed, searched
from token_by_token import SMALL, ladder

from overthink.cost.attempt import answer_verifier_tokens, attempt_parts, attempt_work, strategy_tokens
from overthink.cost.bill import (
    NO_COUNT,
    NO_DISCOUNT,
    NO_HARDWARE,
    NO_PRICE,
    NO_PROMPT,
    NO_REASONING,
    NO_SIZE,
    NO_TIME,
    attempt_cost,
    paid_cost,
    verifier_cost,
)
from overthink.cost.estimate import Estimate, Rates, study_usage
from overthink.cost.ledger import ledger
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import Cost, ModelInfo, ModelRoles, Unit
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.pool import pool_of
from overthink.data.record import Category, Estimand, RungRecord

BIG = ModelShape(parameters=8000, active_parameters=5000)
DEAR = Rates(prompt=2.0, cached=0.5, decoded=8.0, source="a list of 2030-01-01")
MODEL = ModelInfo("model/m", SMALL, DEAR)
GUARD = ModelInfo("guard/g", BIG, Rates(prompt=0.25, cached=0.25, decoded=1.0, source="another list"))
ALL = ModelRoles(MODEL, (GUARD,), (GUARD,), (GUARD,), (GUARD,))
SEEDS = st.integers(0, 10_000)
HARDWARE = 3.0


Rows = Sequence[RungRecord] | Outcomes
"""Rows, or their table where several things are asked of it."""


def table(rows: Rows) -> Outcomes:
    if isinstance(rows, Outcomes):
        return rows
    (outcomes,) = from_records(rows)
    return outcomes


def attempt(rows: Rows, parties: ModelRoles | None, unit: Unit, *, prompts: bool = True) -> Cost:
    return attempt_cost(table(rows), parties, unit, prompts=prompts, flop_per_byte=HARDWARE)


def paid(rows: Rows, parties: ModelRoles | None, unit: Unit) -> Cost:
    return paid_cost(table(rows), parties, unit, flop_per_byte=HARDWARE)


@given(SEEDS, st.booleans())
def test_tokens_are_those_of_every_other_page(seed: int, prompts: bool) -> None:
    guarded = [row for row in arm("keeps", BASE, guard=0.5, rejected=0.2, questions=5, seed=seed) if row.task == "sums"]
    for rows in (climbed(seed), searched(seed), guarded):
        outcomes = table(rows)
        whole = strategy_tokens(outcomes) + (attempt_parts(outcomes)[Category.PROMPT] if prompts else 0)
        for parties in (None, ALL):
            np.testing.assert_array_equal(attempt(outcomes, parties, Unit.TOKENS, prompts=prompts).amount, whole)
            scored = verifier_cost(outcomes, parties, Unit.TOKENS, flop_per_byte=None)
            np.testing.assert_array_equal(scored.amount, answer_verifier_tokens(outcomes))
            everything = paid(outcomes, parties, Unit.TOKENS).amount
            np.testing.assert_array_equal(
                everything.sum(axis=(0, 1)), [line.paid_in_all.tokens for line in ledger([outcomes])]
            )


ONE = RungRecord(
    study="s",
    arm="a",
    axis=climbed()[0].axis,
    task="t",
    scorer="m",
    question="q",
    draw=0,
    rung=0,
    estimand=Estimand.EFFORT,
    thinking_tokens=3,
    answer_tokens=2,
    generated_tokens=5,
    prompt_tokens=4,
    cached_tokens=1,
    guard_tokens=7,
    step_verifier_tokens=11,
    verifier_tokens=13,
    judge_tokens=17,
    seconds=1.5,
    attempt_seconds=2.5,
)


def test_one_row_by_hand() -> None:
    others = 2 * 5000
    # Positions 1 to 4 are the prompt, 5 to 9 are decoded; 128 FLOP for each position that is attended to.
    assert attempt([ONE], ALL, Unit.FLOP).amount.item() == 2000 * 9 + 128 * 45 + others * 18
    assert attempt([ONE], ALL, Unit.FLOP, prompts=False).amount.item() == 2000 * 5 + 128 * 35 + others * 18
    assert paid([ONE], ALL, Unit.FLOP).amount.item() == 2000 * 8 + 128 * 44 + others * 48
    assert attempt([ONE], ALL, Unit.USD).amount.item() == 2 * 4 + 8 * 5 + 0.25 * 18
    assert paid([ONE], ALL, Unit.USD).amount.item() == 2 * 3 + 0.5 * 1 + 8 * 5 + 0.25 * 48
    assert verifier_cost(table([ONE]), ALL, Unit.FLOP, flop_per_byte=None).amount.item() == others * 13
    assert verifier_cost(table([ONE]), ALL, Unit.USD, flop_per_byte=None).amount.item() == 0.25 * 13
    # A pass over 2,000 bytes of weights for the prompt and for each token; 64 bytes for each position of the cache.
    traffic = 2000 * 6 + 64 * (4 + 35)
    effective = attempt([ONE], ALL, Unit.EFFECTIVE_FLOP)
    assert effective.amount.item() == attempt([ONE], ALL, Unit.FLOP).amount.item() + HARDWARE * traffic
    assert attempt([ONE], None, Unit.SECONDS).amount.item() == 2.5
    assert paid([ONE], None, Unit.SECONDS).amount.item() == 1.5


def test_a_bound_says_what_it_leaves_out() -> None:
    flop = attempt([ONE], ALL, Unit.FLOP)
    assert flop.at_least == ("attention of guard guard/g", "attention of step verifier guard/g")
    assert "memory traffic of guard guard/g" in attempt([ONE], ALL, Unit.EFFECTIVE_FLOP).at_least
    assert "the price of what judge guard/g wrote over what it read" in paid([ONE], ALL, Unit.USD).at_least
    assert "the prices of a list of 2030-01-01" in paid([ONE], ALL, Unit.USD).assumptions
    assert NO_DISCOUNT in attempt([ONE], ModelRoles(MODEL), Unit.USD).assumptions
    alone = replace(ONE, guard_tokens=0, step_verifier_tokens=0, verifier_tokens=0, judge_tokens=0)
    for cost in (attempt([alone], ALL, Unit.FLOP), paid([alone], ALL, Unit.FLOP), paid([alone], ALL, Unit.USD)):
        assert (cost.at_least, cost.unknown) == ((), ())
    assert NO_DISCOUNT not in paid([alone], ALL, Unit.USD).assumptions


def test_the_checks_see_a_token_too_many_and_a_model_too_small() -> None:
    rows = searched()
    more = [replace(row, judge_tokens=(row.judge_tokens or 0) + (row.rung == 2)) for row in rows]
    difference = paid(more, ALL, Unit.TOKENS).amount.sum(axis=(0, 1)) - [
        line.paid_in_all.tokens for line in ledger([table(rows)])
    ]
    assert difference.tolist() == [0, 0, 12]
    assert paid(more, ALL, Unit.FLOP).amount.sum() - paid(rows, ALL, Unit.FLOP).amount.sum() == 12 * 10000
    np.testing.assert_array_equal(attempt(more, ALL, Unit.FLOP).amount, attempt(rows, ALL, Unit.FLOP).amount)
    # With attention in it, a cost is not twice that of half the parameters.
    once, twice = (ModelInfo("m", replace(SMALL, parameters=n, active_parameters=n)) for n in (1000, 2000))
    assert (
        attempt(climbed(), ModelRoles(twice), Unit.FLOP).amount
        < 2 * attempt(climbed(), ModelRoles(once), Unit.FLOP).amount
    ).all()


@given(SEEDS)
def test_the_bill_is_that_of_the_whole_study(seed: int) -> None:
    rows, _ = ladder(seed)
    free = (replace(GUARD, free=True),)
    told = Estimate(0, (0, 0), (0, 0), 0, (0, 0), None, "", rates=DEAR, judge_free=True)
    usd = study_usage(pool_of(rows), told).usd
    assert usd is not None
    assert paid(rows, ModelRoles(MODEL, judges=free), Unit.USD).amount.sum() == pytest.approx(usd[0])
    silent = [replace(row, cached_tokens=None) for row in rows]
    full = paid(silent, ModelRoles(MODEL), Unit.USD)
    assert full.amount.sum() == pytest.approx((study_usage(pool_of(silent), told).usd or (0, 0))[0])
    assert full.amount.sum() >= usd[0]
    assert NO_DISCOUNT in full.assumptions


@given(SEEDS)
def test_costs_add_up_over_parties(seed: int) -> None:
    rows = searched(seed)
    outcomes = table(rows)
    nobody = table([replace(row, guard_tokens=0, step_verifier_tokens=0, judge_tokens=0) for row in rows])
    for unit in (Unit.FLOP, Unit.USD):
        each = 2 * 5000 if unit is Unit.FLOP else 0.25
        others = each * (outcomes.guard_tokens + outcomes.step_verifier_tokens)
        np.testing.assert_allclose(attempt(outcomes, ALL, unit).amount, attempt(nobody, ALL, unit).amount + others)
        lines = ledger([outcomes])
        new = sum(
            (line.usage[name].tokens or 0)
            for line in lines
            for name in (Category.GUARD, Category.VERIFIER, Category.JUDGE)
        )
        assert paid(outcomes, ALL, unit).amount.sum() == pytest.approx(
            paid(nobody, ALL, unit).amount.sum() + each * new
        )


@given(SEEDS)
def test_a_model_of_twice_the_parameters_takes_twice_the_sums(seed: int) -> None:
    rows = table(climbed(seed))
    once, twice = (ModelRoles(ModelInfo("m", ModelShape(n, n))) for n in (1e6, 2e6))
    for cost in (attempt, paid):
        np.testing.assert_allclose(cost(rows, twice, Unit.FLOP).amount, 2 * cost(rows, once, Unit.FLOP).amount)
        assert "attention of model m" in cost(rows, once, Unit.FLOP).at_least
    shaped = [replace(SMALL, parameters=n, active_parameters=n) for n in (1000, 2000)]
    works = [attempt_work(rows, shape) for shape in shaped]
    for part in (0, 1):
        np.testing.assert_allclose(works[1][part].matmul, 2 * works[0][part].matmul)
        np.testing.assert_allclose(works[1][part].attention, works[0][part].attention)
    # Those that a token passes through, not those that lie there.
    mixture = attempt(rows, ModelRoles(ModelInfo("m", ModelShape(8e6, 1e6))), Unit.FLOP)
    np.testing.assert_array_equal(mixture.amount, attempt(rows, once, Unit.FLOP).amount)


def test_nothing_is_charged_for_what_is_free() -> None:
    free = replace(MODEL, rates=None, free=True)
    guard = replace(GUARD, rates=None, free=True)
    rows = searched()
    parties = ModelRoles(free, (guard,), (guard,), (), (guard,))
    for cost in (attempt(rows, parties, Unit.USD), paid(rows, parties, Unit.USD)):
        assert not cost.amount.any()
        assert (cost.unknown, cost.at_least, cost.assumptions) == ((), (), ())
    assert paid(rows, replace(parties, judges=(GUARD,)), Unit.USD).amount.sum() > 0
    assert np.isnan(paid(rows, replace(parties, judges=(replace(GUARD, rates=None),)), Unit.USD).amount).any()


NOT_TOLD = replace(GUARD, shape=ModelShape(), rates=None)
LACKING = (
    None,
    ModelRoles(replace(MODEL, shape=ModelShape(), rates=None), (GUARD,), (GUARD,), (GUARD,), (GUARD,)),
    replace(ALL, guards=(NOT_TOLD,)),
    replace(ALL, guards=()),
    replace(ALL, step_verifiers=(GUARD, MODEL)),
    replace(ALL, verifiers=(NOT_TOLD, GUARD), judges=(NOT_TOLD,)),
    ALL,
)


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("parties", LACKING)
def test_unknown_has_a_reason_and_is_never_nothing(parties: ModelRoles | None, unit: Unit) -> None:
    silent = [replace(row, generated_tokens=None, answer_tokens=None) if row.draw == 1 else row for row in searched()]
    for outcomes in map(table, ([ONE], [replace(ONE, rung=1, guard_tokens=0), ONE], searched(), silent)):
        costs = (
            attempt(outcomes, parties, unit),
            paid(outcomes, parties, unit),
            verifier_cost(outcomes, parties, unit, flop_per_byte=HARDWARE),
        )
        for cost in costs:
            assert bool(cost.unknown) == bool((np.isnan(cost.amount) & outcomes.observed).any())
        tokens = attempt(outcomes, parties, Unit.TOKENS).amount
        assert not (costs[0].amount[tokens > 0] == 0).any()
        assert not (costs[1].amount[paid(outcomes, parties, Unit.TOKENS).amount > 0] == 0).any()


def test_reasons_name_who_is_unknown() -> None:
    def why(parties: ModelRoles | None, unit: Unit) -> str:
        return "; ".join(attempt([ONE], parties, unit).unknown)

    assert why(None, Unit.FLOP) == NO_SIZE
    assert why(None, Unit.USD) == NO_PRICE
    assert why(None, Unit.SECONDS) == why(None, Unit.TOKENS) == ""
    assert attempt([replace(ONE, attempt_seconds=None)], ALL, Unit.SECONDS).unknown == (NO_TIME,)
    assert why(LACKING[1], Unit.FLOP) == "size of model model/m: active parameters (--model-shape)"
    assert why(LACKING[1], Unit.USD) == "price of model model/m"
    assert why(LACKING[2], Unit.FLOP) == "size of guard guard/g (--model-shape)"
    assert why(LACKING[3], Unit.USD) == "price of the guards: who they are is not stated"
    assert why(LACKING[4], Unit.FLOP).startswith("size of step verifier guard/g, model/m: they differ")
    same = replace(ALL, step_verifiers=(GUARD, replace(GUARD, name="another")))
    assert why(same, Unit.FLOP) == ""  # of one size, it does not matter whose token it is
    half = ModelRoles(replace(MODEL, shape=BIG))
    missing = attempt_cost(table([ONE]), half, Unit.EFFECTIVE_FLOP, prompts=True, flop_per_byte=HARDWARE).unknown
    assert missing[0].startswith("size of model model/m: layers, width of attention, key-value heads")
    unstated = attempt_cost(table([ONE]), ALL, Unit.EFFECTIVE_FLOP, prompts=True, flop_per_byte=None)
    assert unstated.unknown == (NO_HARDWARE,)
    assert np.isnan(unstated.amount).all()
    assert verifier_cost(table([ONE]), None, Unit.FLOP, flop_per_byte=None).unknown == (NO_SIZE,)


def test_tokens_that_nobody_counted_are_not_nothing() -> None:
    silent = replace(ONE, guard_tokens=None, step_verifier_tokens=None, verifier_tokens=None, judge_tokens=None)
    assert attempt([silent], ModelRoles(MODEL), Unit.FLOP).at_least == ()  # nobody is named, and so there is nobody
    named = attempt([silent], ALL, Unit.FLOP)
    assert named.at_least == (
        "the part of guards, whose tokens are not counted",
        "the part of step verifiers, whose tokens are not counted",
    )
    assert "the part of judges, whose tokens are not counted" in paid([silent], ModelRoles(MODEL), Unit.USD).at_least
    assert verifier_cost(table([silent]), ALL, Unit.FLOP, flop_per_byte=None).unknown == (NO_COUNT,)
    steps_alone = replace(ONE, verifier_tokens=None)  # a source that tells of steps has nobody else who scores
    assert paid([steps_alone], replace(ALL, verifiers=()), Unit.TOKENS).at_least == ()
    assert paid([steps_alone], ALL, Unit.TOKENS).at_least == (
        "the part of answer verifiers, whose tokens are not counted",
    )
    unread = replace(ONE, prompt_tokens=None, cached_tokens=None)
    assert attempt([unread], ALL, Unit.FLOP).unknown == (NO_COUNT,)
    assert NO_PROMPT in paid([unread], ALL, Unit.USD).at_least
    assert paid([unread], ALL, Unit.USD).amount.item() == paid([ONE], ALL, Unit.USD).amount.item() - 6.5
    apart = replace(ONE, thinking_tokens=90)
    assert NO_REASONING in paid([apart], ALL, Unit.TOKENS).at_least
    assert NO_REASONING not in paid([ONE], ALL, Unit.TOKENS).at_least
