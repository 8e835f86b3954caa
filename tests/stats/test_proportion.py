import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from overthink.stats.proportion import clustered_proportion, difference_interval, sum_low

LEVEL = 0.95


def singles(successes: int, trials: int):
    x = np.repeat([1, 0], [successes, trials - successes])
    return clustered_proportion(x, np.ones(trials, dtype=np.int64), level=LEVEL)


def binomial_tail(low: int, n: int, p: float) -> float:
    count = np.arange(low, n + 1)
    return float((special.comb(n, count) * p**count * (1 - p) ** (n - count)).sum())


@pytest.mark.parametrize(("x", "n"), [(0, 10), (10, 10), (3, 10), (1, 40), (37, 40)])
def test_one_trial_per_question_is_clopper_pearson(x: int, n: int) -> None:
    """By definition: at each end, what was seen or more has a chance of 2.5 %."""
    got = singles(x, n)
    assert got.effective == pytest.approx(n)
    if x > 0:
        assert binomial_tail(x, n, got.low) == pytest.approx(0.025)
    else:
        assert got.low == 0
    if x < n:
        assert 1 - binomial_tail(x + 1, n, got.high) == pytest.approx(0.025)
    else:
        assert got.high == 1


def test_copies_of_a_trial_add_nothing() -> None:
    x = np.repeat([1, 0], [7, 13])
    one = clustered_proportion(x, np.ones(20, dtype=np.int64), level=LEVEL)
    copied = clustered_proportion(5 * x, np.full(20, 5), level=LEVEL)
    assert copied.trials == 5 * one.trials
    assert (copied.low, copied.high) == pytest.approx((one.low, one.high))
    independent = singles(35, 100)
    assert independent.high - independent.low < 0.6 * (copied.high - copied.low)


def test_a_question_on_which_all_agree_counts_once() -> None:
    got = clustered_proportion(np.array([8, 8]), np.array([8, 8]), level=LEVEL)
    assert (got.estimate, got.effective) == (1.0, 2.0)
    assert got.low == pytest.approx(0.025 ** (1 / 2))


def test_nothing_counted_is_unknown() -> None:
    got = clustered_proportion(np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64), level=LEVEL)
    assert np.isnan([got.estimate, got.low, got.high]).all()
    assert got.trials == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20))
def test_intervals_hold_the_share_and_mirror(pairs: list[tuple[int, int]]) -> None:
    x = np.array([a for a, _ in pairs])
    m = np.array([a + b for a, b in pairs])
    if not m.sum():
        return
    got, mirror = (clustered_proportion(s, m, level=LEVEL) for s in (x, m - x))
    assert 0 <= got.low <= got.estimate <= got.high <= 1
    assert got.low < got.high
    assert (got.low, got.high) == pytest.approx((1 - mirror.high, 1 - mirror.low))


def test_intervals_of_differences_and_sums() -> None:
    """Zou and Donner: with equal shares of equal samples, the difference is as wide as √2 times one side each."""
    a, b = singles(30, 40), singles(10, 40)
    low, high = difference_interval(a, b)
    assert low < 0.5 < high
    assert (-high, -low) == pytest.approx(difference_interval(b, a))
    assert low == pytest.approx(0.5 - np.hypot(a.estimate - a.low, b.high - b.estimate))
    assert sum_low(a, b) == pytest.approx(1 - np.hypot(a.estimate - a.low, b.estimate - b.low))
