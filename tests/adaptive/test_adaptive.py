"""Draws in waves: the estimate is unbiased however they were shared out, and the rest follows from formulas."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from core_pools import pool
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from overthink.adaptive.stopping import MAX_LOOKS, PrecisionTarget, stop_reason, stopping_rule, wave_budget
from overthink.adaptive.variance import chance_prior, draw_variance, interim_look, next_wave, passing_variance
from overthink.analysis import findings
from overthink.data.outcomes import Outcomes, from_records, guaranteed_part, with_waves
from overthink.data.verdict_labels import StopLabel
from overthink.data.waves import Waves
from overthink.errors import InputError
from overthink.forecasts import forecast
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights
from overthink.stats.curve import question_means, single_cells

LEVEL = 0.95


def names(n: int) -> tuple[str, ...]:
    return tuple(f"q{i:03}" for i in range(n))


def table(values: np.ndarray) -> Outcomes:
    """A curve from (question, draw, rung), NaN where there is no draw."""
    (made,) = from_records(pool(values, task="task"))
    return made


def in_waves(values: np.ndarray, waves: Waves) -> Outcomes:
    (told,) = with_waves([table(values)], {"task": waves})
    return told


# ---- the estimate


def expectation(p: tuple[float, float], *, plain: bool) -> float:
    """E of the mean over two questions, exactly: two draws each, then one more, or three where the two differed."""
    total = 0.0
    for draws in itertools.product((0.0, 1.0), repeat=10):
        y = np.array(draws).reshape(2, 5)
        chance = float(np.prod(np.where(y == 1, np.array(p)[:, None], 1 - np.array(p)[:, None])))
        second = np.where(y[:, 0] != y[:, 1], 3, 1)
        # the wave's total must not depend on the outcomes for the weights to be fixed: the other question fills it up
        second = np.array([second[0], 4 - second[0]])
        waves = Waves(names(2), np.array([[2, 2], second]))
        values = np.where(np.arange(5) < waves.draws[:, None], y, np.nan)[:, :, None]
        cells = question_means(values) if plain else waves.cells(values, range(5))
        total += chance * float(cells.mean())
    return total


@pytest.mark.parametrize("p", [(0.1, 0.3), (0.8, 0.5)])
def test_the_mean_is_unbiased_by_enumeration_and_the_plain_mean_is_not(p: tuple[float, float]) -> None:
    assert expectation(p, plain=False) == pytest.approx(np.mean(p), abs=1e-12)
    assert abs(expectation(p, plain=True) - np.mean(p)) > 1e-3


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_even_waves_are_the_plain_mean(waves: int, questions: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = np.repeat(rng.integers(1, 4, size=(waves, 1)), questions, axis=1)
    own = Waves(names(questions), counts)
    values = rng.random((questions, int(counts[:, 0].sum()), 2))
    assert own.cells(values, range(values.shape[1])) == pytest.approx(question_means(values))


def test_a_wave_of_which_nothing_is_known_is_left_out_of_its_question() -> None:
    waves = Waves(names(2), np.array([[2, 2], [1, 3]]))
    values = np.array([[1, 0, np.nan, np.nan, np.nan], [1, 1, 0, 0, 0]], dtype=float)[:, :, None]
    assert waves.cells(values, range(5))[:, 0].tolist() == [0.5, 0.5]
    assert waves.wave_of(range(5)).tolist() == [[0, 0, 1, -1, -1], [0, 0, 1, 1, 1]]


def test_noise_is_the_variance_of_the_cells() -> None:
    rng = np.random.default_rng(3)
    waves = Waves(names(2), np.array([[4, 4], [9, 1]]))
    p = np.array([0.5, 0.1])
    cells = [waves.cells((rng.random((2, 13)) < p[:, None]).astype(float)[:, :, None], range(13)) for _ in range(8000)]
    expected = waves.noise((p * (1 - p))[:, None])[:, 0]
    assert np.var(cells, axis=0)[:, 0] == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    ("counts", "match"), [([[1, 0]], "at least one in each"), ([[1, 1, 1]], "shape"), ([], "shape")]
)
def test_waves_that_cannot_be_are_refused(counts: list[list[int]], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Waves(names(2), np.array(counts, dtype=np.int64))


def test_waves_of_other_questions_are_refused() -> None:
    with pytest.raises(InputError, match="other questions"):
        in_waves(np.zeros((3, 2, 1)), Waves(names(2), np.array([[2, 2]])))


# ---- who gets the draws


@given(
    st.lists(st.floats(0, 0.25), min_size=1, max_size=12),
    st.integers(1, 300),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
)
def test_a_wave_keeps_its_bounds_and_its_budget(spread: list[float], budget: int, room: int, seed: int) -> None:
    rooms = np.random.default_rng(seed).integers(1, room + 1, size=len(spread))
    given_ = next_wave(np.array(spread), np.ones(len(spread)), budget=budget, draws_left=rooms)
    assert (given_ >= 1).all()
    assert (given_ <= (rooms + 1) // 2).all()
    assert given_.sum() == np.clip(budget, len(spread), ((rooms + 1) // 2).sum())


def test_no_other_sharing_of_the_wave_leaves_less_error() -> None:
    spread = np.array([0.25, 0.09, 0.01])
    shared = next_wave(spread, np.ones(3), budget=24, draws_left=np.full(3, 100))
    left = {
        split: float((spread / np.array(split)).sum())
        for split in itertools.product(range(1, 23), repeat=3)
        if sum(split) == 24
    }
    assert left[tuple(shared.tolist())] == pytest.approx(min(left.values()), rel=0.01)
    assert left[8, 8, 8] > 1.2 * min(left.values())


def test_dear_questions_get_fewer_draws_and_unknown_cost_is_the_mean() -> None:
    spread, room = np.full(3, 0.25), np.full(3, 100)
    assert next_wave(spread, np.array([1.0, 4.0, 4.0]), budget=40, draws_left=room).tolist() == [20, 10, 10]
    assert next_wave(spread, np.array([1.0, np.nan, 1.0]), budget=30, draws_left=room).tolist() == [10, 10, 10]
    with pytest.raises(ValueError, match="no room"):
        next_wave(spread, np.ones(3), budget=9, draws_left=np.array([1, 0, 1]))


def test_equal_draws_never_look_settled() -> None:
    values = np.array([[1.0] * 4, [0.0] * 4])[:, :, None]
    for scale in (1.0, 0.9):  # graded values have a formula of their own
        assert (draw_variance(scale * values, first=4) > 0).all()
        mixed = scale * np.concatenate([values] * 4 + [np.array([[[0.0], [1.0]] * 2])])
        found = draw_variance(mixed, first=4)[:, 0]
        assert found[-1] > 2 * found[0] > 0
        many = scale * np.tile(np.array([0.0, 1.0]), 500)[None, :, None]
        assert draw_variance(many, first=4)[0, 0] == pytest.approx(0.25 * scale**2, rel=0.02)


def test_the_variance_of_a_draw_is_right_where_draws_were_given_by_what_they_showed_and_the_plain_one_is_not() -> None:
    rng = np.random.default_rng(8)
    p = rng.beta(0.5, 4.5, size=20_000)
    values = (rng.random((20_000, 12)) < p[:, None]).astype(float)
    quiet = ~values[:, :4].any(axis=1)
    values[quiet, 5:] = np.nan
    truth = float((p * (1 - p))[quiet].mean())
    assert draw_variance(values[:, :, None], first=4)[quiet].mean() == pytest.approx(truth, rel=0.05)
    assert np.nanvar(values[quiet], axis=1, ddof=1).mean() < 0.8 * truth


def test_the_variance_of_passing_is_the_integral_over_what_is_open_of_p() -> None:
    n, c, k = np.array([10, 30, 8]), np.array([0, 3, 8]), 40.0
    a, b = chance_prior(n, c)

    def integrand(p: float, alpha: float, beta: float) -> float:
        return (k * (1 - p) ** (k - 1)) ** 2 * p * (1 - p) * float(stats.beta.pdf(p, alpha, beta))

    for i in range(3):
        law = (a + c[i], b + n[i] - c[i])
        assert passing_variance(n, c, k)[i] == pytest.approx(
            integrate.quad(integrand, 0, 1, law, limit=200)[0], rel=1e-3
        )


# ---- when to stop


def seen(cells: np.ndarray, noise: float) -> tuple[object, np.ndarray]:
    weights = question_weights(len(cells), rng=np.random.default_rng(0))
    return interim_look(cells, np.full(cells.shape, noise), weights, level=LEVEL), weights


def test_the_floor_is_the_half_width_that_endless_draws_leave() -> None:
    rng = np.random.default_rng(1)
    p = rng.beta(2, 2, size=4000)
    weights = question_weights(4000, rng=rng)
    few = rng.binomial(4, p)[:, None] / 4
    at_four = interim_look(few, np.full((4000, 1), float((p * (1 - p)).mean()) / 4), weights, level=LEVEL)
    endless = interim_look(p[:, None], np.zeros((4000, 1)), weights, level=LEVEL)
    assert at_four.floor[0] == pytest.approx(endless.half_width[0], rel=0.05)
    assert at_four.half_width[0] > 1.15 * endless.half_width[0]
    assert endless.floor[0] == pytest.approx(endless.half_width[0], rel=1e-6)


def test_where_all_agree_draws_change_nothing_and_questions_are_counted_exactly() -> None:
    found, _ = seen(np.ones((20, 1)), 0.01)
    assert found.floor == found.half_width
    needed = found.questions_needed(0.02, level=LEVEL)
    for questions, reached in ((needed, True), (needed - 1, False)):
        assert (seen(np.ones((questions, 1)), 0.0)[0].half_width[0] <= 0.02) == reached


def test_reasons_to_stop() -> None:
    rng = np.random.default_rng(2)
    found, _ = seen(np.stack([rng.random(50), np.full(50, 0.5) + 0.1 * rng.standard_normal(50)], axis=1), 0.005)
    wide, floor = found.half_width.max(), found.floor.max()
    assert found.worst == 0
    room = np.full(50, 3)
    assert stop_reason(found, wide, draws_left=room) == StopLabel.REACHED
    assert stop_reason(found, floor * 0.99, draws_left=room) == StopLabel.FLOOR
    assert stop_reason(found, (wide + floor) / 2, draws_left=room) is None
    assert stop_reason(found, (wide + floor) / 2, draws_left=np.arange(50)) == StopLabel.CAP


def test_a_wave_is_as_large_as_the_target_needs() -> None:
    rng = np.random.default_rng(4)
    spread = np.full(200, 0.2)
    found, _ = seen(0.5 + np.sqrt(0.2 / 8) * rng.standard_normal((200, 1)), 0.2 / 8)
    drawn = 200 * 8
    # all of the variance is noise: to shrink the half-width by a tenth takes 1/0.9² times the draws
    assert found.between[0] < 0.1 * found.within[0]
    budget = wave_budget(replace(found, between=np.zeros(1)), 0.9 * found.half_width[0], drawn, variance=spread)
    assert budget == pytest.approx(drawn * (1 / 0.81 - 1), rel=0.2) or budget == drawn // 4
    assert wave_budget(found, 0.1 * found.half_width[0], drawn, variance=spread) == drawn
    assert wave_budget(found, 0.999 * found.half_width[0], drawn, variance=spread) == drawn // 4


# ---- the whole study: coverage, and the control that must fail


def simulated(
    chances: np.ndarray, target: float, weights: np.ndarray, rng: np.random.Generator, *, plain: bool
) -> tuple[float, float, float]:
    """One study by the rule on arrays alone: estimate, low, high. It is what `collect_in_waves` does with tables."""
    from overthink.stats.bootstrap import mean_intervals

    questions, most = len(chances), 64
    outcomes = (rng.random((questions, most)) < chances[:, None]).astype(float)
    waves = Waves(names(questions), np.full((1, questions), 4))
    while True:
        values = np.where(np.arange(most) < waves.draws[:, None], outcomes, np.nan)[:, :, None]
        spread = draw_variance(values, first=4)
        cells = question_means(values) if plain else waves.cells(values, range(most))
        now = interim_look(cells, waves.noise(spread), weights, level=LEVEL)
        if stop_reason(now, target, draws_left=most - waves.draws) is not None:
            found = mean_intervals(cells, weights, level=LEVEL)
            return float(found.estimate[0]), float(found.low[0]), float(found.high[0])
        budget = wave_budget(now, target, int(waves.counts.sum()), variance=spread[:, 0])
        waves = waves.with_wave(
            next_wave(spread[:, 0], np.ones(questions), budget=budget, draws_left=most - waves.draws)
        )


@pytest.mark.simulation
@pytest.mark.parametrize("plain", [False, True])
def test_the_interval_holds_after_adaptive_draws_and_with_plain_means_it_does_not(plain: bool) -> None:
    rng = np.random.default_rng(7)
    weights = question_weights(100, rng=rng, resamples=500)
    ended = np.array([simulated(np.full(100, 0.3), 0.03, weights, rng, plain=plain) for _ in range(400)])
    held = np.mean((ended[:, 1] <= 0.3) & (ended[:, 2] >= 0.3))
    bias = (ended[:, 0].mean() - 0.3) / (ended[:, 0].std() / 20)
    if plain:
        assert held < 0.93
        assert bias < -3.5
    else:
        assert held > 0.92
        assert abs(bias) < 2.5


# ---- tables, standings, findings


def shared_out(seed: int = 0, *, rungs: int = 2) -> Outcomes:
    rng = np.random.default_rng(seed)
    waves = Waves(names(12), np.array([[3] * 12, [1, 4] * 6]))
    values = (rng.random((12, 7, rungs)) < rng.random((12, 1, 1))).astype(float)
    return in_waves(np.where(np.arange(7)[None, :, None] < waves.draws[:, None, None], values, np.nan), waves)


def test_the_even_part_is_the_draws_that_everybody_was_sure_to_get() -> None:
    told = shared_out()
    even = guaranteed_part(told)
    assert even.draws == (0, 1, 2, 3)
    assert even.waves is None
    assert not np.isnan(even.values).any()
    assert guaranteed_part(even) is even
    assert single_cells(even) == pytest.approx(question_means(told.values[:, :4]))


def test_findings_of_waves() -> None:
    told = shared_out()
    aim = PrecisionTarget(half_width=0.05, crossing=None, factor=3.0, max_draws=20)
    found = findings([told], Analysis(level=LEVEL, aim=aim), rng=np.random.default_rng(1))
    mean = {f.at.rung: f for f in found if f.kind == "value" and f.metric == "mean"}
    cells = told.waves.cells(told.values, told.draws)  # type: ignore[union-attr]
    assert [mean[r].estimate for r in (0, 1)] == pytest.approx(cells.mean(axis=0).tolist())
    assert any("2 waves, 4 to 7 per question" in limit for limit in mean[0].limits)
    tries = [f for f in found if f.metric == "pass_at_k"]
    assert max(f.at.k for f in tries if f.at.k) == 4
    assert all(any("4 draws that every question was sure to get" in limit for limit in f.limits) for f in tries)
    by_metric = {f.metric: f for f in found if f.kind == "adaptive"}
    assert set(by_metric) == {"half_width", "draws", "even_draws", "saving"}
    widest = max(mean.values(), key=lambda f: f.high - f.low)  # type: ignore[operator]
    assert by_metric["half_width"].estimate == pytest.approx((widest.high - widest.low) / 2)  # type: ignore[operator]
    assert by_metric["half_width"].at.rung == widest.at.rung
    assert by_metric["half_width"].label.startswith("floor: ")  # type: ignore[union-attr]
    assert by_metric["draws"].estimate == told.waves.counts.sum()  # type: ignore[union-attr]
    saved, even = by_metric["saving"], by_metric["even_draws"]
    assert saved.estimate == pytest.approx(1 - by_metric["draws"].estimate / even.estimate)  # type: ignore[operator]
    assert even.low < even.estimate < even.high  # type: ignore[operator]


def test_without_an_aim_nothing_is_said_of_one() -> None:
    found = findings([shared_out()], Analysis(level=LEVEL), rng=np.random.default_rng(1))
    assert not [f for f in found if f.kind == "adaptive"]


def test_even_draws_of_an_even_study_are_its_draws() -> None:
    rng = np.random.default_rng(5)
    values = (rng.random((30, 6, 1)) < rng.random((30, 1, 1))).astype(float)
    told = in_waves(values, Waves(names(30), np.array([[4] * 30, [2] * 30])))
    aim = PrecisionTarget(0.05, None, 3.0, 20)
    weights = question_weights(30, rng=rng)
    assert stopping_rule(told, aim, weights, level=LEVEL, seed=0).even_draws == pytest.approx(30 * 6)


def test_a_crossing_stands_by_the_forecast_of_counts_that_came_adaptively() -> None:
    told = shared_out(3)
    aim = PrecisionTarget(half_width=None, crossing=0.7, factor=1.01, max_draws=20)
    now = stopping_rule(told, aim, np.ones((1, 12)), level=0.9, seed=4)
    top = told.values[:, :, -1]
    attempts, right = (~np.isnan(top)).sum(axis=1), (top == 1).sum(axis=1)
    guarded = 1 - 0.1 / MAX_LOOKS
    made = forecast(attempts, right, k=[1, 4], level=guarded, stopping="adaptive", rng=np.random.default_rng(4))
    assert not made.exact.any()
    assert any("depended on what its earlier tries showed" in note for note in made.notes)
    assert now.crossing == made.crossing(0.7)
    assert now.stop is None
    assert now.next_counts().min() >= 1
    assert stopping_rule(told, replace(aim, factor=1e9), np.ones((1, 12)), level=0.9, seed=4).stop == StopLabel.REACHED


def test_graded_values_have_no_crossing() -> None:
    graded = in_waves(np.full((4, 3, 1), 0.5), Waves(names(4), np.full((1, 4), 3)))
    now = stopping_rule(graded, PrecisionTarget(None, 0.5, 3.0, 9), np.ones((1, 4)), level=LEVEL, seed=0)
    assert now.stop == StopLabel.UNDEFINED
    found = findings([graded], Analysis(level=LEVEL, aim=now.target), rng=np.random.default_rng(0))
    (crossing,) = [f for f in found if f.metric == "crossing"]
    assert crossing.estimate is None
    assert "graded" in (crossing.reason or "")
