"""The frontier against planted truths: unbiased where the naive best is too high, right choices, costs charged."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from frontier_pools import table
from numpy.typing import NDArray
from sweeps import few

from overthink.cost.allocation import AllocationOptions, Difficulty, allocation_options, log_budgets, set_aside
from overthink.cost.attempt import attempt_tokens, attempt_work
from overthink.cost.flop_matched import flop_matched
from overthink.cost.frontier import Frontier, frontier
from overthink.cost.model_shape import ModelShape
from overthink.data.outcomes import Outcomes
from overthink.data.selectors import Allocation
from overthink.stats.bootstrap import Intervals, mean_intervals, question_weights
from overthink.stats.curve import mean_curve, parallel_curves, question_means

LEVEL = 0.95
Array = NDArray[np.float64]


def menu(values: Array, cost: Array | float = 1.0, *, attacker: bool = False) -> AllocationOptions:
    """Options that are rungs, one try each."""
    options = tuple(Allocation(o, 1, "single") for o in range(values.shape[1]))
    costs = np.broadcast_to(np.asarray(cost, dtype=float), values.shape).copy()
    return AllocationOptions("tokens", attacker, options, values, costs, ~np.isnan(values).any(axis=1))


def made(
    menu: AllocationOptions, budgets: list[float], *, seed: int = 0, difficulty: Difficulty | None = None
) -> Frontier:
    rng = np.random.default_rng(seed)
    weights = question_weights(len(menu.comparable), rng=rng, resamples=300)
    return frontier(menu, budgets, weights=weights, level=LEVEL, rng=rng, difficulty=difficulty)


def drawn(chances: Array, *, questions: int, draws: int, seed: int) -> Array:
    """Means of draws of questions that differ in difficulty, (question, option)."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(0, 1, (questions, 1))
    p = 1 / (1 + np.exp(-(np.log(chances / (1 - chances)) + effect)))
    return np.asarray(rng.binomial(draws, p) / draws)


def errors(truth: Array, *, studies: int = 100, attacker: bool = False) -> dict[str, Array]:
    """What estimates are off by, study by study.

    Each option costs what it is truly worth, so the mean cost is the true value of the very allocations that the folds
    chose, whichever they were.
    """
    found: dict[str, list[float]] = {"cross-fitted": [], "naive": [], "covered": [], "averaged first": []}
    for seed in range(studies):
        values = drawn(np.full(len(truth), 0.5), questions=40, draws=2, seed=seed) - 0.5 + truth
        one = made(menu(values, truth, attacker=attacker), [1.0], seed=seed)
        (choice,) = one.choices[0]
        assert choice is not None
        found["cross-fitted"].append(one.value.estimate[0] - one.cost[0])
        found["naive"].append(one.naive.estimate[0] - truth[choice.rung])
        found["covered"].append(covers(one.value, one.cost[0]))
        weights = question_weights(40, rng=np.random.default_rng(seed), resamples=300)
        found["averaged first"].append(
            covers(mean_intervals(one.cells.mean(axis=1), weights, level=LEVEL), one.cost[0])
        )
    return {name: np.array(off) for name, off in found.items()}


def covers(found: Intervals, truth: float) -> bool:
    return bool(found.low[0] <= truth <= found.high[0])


def is_unbiased(off: Array) -> bool:
    return bool(abs(off.mean()) < 3 * off.std() / np.sqrt(len(off)))


@pytest.mark.parametrize("truth", few([np.full(24, 0.5), np.linspace(0.4, 0.6, 24)], 1), ids=["equal", "rising"])
def test_the_cross_fitted_value_is_unbiased_and_the_naive_one_is_too_good(truth: Array) -> None:
    off = errors(truth)
    assert is_unbiased(off["cross-fitted"])
    assert not is_unbiased(off["naive"])
    assert off["naive"].mean() > 0.03
    assert off["cross-fitted"].std() / 10 < 0.01  # sharp enough to have seen it
    # 91 % of 500 studies; cells averaged over the partitions look steadier than they are.
    assert off["covered"].mean() > 0.85
    assert off["averaged first"].mean() < off["covered"].mean()


