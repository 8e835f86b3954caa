"""Reliability and flips against counting by hand, and what must and must not move them."""

import re
from itertools import combinations

import numpy as np
import pytest

from overthink.stats.bootstrap import question_weights
from overthink.stats.curve import question_means
from overthink.stats.reliability import flips, ladder_pairs, reliability, returns

LEVEL = 0.95


def ragged(seed: int, questions: int = 7, draws: int = 5, rungs: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2, (questions, draws, rungs)).astype(float)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


def weights_of(values: np.ndarray) -> np.ndarray:
    return question_weights(len(values), rng=np.random.default_rng(0), resamples=400)


def by_question(cells: list[list[float]]) -> float:
    """Mean of question means, questions without an entry left out."""
    return float(np.mean([np.mean(c) for c in cells if c]))


def test_all_of_k_and_disagreement_are_counted_over_draws() -> None:
    values = ragged(1)
    found = reliability(values, weights_of(values), level=LEVEL)
    for r in range(4):
        known = [v[~np.isnan(v)] for v in values[:, :, r]]
        pairs = [[float(a != b) for a, b in combinations(v, 2)] for v in known]
        assert found.disagreement.estimate[r] == pytest.approx(by_question(pairs))
        for i, k in enumerate(found.k):
            every = [[float(min(c)) for c in combinations(v, int(k))] for v in known]
            assert found.all_of_k.estimate[r, i] == pytest.approx(by_question(every))


def test_capable_and_reliable_are_read_apart() -> None:
    """Both models are right half of the time: one on half of the questions, the other on half of the draws."""
    sure = np.zeros((8, 6, 1))
    sure[:4] = 1
    unsure = np.tile(np.array([0.0, 1.0]), (8, 3))[:, :, None]
    one, other = (reliability(v, weights_of(v), level=LEVEL) for v in (sure, unsure))
    assert sure.mean() == unsure.mean()
    assert one.disagreement.estimate[0] == 0
    assert other.disagreement.estimate[0] == pytest.approx(0.6)
    assert one.disagreement.high[0] > 0.3  # eight questions that agree are no proof
    assert one.all_of_k.estimate[0, -1] == 0.5
    assert other.all_of_k.estimate[0, -1] == 0


def test_disagreement_is_unbiased_and_the_naive_spread_is_not() -> None:
    rng = np.random.default_rng(3)
    p = rng.random(4000)
    values = (rng.random((4000, 2, 1)) < p[:, None, None]).astype(float)
    truth = (2 * p * (1 - p)).mean()
    got = reliability(values, question_weights(4000, rng=rng, resamples=50), level=LEVEL).disagreement
    assert got.estimate[0] == pytest.approx(truth, abs=4 * got.error[0])
    naive = 2 * values.var(axis=1).mean()
    assert abs(naive - truth) > 10 * got.error[0]


def test_one_draw_says_nothing_about_reliability() -> None:
    values = np.array([[[1.0]], [[0.0]]])
    found = reliability(values, weights_of(values), level=LEVEL)
    assert np.isnan(found.disagreement.estimate[0])
    assert np.isnan(found.disagreement.low[0])
    assert found.k.tolist() == [1]


def test_flips_are_counted_trace_by_trace() -> None:
    values = ragged(2)
    found = flips(values, weights_of(values), level=LEVEL)
    assert found.pairs == ((1, 0), (2, 1), (3, 2), (3, 0)) == ladder_pairs(4)
    for i, (later, earlier) in enumerate(found.pairs):
        steps = [[(t[earlier], t[later]) for t in q if not np.isnan(t[[earlier, later]]).any()] for q in values]
        lost = [[float(step == (1, 0)) for step in q] for q in steps]
        gained = [[float(step == (0, 1)) for step in q] for q in steps]
        assert found.losses.estimate[i] == pytest.approx(by_question(lost))
        assert found.gains.estimate[i] == pytest.approx(by_question(gained))
    assert (found.losses.low < found.losses.estimate).all()
    assert (found.losses.estimate < found.losses.high).all()


