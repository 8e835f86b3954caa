import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from overthink.stats.bootstrap import CHANGE, COUNT, UNIT, mean_intervals, question_weights

LEVEL = 0.95


def weights(n: int, seed: int = 0) -> np.ndarray:
    return question_weights(n, rng=np.random.default_rng(seed))


def test_weights_are_resamples_of_questions() -> None:
    w = weights(7)
    assert w.shape == (2000, 7)
    assert (w.sum(axis=1) == 7).all()
    assert w.mean() == 1
    assert w.var() == pytest.approx(6 / 7, abs=0.05)
    np.testing.assert_array_equal(w, weights(7))
    assert not np.array_equal(w, weights(7, seed=1))


def test_the_error_is_the_standard_error_of_the_mean() -> None:
    x = np.random.default_rng(3).random((40, 3))
    got = mean_intervals(x, weights(40), level=LEVEL)
    np.testing.assert_allclose(got.estimate, x.mean(axis=0))
    np.testing.assert_allclose(got.error, x.std(axis=0, ddof=1) / np.sqrt(40), rtol=0.08)


def test_the_interval_of_yes_or_no_is_wilsons() -> None:
    """Closed form: Wilson's interval with n-1 effective answers and Student's quantile."""
    x = np.repeat([1.0, 0.0], [6, 24])[:, None]
    got = mean_intervals(x, weights(30), level=LEVEL)
    t, m, n = special.stdtrit(29, 0.975), 0.2, 29
    centre = (m + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t / (1 + t**2 / n) * np.sqrt(m * (1 - m) / n + t**2 / (4 * n**2))
    np.testing.assert_allclose([got.low[0], got.high[0]], [centre - half, centre + half], atol=0.01)


@pytest.mark.parametrize("n", [2, 20, 300])
@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_agreement_is_not_certainty(n: int, value: float) -> None:
    """Clopper and Pearson: a share u of other questions would stay unseen with chance (1-u)^n = α/2."""
    got = mean_intervals(np.full((n, 1), value), weights(n), level=LEVEL)
    u = 1 - 0.025 ** (1 / n)
    np.testing.assert_allclose([got.low[0], got.high[0]], [value * (1 - u), value + u * (1 - value)])
    change = mean_intervals(np.zeros((n, 1)), weights(n), level=LEVEL, support=CHANGE)
    np.testing.assert_allclose([change.low[0], change.high[0]], [-u, u])


def test_rounding_does_not_hide_agreement() -> None:
    x = np.full((20, 1), 0.3)
    x[::2] = 0.1 + 0.2
    got = mean_intervals(x, weights(20), level=LEVEL)
    assert got.high[0] - got.low[0] > 0.1


values = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=2, max_size=40)


@given(values)
def test_intervals_hold_the_estimate_and_stay_in_range(x: list[float]) -> None:
    got = mean_intervals(np.array(x)[:, None], weights(len(x)), level=LEVEL)
    assert 0 <= got.low[0] <= got.estimate[0] <= got.high[0] <= 1
    assert got.low[0] < got.high[0]


@given(values)
def test_mirrored_values_have_the_mirrored_interval(x: list[float]) -> None:
    w, cells = weights(len(x)), np.array(x)[:, None]
    a, b = mean_intervals(cells, w, level=LEVEL), mean_intervals(1 - cells, w, level=LEVEL)
    np.testing.assert_allclose([a.low[0], a.high[0]], [1 - b.high[0], 1 - b.low[0]], atol=1e-9)


@given(values)
def test_a_lower_level_gives_a_narrower_interval(x: list[float]) -> None:
    w, cells = weights(len(x)), np.array(x)[:, None]
    wide, narrow = mean_intervals(cells, w, level=0.95), mean_intervals(cells, w, level=0.5)
    assert narrow.high[0] - narrow.low[0] < wide.high[0] - wide.low[0]


def test_doubled_questions_give_a_narrower_interval() -> None:
    x = np.random.default_rng(2).random((15, 1))
    one, two = (mean_intervals(np.tile(x, (i, 1)), weights(15 * i), level=LEVEL) for i in (1, 2))
    assert two.estimate[0] == pytest.approx(one.estimate[0])
    assert (two.high - two.low)[0] / (one.high - one.low)[0] == pytest.approx(1 / np.sqrt(2), abs=0.08)


def test_missing_questions_are_left_out_cell_by_cell() -> None:
    x = np.random.default_rng(5).random((30, 2))
    x[20:, 1] = np.nan
    got = mean_intervals(x, weights(30), level=LEVEL)
    assert got.n_questions.tolist() == [30, 20]
    assert got.estimate[1] == pytest.approx(x[:20, 1].mean())
    assert got.error[1] == pytest.approx(x[:20, 1].std(ddof=1) / np.sqrt(20), rel=0.1)


def test_too_few_questions_give_no_interval() -> None:
    got = mean_intervals(np.array([[0.5, np.nan], [np.nan, np.nan]]), weights(2), level=LEVEL)
    assert got.estimate[0] == 0.5
    assert np.isnan([got.low[0], got.high[0], got.estimate[1], got.low[1]]).all()
    assert got.n_questions.tolist() == [1, 0]


def test_counts_have_no_upper_end_and_no_interval_where_all_agree() -> None:
    x = np.column_stack([np.random.default_rng(1).exponential(500, 25), np.full(25, 64.0)])
    got = mean_intervals(x, weights(25), level=LEVEL, support=COUNT)
    assert 0 <= got.low[0] < got.estimate[0] < got.high[0]
    assert got.high[0] - got.estimate[0] == pytest.approx(special.stdtrit(24, 0.975) * got.error[0])
    assert np.isnan([got.low[1], got.high[1]]).all()
    assert got.estimate[1] == 64


def test_results_are_read_only_and_shaped_like_the_cells() -> None:
    got = mean_intervals(np.random.default_rng(0).random((5, 3, 2)), weights(5), level=LEVEL, support=UNIT)
    assert got.low.shape == (3, 2)
    with pytest.raises(ValueError, match="read-only"):
        got.low[0, 0] = 0