def test_so_are_the_attackers() -> None:
    off = errors(np.full(24, 0.5), attacker=True)
    assert is_unbiased(off["cross-fitted"])
    assert off["naive"].mean() < -0.03


def test_with_a_clear_best_it_is_chosen_and_valued() -> None:
    rng = np.random.default_rng(0)
    values = np.array([0.2, 0.5, 0.4, 0.8]) + 0.05 * rng.standard_normal((30, 4))
    found = made(menu(values, [1.0, 2, 4, 8]), [0.5, 1, 2, 4, 8, 100])
    assert [None if c is None else c.rung for c in found.choices[0]] == [None, 0, 1, 1, 3, 3]
    np.testing.assert_allclose(found.value.estimate[1:], values.mean(axis=0)[[0, 1, 1, 3, 3]])
    np.testing.assert_allclose(found.value.estimate[1:], found.naive.estimate[1:])
    np.testing.assert_allclose(found.cost[1:], [1, 2, 2, 8, 8])
    assert np.isnan(found.value.estimate[0])
    assert (found.agreement[1:] == 1).all()
    assert (found.value.low[1:] < found.value.estimate[1:]).all()
    assert (np.diff(found.naive.estimate[1:]) >= 0).all()


def test_the_attacker_takes_the_worst() -> None:
    values = np.array([0.9, 0.5, 0.2]) + 0.01 * np.random.default_rng(0).standard_normal((20, 3))
    found = made(menu(values, [1.0, 2, 3], attacker=True), [1, 2, 3])
    assert [c.rung for c in found.choices[0] if c] == [0, 1, 2]
    np.testing.assert_allclose(found.value.estimate, values.mean(axis=0))


def test_the_same_state_gives_the_same_frontier_and_rows_may_come_in_any_scale_of_cost() -> None:
    values = drawn(np.linspace(0.3, 0.6, 6), questions=25, draws=2, seed=3)
    cost = np.arange(1.0, 7)
    one, again = made(menu(values, cost), [2, 5]), made(menu(values, cost), [2, 5])
    np.testing.assert_array_equal(one.cells, again.cells)
    np.testing.assert_array_equal(made(menu(values, 1e9 * cost), [2e9, 5e9]).cells, one.cells)
    assert not np.array_equal(made(menu(values, cost), [2, 5], seed=1).cells, one.cells)


def two_kinds(questions: int = 60) -> tuple[Array, Array]:
    """Easy questions do best with little, hard ones with much; (question, option) values and difficulty bins."""
    hard = np.arange(questions) % 2 == 0
    values = np.where(hard[:, None], [0.1, 0.6], [0.9, 0.5]) + 0.01 * np.random.default_rng(0).standard_normal(
        (questions, 2)
    )
    return values, np.where(hard, 0, 1)


def test_bins_choose_for_themselves_and_pay_for_knowing() -> None:
    values, bins = two_kinds()
    plan = menu(values, [1.0, 2.0])
    free = Difficulty(bins=bins, cost=np.zeros(60), from_verifier=True)
    paid = replace(free, cost=np.full(60, 1.5))
    for difficulty, cheapest in ((free, 2.0), (paid, 3.5)):
        found = made(plan, [2.0, 3.5], difficulty=difficulty)
        can = found.budgets >= cheapest
        for hard, easy, possible in zip(*found.choices, can, strict=True):
            assert not possible or (hard, easy) == (Allocation(1, 1, "single"), Allocation(0, 1, "single"))
        np.testing.assert_allclose(found.value.estimate[can], 0.75, atol=0.01)
        np.testing.assert_allclose(found.by_bin.estimate[:, can].T, [[0.6, 0.9]] * can.sum(), atol=0.01)
        np.testing.assert_allclose(found.cost[can], 1.5 + difficulty.cost[0])
    # Knowing is not free: a budget of 2 leaves nothing for answering, and without knowing it buys the dearer option.
    assert np.isnan(made(plan, [2.0], difficulty=paid).value.estimate).all()
    assert made(plan, [2.0]).value.estimate[0] == pytest.approx(0.55, abs=0.02)


