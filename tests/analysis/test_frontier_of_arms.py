"""The frontier over several arms, and by difficulty: unbiased where the naive best is too high, and paid for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from arm_pools import BASE, arm, three
from core_pools import pool
from numpy.typing import NDArray

from overthink.analysis.frontier import frontiers
from overthink.analysis.request import CurveContext
from overthink.cost.allocation import AllocationOptions, join_options
from overthink.cost.frontier import frontier
from overthink.cost.units import amount
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, RungRecord
from overthink.data.results.budgets import FrontierResult
from overthink.data.results.study import findings_of
from overthink.data.selectors import Allocation
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

Array = NDArray[np.float64]
LEVEL = 0.95


def menu(values: Array, cost: Array | float, arm: str) -> AllocationOptions:
    """One arm, its rungs tried once."""
    options = tuple(Allocation(o, 1, "single") for o in range(values.shape[1]))
    costs = np.broadcast_to(np.asarray(cost, dtype=float), values.shape).copy()
    plain = AllocationOptions("tokens", False, options, values, costs, ~np.isnan(values).any(axis=1))
    return plain.of(arm, np.arange(len(values)))


def pages_of(rows: Sequence[RungRecord]) -> list[CurveContext]:
    made = []
    for table in from_records(rows):
        weights = question_weights(len(table.questions), rng=np.random.default_rng(0), resamples=20)
        prefix = "/".join((table.axis, table.task, table.arm))
        made.append(CurveContext.of(table, Analysis(level=LEVEL), prefix=prefix, scorers=1, family=1, weights=weights))
    return made


def written(rows: Sequence[RungRecord], seed: int = 0) -> list[Finding]:
    return list(findings_of(results_of(rows, seed)))


def results_of(rows: Sequence[RungRecord], seed: int = 0) -> list[FrontierResult]:
    return list(frontiers(pages_of(rows), rng=np.random.default_rng(seed)))


@pytest.mark.parametrize("truth", [np.full(24, 0.5), np.linspace(0.4, 0.6, 24)], ids=["equal", "rising"])
def test_over_arms_the_cross_fitted_value_is_unbiased_and_the_naive_one_is_too_good(truth: Array) -> None:
    """Three arms of eight rungs. What an option costs is what it is worth, so the mean cost is the truth."""
    off: dict[str, list[float]] = {"cross-fitted": [], "naive": []}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        p = 1 / (1 + np.exp(-rng.normal(0, 1, (40, 1))))
        values = rng.binomial(2, np.broadcast_to(p, (40, 24))) / 2 - p.mean() + truth
        arms = [menu(values[:, i::3], truth[i::3], name) for i, name in enumerate("abc")]
        weights = question_weights(40, rng=rng, resamples=50)
        one = frontier(join_options(arms), [1.0], weights=weights, level=LEVEL, rng=rng)
        (choice,) = one.choices[0]
        assert choice is not None
        known = dict(zip(join_options(arms).allocations, join_options(arms).cost[0], strict=True))
        off["cross-fitted"].append(one.value.estimate[0] - one.cost[0])
        off["naive"].append(one.naive.estimate[0] - known[choice])
    fitted, naive = (np.array(off[name]) for name in off)
    assert abs(fitted.mean()) < 3 * fitted.std() / 10
    assert naive.mean() > 0.03 > 3 * naive.std() / 10


def test_the_arm_that_is_best_within_a_budget_is_chosen() -> None:
    rng = np.random.default_rng(0)
    noise = 0.02 * rng.standard_normal((30, 1))
    plain, guarded = (
        menu(noise + np.array(values), cost, name)
        for values, cost, name in (([0.3, 0.5, 0.6], [10.0, 100, 1000], "base"), ([0.8], [400.0], "guard"))
    )
    weights = question_weights(30, rng=rng, resamples=50)
    found = frontier(join_options([plain, guarded]), [5, 10, 100, 400, 1000], weights=weights, level=LEVEL, rng=rng)
    assert [None if c is None else (c.arm, c.rung) for c in found.choices[0]] == [
        None,
        ("base", 0),
        ("base", 1),
        ("guard", 0),
        ("guard", 0),
    ]
    np.testing.assert_allclose(found.value.estimate[1:], np.array([0.3, 0.5, 0.8, 0.8]) + noise.mean())


def test_menus_of_other_tasks_are_not_joined() -> None:
    with pytest.raises(ValueError, match="needed: those of one task"):
        join_options([menu(np.zeros((20, 2)), 1.0, "a"), menu(np.zeros((21, 2)), 1.0, "b")])
    with pytest.raises(ValueError, match="who chooses"):
        join_options([menu(np.zeros((20, 2)), 1.0, "a"), replace(menu(np.zeros((20, 2)), 1.0, "b"), attacker=True)])


def test_the_findings_choose_among_all_arms_and_name_them() -> None:
    rows = [row for row in three(questions=40) if row.axis is Axis.CAPABILITY]
    better = arm("better", {Axis.CAPABILITY: (0.6, 0.8, 0.9, 0.95)}, questions=40)
    found = written([*rows, *better])
    assert len({f.id for f in found}) == len(found)
    together = [f for f in found if f.arm == "all arms" and f.metric == "best_value"]
    assert together
    assert all((f.label or "").endswith("of better") for f in together)
    alone = {f.at.total: f.estimate for f in found if f.arm == "base" and f.metric == "best_value"}
    assert together[-1].estimate is not None
    assert together[-1].estimate > max(value or 0 for value in alone.values())
    assert {f.arm for f in found} == {"base", "halves", "keeps", "better", "all arms"}
    assert {result.key.arm for result in results_of([*rows, *better]) if result.is_over_arms} == {"all arms"}
    # Other people's curves are models, among which nobody chooses: without a plain arm there is no common frontier.
    assert "all arms" not in {f.arm for f in written([row for row in rows if row.arm != "base"])}


def test_an_arm_called_all_arms_keeps_its_own_frontier() -> None:
    rows = [*arm("base", BASE, questions=30), *arm("all arms", BASE, questions=30)]
    found = written([row for row in rows if row.axis is Axis.CAPABILITY])
    assert len({f.id for f in found}) == len(found)
    assert {f.arm for f in found} == {"base", "all arms", "all arms, together"}
    (together,) = (result for result in results_of(rows) if result.is_over_arms and result.key.axis == "capability")
    assert together.key.arm == "all arms, together"


def easy_and_hard(seed: int, questions: int = 80, draws: int = 8) -> list[RungRecord]:
    """Half the questions are solved at once and spoilt by thinking, the other half need it."""
    hard = (np.arange(questions) % 2 == 0)[:, None, None]
    chance = np.where(hard, [[[0.05, 0.7]]], [[[0.95, 0.6]]])
    values = (np.random.default_rng(seed).random((questions, draws, 2)) < chance).astype(float)
    thinking = np.broadcast_to(np.array([0, 90], dtype=object), values.shape)
    told = {"requested_tokens": thinking, "thinking_tokens": thinking, "answer_tokens": 10, "generated_tokens": 100}
    return pool(values, **told)


def test_each_bin_of_difficulty_chooses_for_itself_and_pays_for_being_known() -> None:
    found = written(easy_and_hard(0))
    by_bin = {f.at.total: f for f in found if f.metric == "best_by_difficulty"}
    plain = {f.at.total: f for f in found if f.metric == "best_value"}
    assert min(plain) < min(by_bin)  # the cheapest budgets do not pay for two draws set aside
    assert max(by_bin) == 120  # the dearest allocation, and these draws
    told = by_bin[max(by_bin)]
    assert "bin 0: one try at rung 1" in (told.label or "")
    assert (told.label or "").endswith("one try at rung 0")
    assert told.estimate == pytest.approx(0.825, abs=0.06)
    assert told.estimate > (plain[max(plain)].estimate or 1) + 0.1
    assert any("2 draws at rung 0, set aside and paid for" in limit for limit in told.limits)
    (hard,) = (f for f in found if f.metric == "best_by_difficulty_bin0" and f.at.total == 120)
    assert hard.estimate == pytest.approx(0.7, abs=0.1)


def test_difficulty_read_from_draws_that_are_used_again_would_be_too_good() -> None:
    """Where all questions are alike, knowing wins nothing; read from draws that are used, it seems to."""
    honest, reused = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        values = (rng.random((60, 8, 2)) < 0.5).astype(float)
        thinking = np.broadcast_to(np.array([0, 90], dtype=object), values.shape)
        rows = pool(values, requested_tokens=thinking, thinking_tokens=thinking, answer_tokens=10)
        found = [f for f in written(rows, seed=seed) if f.metric == "best_by_difficulty_bin1"]
        honest += [f.estimate - 0.5 for f in found[-1:] if f.estimate is not None]
        lucky = values[:, :2, 0].mean(axis=1) > 0
        reused.append(values[lucky, :, 0].mean() - 0.5)
    assert abs(np.mean(honest)) < 3 * np.std(honest) / np.sqrt(len(honest))
    assert np.mean(reused) > 0.02


def test_what_labels_say_is_in_fields() -> None:
    (result,) = results_of(easy_and_hard(0))
    assert (result.unit, result.is_over_arms, result.unknown) == ("tokens", False, None)
    for point in result.points:
        assert {point.value.at.total, point.naive.at.total} == {point.budget}
        assert (point.choice.rung, point.choice.k) == (point.value.at.rung, point.value.at.k)
        assert point.value.label == point.naive.label == f"within {amount(point.budget, 'tokens')}: {point.choice}"
    for split in result.by_difficulty:
        for each in split.bins:
            assert each.value.metric == f"best_by_difficulty_bin{each.choice.number}"
            assert each.value.label == f"within {amount(split.budget, 'tokens')}, {each.choice}"
        if split.value is not None:
            bins = "; ".join(f"bin {each.choice.number}: {each.choice.allocation}" for each in split.bins)
            assert split.value.label == f"within {amount(split.budget, 'tokens')}: {bins}"
    assert str(result.by_difficulty[-1].bins[0].choice) == "the hardest questions: one try at rung 1"
    (unknown,) = results_of([row for row in easy_and_hard(0) if row.question < "q005"])
    assert unknown.points == ()
    assert unknown.unknown is not None


def test_too_few_questions_or_draws_for_bins_leave_difficulty_out() -> None:
    few = [row for row in easy_and_hard(0) if row.question < "q015"]
    assert not [f for f in written(few) if "_by_difficulty" in f.metric]
    single = [row for row in easy_and_hard(0) if row.draw == 0]
    assert not [f for f in written(single) if "_by_difficulty" in f.metric]