def test_returns_are_counted_trace_by_trace() -> None:
    values = ragged(5, draws=9)
    found = returns(values, weights_of(values), level=LEVEL)
    traces = [["".join(str(int(v)) for v in t) for t in q if not np.isnan(t).any()] for q in values]
    for pattern, got in (("10+1", found.lost_and_regained), ("01+0", found.gained_and_lost)):
        want = by_question([[float(bool(re.search(pattern, t))) for t in q] for q in traces])
        assert got.estimate == pytest.approx(want)
        assert 0 < want < 1
        assert got.low < want < got.high


def test_what_is_gained_less_what_is_lost_is_the_change_of_the_mean() -> None:
    values = np.random.default_rng(4).integers(0, 2, (9, 4, 5)).astype(float)
    found = flips(values, weights_of(values), level=LEVEL)
    means = question_means(values).mean(axis=0)
    net = [means[later] - means[earlier] for later, earlier in found.pairs]
    np.testing.assert_allclose(found.gains.estimate - found.losses.estimate, net)


def test_turning_the_ladder_or_the_values_round_swaps_lost_and_gained() -> None:
    values = ragged(6)
    w = weights_of(values)
    forward = flips(values, w, level=LEVEL, pairs=[(3, 0)])
    backward = flips(values[:, :, ::-1], w, level=LEVEL, pairs=[(3, 0)])
    mirrored = flips(1 - values, w, level=LEVEL, pairs=[(3, 0)])
    assert forward.losses.estimate != forward.gains.estimate
    for other in (backward, mirrored):
        np.testing.assert_allclose(forward.losses.estimate, other.gains.estimate)
        np.testing.assert_allclose(forward.gains.estimate, other.losses.estimate)


def test_flips_follow_traces_and_reliability_does_not() -> None:
    values = np.random.default_rng(8).integers(0, 2, (6, 6, 3)).astype(float)
    moved = values.copy()
    moved[:, :, 1] = np.roll(values[:, :, 1], 1, axis=1)
    w = weights_of(values)
    assert not np.allclose(flips(values, w, level=LEVEL).losses.estimate, flips(moved, w, level=LEVEL).losses.estimate)
    one, other = (reliability(v, w, level=LEVEL) for v in (values, moved))
    np.testing.assert_allclose(one.disagreement.estimate, other.disagreement.estimate)
    np.testing.assert_allclose(one.all_of_k.estimate, other.all_of_k.estimate)


def test_short_ladders_and_unknown_rungs_have_no_answer() -> None:
    values = ragged(9, rungs=2)
    assert flips(values, weights_of(values), level=LEVEL).pairs == ((1, 0),)
    assert np.isnan(returns(values, weights_of(values), level=LEVEL).lost_and_regained.estimate)
    one = values[:, :, :1]
    assert flips(one, weights_of(one), level=LEVEL).losses.estimate.shape == (0,)
    empty = np.full((3, 2, 3), np.nan)
    assert np.isnan(flips(empty, weights_of(empty), level=LEVEL).losses.estimate).all()
    assert np.isnan(returns(empty, weights_of(empty), level=LEVEL).gained_and_lost.estimate)


@pytest.mark.parametrize("value", [0.5, 2.0])
def test_flips_need_two_sides(value: float) -> None:
    values = ragged(7)
    values[0, 0, 0] = value
    for measure in (flips, returns):
        with pytest.raises(ValueError, match=f"a value is {value:g}"):
            measure(values, weights_of(values), level=LEVEL)


def test_shapes_and_ranges_are_checked() -> None:
    values = ragged(7)
    with pytest.raises(ValueError, match="needed: \\(question, draw, rung\\)"):
        reliability(values, weights_of(values)[:, 1:], level=LEVEL)
    with pytest.raises(ValueError, match="values in \\[0, 1\\]"):
        reliability(values + 1, weights_of(values), level=LEVEL)