def test_bins_that_know_nothing_win_nothing() -> None:
    """Random bins cross-fit to the value of one allocation for all; the naive estimate finds a gain in them."""
    gains, naive = [], []
    for seed in range(60):
        values = drawn(np.full(12, 0.5), questions=40, draws=2, seed=seed)
        random = Difficulty(bins=np.arange(40) % 4, cost=np.zeros(40), from_verifier=True)
        found = made(menu(values), [1.0], seed=seed, difficulty=random)
        gains.append(found.value.estimate[0] - 0.5)
        naive.append(found.naive.estimate[0] - 0.5)
    assert abs(np.mean(gains)) < 3 * np.std(gains) / np.sqrt(60)
    assert np.mean(naive) > 0.1


def curves_of(outcomes: Outcomes) -> tuple[Array, list[object]]:
    weights = question_weights(len(outcomes.questions), rng=np.random.default_rng(0), resamples=20)
    mean = mean_curve(outcomes, weights, level=LEVEL)
    return question_means(attempt_tokens(outcomes)), [mean, *parallel_curves(outcomes, weights, level=LEVEL)]


def menu_from(outcomes: Outcomes, **options: object) -> AllocationOptions:
    attempt, curves = curves_of(outcomes)
    return allocation_options(curves, attempt, unit="tokens", **options)  # type: ignore[arg-type]


def test_a_menu_prices_tries_and_verifiers() -> None:
    outcomes = table()
    scoring = np.full((40, 3), 5.0)
    found = menu_from(outcomes, verifier=scoring)
    price = dict(zip(found.allocations, found.cost.mean(axis=0), strict=True))
    assert price[Allocation(1, 1, "single")] == 100
    assert price[Allocation(1, 4, "majority")] == 400
    assert price[Allocation(1, 4, "best")] == 420
    assert {option.selector for option in found.allocations} == {"single", "majority", "best"}
    assert len(found.allocations) == len(set(found.allocations)) == 3 * (1 + 5 + 5)
    attacker = menu_from(replace(outcomes, axis="safety"), attacker=True)
    assert {option.selector for option in attacker.allocations} == {"single", "worst"}
    unpriced = menu_from(outcomes)
    assert "best" not in {option.selector for option in unpriced.allocations}
    assert "verifier" in unpriced.limits[0]


def test_a_shared_prompt_is_paid_once() -> None:
    outcomes = table()
    shape = ModelShape(1000, 1000, layers=2, heads=2, kv_heads=1, head_width=8, weight_bytes=2, cache_bytes=2)
    prompt, decoding = (question_means(work.flop) for work in attempt_work(outcomes, shape))
    _, curves = curves_of(outcomes)
    found = allocation_options(curves, decoding, unit="FLOP", once=prompt)  # type: ignore[arg-type]
    price = dict(zip(found.allocations, found.cost[0], strict=True))
    one, four = price[Allocation(2, 1, "single")], price[Allocation(2, 4, "majority")]
    assert four == pytest.approx(4 * one - 3 * prompt[0, 2])


def test_questions_and_allocations_that_cannot_be_compared_are_left_out() -> None:
    values = table().values.copy()
    values[0, 3:] = np.nan  # one question of 40 lacks draws: it goes
    outcomes = replace(table(), values=values)
    found = menu_from(outcomes)
    assert (found.comparable.sum(), max(o.k for o in found.allocations)) == (39, 6)
    assert "1 questions are left out" in " ".join(found.limits)
    values = values.copy()
    values[:10, 3:] = np.nan  # ten lack draws: these k go
    found = menu_from(replace(table(), values=values))
    assert (found.comparable.sum(), max(o.k for o in found.allocations)) == (40, 3)
    unknown = menu_from(table(thinking_tokens=None))
    assert unknown.allocations == ()
    assert log_budgets(unknown).size == 0


