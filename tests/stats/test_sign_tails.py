"""Closed-form tails of sums of random signs against exact chances, and the smallest p-value against the verdict."""

from itertools import product

import numpy as np
import pytest
from scipy import special, stats

from overthink.stats.multiplier_bootstrap import TAIL_FACTOR, critical_value, p_above, p_searched, p_tail
from overthink.stats.shape import ShapeTest, shape_of_cells
from overthink.stats.turning_points import smallest_p

RESAMPLES = 4000


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 20, 60, 400])
def test_the_tail_is_never_below_the_exact_chance(n: int) -> None:
    """Equal parts, for which the chance is the binomial's."""
    heads = np.arange(n + 1)
    statistic = (2 * heads - n) / np.sqrt(n)
    exact = stats.binom.sf(heads - 1, n, 0.5)
    assert (p_tail(statistic, n_pairs=1) >= exact * (1 - 1e-12)).all()
    assert p_tail(statistic[-1:], n_pairs=1)[0] >= 0.5**n


def test_the_tail_holds_for_unequal_parts() -> None:
    rng = np.random.default_rng(3)
    signs = np.array(list(product((-1, 1), repeat=12)))
    for _ in range(20):
        part = rng.exponential(1, 12) ** rng.choice([0.3, 1, 3])
        sums = np.sort(signs @ part / np.sqrt((part**2).sum()))
        exact = 1 - np.arange(len(sums)) / len(sums)
        assert (p_tail(sums, n_pairs=1) >= exact - 1e-12).all()


def test_the_normal_tail_alone_fails_the_check() -> None:
    """The control: without the factor, and with any smaller one, two equal parts are too often as large."""
    exact = 0.25
    assert p_tail(np.array([np.sqrt(2)]), n_pairs=1)[0] == pytest.approx(exact)
    assert special.ndtr(-np.sqrt(2)) < exact / 3
    assert pytest.approx(3.178, abs=1e-3) == TAIL_FACTOR


def test_beyond_the_reach_of_resampling_the_tail_takes_over() -> None:
    null = np.random.default_rng(0).standard_normal(RESAMPLES)
    near, far = np.array([2.0]), np.array([8.0])
    assert p_searched(near, null, n_pairs=10)[0] == p_above(near, null)[0]
    assert p_above(far, null)[0] > 1e-4
    assert p_searched(far, null, n_pairs=10)[0] == p_tail(far, n_pairs=10)[0] < 1e-12


@pytest.mark.parametrize("alpha", [0.05, 0.0025, 1e-5, 1e-9])
def test_the_critical_value_is_where_the_p_value_reaches_the_level(alpha: float) -> None:
    null = np.abs(np.random.default_rng(1).standard_normal(RESAMPLES))
    edge = critical_value(null, n_pairs=4, alpha=alpha)
    assert p_searched(np.array([edge + 1e-6]), null, n_pairs=4)[0] <= alpha
    assert p_searched(np.array([edge - 1e-2]), null, n_pairs=4)[0] > alpha


@pytest.mark.parametrize("levels", [2, 3, 5, 8])
@pytest.mark.parametrize("n", [4, 5, 6, 8, 10, 20, 40])
def test_the_smallest_p_value_is_that_of_questions_that_all_swing(n: int, levels: int) -> None:
    """The verdict function itself, on questions that all rise and fall back over the same rungs."""
    swing = np.zeros(levels)
    swing[1 : max(levels - 1, 2)] = 1
    budgets = [0, *2.0 ** np.arange(8, 7 + levels)]
    verdict = shape_of_cells(
        np.tile(swing, (n, 1)), budgets, ShapeTest(0.05, resamples=RESAMPLES), rng=np.random.default_rng(n)
    )
    lowest = min(p for _, p in verdict.claims if not np.isnan(p))
    assert lowest >= 0.5**n
    attainable = smallest_p(n, levels, margin=0.05, resamples=RESAMPLES)
    assert attainable <= lowest * 1.5
    assert attainable >= 0.5**n
    rng = np.random.default_rng(7)
    for _ in range(5):  # no other answers get below it, but for what is simulated
        other = shape_of_cells(rng.random((n, levels)), budgets, ShapeTest(0.05, resamples=RESAMPLES), rng=rng)
        assert min(p for _, p in other.claims if not np.isnan(p)) > attainable * 0.6


def test_a_wide_margin_lets_few_questions_be_flat() -> None:
    assert smallest_p(5, 3, margin=0.9, resamples=RESAMPLES) < 0.01 < smallest_p(5, 3, margin=0.1, resamples=RESAMPLES)
    assert smallest_p(1, 3, margin=0.1, resamples=RESAMPLES) == 1
