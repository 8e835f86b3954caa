"""The assumption-free band against closed forms and against distributions that the counts allow."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from overthink.forecasts.bounds import MixingSet, mixing_set
from overthink.forecasts.prior import chance_grid

Array = NDArray[np.float64]
N, C, TIMES = np.array([100, 100, 100]), np.array([0, 1, 20]), np.array([70, 8, 22])
K = (10, 100, 1000, 10_000)


def allowed(level: float = 0.9) -> MixingSet:
    return mixing_set(chance_grid().likelihood(N, C), TIMES, level=level)


def log_likelihood(made: MixingSet, shares: Array) -> float:
    return float(TIMES @ np.log(made.likelihood @ shares))


def outside(made: MixingSet, band: list[tuple[float, float]], tries: int) -> int:
    """How many allowed distributions, found by pushing shares at random, lie beyond the band."""
    rng = np.random.default_rng(3)
    hits = chance_grid().hit(K)
    least = log_likelihood(made, made.best) - made.drop
    beyond = 0
    for _ in range(tries):
        share, cell = rng.uniform(0, 0.5), rng.integers(len(made.best))
        source = made.best.copy()
        if rng.random() < 0.5:  # shift by a factor in the odds
            source = np.roll(source, rng.integers(-60, 60))
        pushed = (1 - share) * made.best + share * (source if rng.random() < 0.5 else np.eye(len(source))[cell])
        if log_likelihood(made, pushed) >= least:
            values = pushed @ hits
            beyond += any(not low - 1e-9 <= v <= high + 1e-9 for v, (low, high) in zip(values, band, strict=True))
    return beyond


def test_no_allowed_distribution_is_outside() -> None:
    made = allowed()
    band = [(made.low(k), made.high(k)) for k in K]
    assert outside(made, band, 4000) == 0


def test_the_check_sees_a_band_that_is_too_narrow() -> None:
    made = allowed()
    narrow = [(made.low(k) * 0.7 + made.high(k) * 0.3, made.high(k) * 0.7 + made.low(k) * 0.3) for k in K]
    assert outside(made, narrow, 4000) > 0


@pytest.mark.parametrize("k", [50, 100])
def test_zero_successes_have_a_closed_form(k: int) -> None:
    # For k ≤ n the worst is a share of sure successes, and (1-share)^questions = exp(-drop) at the end.
    made = mixing_set(chance_grid().likelihood(np.array([100]), np.array([0])), np.array([140]), level=0.9)
    share = -np.expm1(-float(special.chdtri(1, 0.1)) / 2 / 140)
    assert made.high(k) == pytest.approx(share, abs=3e-4)
    # Beyond, one chance for all questions is worse: 1 - exp(-drop·k / (n·questions)).
    assert made.high(10_000) == pytest.approx(-np.expm1(-float(special.chdtri(1, 0.1)) / 2 * 100 / 140), abs=2e-3)
    assert made.low(10_000) == pytest.approx(0.0, abs=3e-4)


def test_the_likeliest_distribution_meets_its_conditions() -> None:
    made = allowed()
    slope = made.likelihood.T @ (TIMES / (made.likelihood @ made.best)) / TIMES.sum()
    assert slope.max() <= 1 + 1e-3  # Lindsay's condition: no cell would raise the likelihood
    assert slope @ made.best == pytest.approx(1.0, abs=1e-6)


def test_bands_are_nested_in_the_level_and_do_not_fall_with_k() -> None:
    half, most = allowed(0.5), allowed(0.99)
    for one in (half, most):
        assert (np.diff([one.low(k) for k in K]) >= -2e-4).all()
        assert (np.diff([one.high(k) for k in K]) >= -2e-4).all()
    assert all(most.low(k) <= half.low(k) <= half.high(k) <= most.high(k) for k in K)


def test_more_distinct_pairs_than_cells() -> None:
    rng = np.random.default_rng(5)
    n = np.arange(50, 360)
    c = rng.binomial(n, rng.beta(0.4, 5, size=len(n)))
    made = mixing_set(chance_grid().likelihood(n, c), np.ones(len(n), dtype=np.int64), level=0.9)
    truth = float(-np.expm1(special.betaln(0.4, 5 + 100) - special.betaln(0.4, 5)))
    assert made.low(100) < truth < made.high(100)
    assert made.high(100) - made.low(100) < 0.15