def test_budgets_are_few_round_and_cover_the_menu() -> None:
    found = menu_from(table())
    budgets = log_budgets(found, 8)
    assert len(budgets) == 8
    assert budgets[0] == 10
    assert budgets[-1] == 3000
    assert (budgets >= np.geomspace(10, 3000, 8) - 1e-9).all()
    assert (budgets <= 1.1 * np.geomspace(10, 3000, 8) + 1e-9).all()


def test_difficulty_is_read_from_draws_that_are_not_used_again() -> None:
    outcomes = table(verifier_score=None)
    attempt, _ = curves_of(outcomes)
    left, found = set_aside(outcomes, attempt, draws=2, rung=1, bins=2)
    assert left.draws == (2, 3, 4, 5)
    np.testing.assert_array_equal(left.values, outcomes.values[:, 2:])
    np.testing.assert_array_equal(found.cost, 200.0)
    score = outcomes.values[:, :2, 1].mean(axis=1)
    assert score[found.bins == 0].max() < score[found.bins == 1].min()
    assert (len(np.unique(found.bins)), found.from_verifier) == (2, False)
    scored = set_aside(table(), attempt, draws=2, rung=1, bins=4)[1]
    assert scored.from_verifier
    assert np.bincount(scored.bins).tolist() == [10, 10, 10, 10]
    # Values of the draws that are left do not move the bins.
    flipped = replace(outcomes, values=np.concatenate([outcomes.values[:, :2], 1 - outcomes.values[:, 2:]], axis=1))
    np.testing.assert_array_equal(set_aside(flipped, attempt, draws=2, rung=1, bins=2)[1].bins, found.bins)


def line(values: list[float], cost: list[float], *, seed: int = 0) -> Frontier:
    noise = 0.02 * np.random.default_rng(seed).standard_normal((30, 1))
    return made(menu(np.array(values) + noise, cost), cost, seed=seed)


def test_the_small_model_matches_where_it_was_planted_or_not_at_all() -> None:
    small = line([0.3, 0.5, 0.7, 0.71], [1, 2, 8, 16])
    large = line([0.4, 0.7, 0.9], [5, 10, 20], seed=1)
    weights = question_weights(30, rng=np.random.default_rng(0), resamples=300)
    match = partial(flop_matched, weights=weights, level=LEVEL, margin=0.02)
    low, middle, top = match(small, large)
    assert (low.small_cost, low.multiple, low.shown_cost) == (2, 0.4, 2)
    # Cut at 8, where the noise of 30 questions decides, or at 16, where it does not.
    assert middle.small_cost in (8, 16)
    assert middle.shown_cost in (8, 16)
    assert (top.small_cost, top.shown_cost, top.multiple) == (None, None, None)
    assert top.reason is not None
    assert top.reason.startswith("not reached")
    assert all(m.multiple == 1 for m in match(large, large))
    with pytest.raises(ValueError, match="needed: one unit"):
        match(small, replace(large, unit="FLOP"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: made(menu(np.ones((30, 2))), [0.0]), "budgets are"),
        (lambda: made(menu(np.ones((30, 2))), [np.nan]), "budgets are"),
        (lambda: made(menu(np.ones((9, 2))), [1.0]), "9 questions in 5 folds"),
        (lambda: made(menu(np.full((30, 2), np.nan)), [1.0]), "0 questions in 5 folds"),
        (lambda: allocation_options(curves_of(table())[1], np.ones((40, 2)), unit="t"), "needed: alike"),  # type: ignore[arg-type]
        (lambda: set_aside(table(), np.ones((40, 3)), draws=6, rung=0, bins=2), "6 of 6 draws"),
        (lambda: set_aside(table(), np.ones((40, 3)), draws=1, rung=3, bins=2), "rung is 3"),
        (lambda: set_aside(table(), np.ones((40, 3)), draws=1, rung=0, bins=0), "bins is 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
