"""The model band against closed forms, dense quadrature and simulation."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from overthink.forecasts.model_band import ModelBand, line_slope, model_band
from overthink.forecasts.posterior import posterior
from overthink.forecasts.prior import GRID_CELLS, MIXING_FAMILIES, MixingFamily, chance_grid

Array = NDArray[np.float64]
BETA, KUMARASWAMY, LOGIT_NORMAL = MIXING_FAMILIES

N = np.array([40, 40, 40, 7])
C = np.array([0, 1, 12, 2])
TIMES = np.array([30, 6, 4, 3])


def likelihood() -> Array:
    return chance_grid().likelihood(N, C)


def dense(points: int, family: MixingFamily) -> Array:
    axes = [np.linspace(m - 4.5 * s, m + 4.5 * s, points) for m, s in zip(family.means, family.deviations, strict=True)]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def beta_by_quadrature(k: int) -> float:
    """Posterior mean of pass@k for the beta family, from its closed forms on a dense grid of the parameters."""
    points = dense(220, BETA)
    a, b = np.exp(points[:, :1]), np.exp(points[:, 1:])
    log = (special.betaln(a + C, b + N - C) - special.betaln(a, b)) @ TIMES + BETA.log_prior(points)
    weights = np.exp(log - log.max())
    hit = -np.expm1(special.betaln(a + C, b + N - C + k) - special.betaln(a + C, b + N - C))
    return float(weights @ (hit @ TIMES) / weights.sum() / TIMES.sum())


@pytest.mark.parametrize("k", [1, 40, 1000, 100_000])
def test_the_beta_posterior_agrees_with_dense_quadrature_of_its_closed_forms(k: int) -> None:
    mean = TIMES @ posterior(BETA, likelihood(), TIMES).cells() @ chance_grid().hit(k)[:, 0] / TIMES.sum()
    assert mean == pytest.approx(beta_by_quadrature(k), abs=2e-3)


def test_the_quadrature_check_sees_another_family() -> None:
    mean = TIMES @ posterior(LOGIT_NORMAL, likelihood(), TIMES).cells() @ chance_grid().hit(1000)[:, 0] / TIMES.sum()
    assert mean != pytest.approx(beta_by_quadrature(1000), abs=2e-3)


def logit_normal_below(p: Array) -> Array:
    return np.asarray(stats.norm(-3, 2).cdf(special.logit(p)))


@pytest.mark.parametrize(
    ("family", "parameters", "below"),
    [
        (BETA, [np.log(0.3), np.log(7.0)], stats.beta(0.3, 7).cdf),
        (KUMARASWAMY, [np.log(0.3), np.log(7.0)], lambda p: 1 - (1 - p**0.3) ** 7),
        (LOGIT_NORMAL, [-3.0, np.log(2.0)], logit_normal_below),
    ],
)
def test_cells_hold_the_share_of_questions_between_their_edges(
    family: MixingFamily, parameters: list[float], below: Callable[[Array], Array]
) -> None:
    masses = family.masses(np.array([parameters]))[0]
    assert masses.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(masses[1:-1], np.diff(below(special.expit(chance_grid().edges[1:-1]))), atol=1e-12)


def test_the_likelihood_is_binomial_at_the_cells() -> None:
    middle = special.expit((chance_grid().edges[1:] + chance_grid().edges[:-1]) / 2)
    exact = stats.binom(40, middle).pmf(3)
    got = chance_grid().likelihood(np.array([40]), np.array([3]))[0]
    np.testing.assert_allclose(got / got.max(), exact / exact.max(), atol=0.02)


def test_draws_have_the_posterior_mean_and_count_every_question() -> None:
    made = posterior(KUMARASWAMY, likelihood(), TIMES)
    drawn = made.draw(400, np.random.default_rng(1))
    assert drawn.shape == (400, GRID_CELLS)
    assert (drawn.sum(axis=1) == TIMES.sum()).all()
    hit = chance_grid().hit(200)[:, 0]
    values = drawn @ hit / TIMES.sum()
    mean = TIMES @ made.cells() @ hit / TIMES.sum()
    assert values.mean() == pytest.approx(mean, abs=4 * values.std() / np.sqrt(400))


def test_the_line_goes_through_the_curve_where_attempts_end_and_keeps_its_slope() -> None:
    band = model_band(
        [posterior(f, likelihood(), TIMES) for f in MIXING_FAMILIES], attempts=40, rng=np.random.default_rng(2)
    )
    half = len(band.chances)
    own, line = band.curves([40, 400, 4000])[:half], band.curves([40, 400, 4000])[half:]
    np.testing.assert_allclose(own[:, 0], line[:, 0])
    heights = np.log(-np.log(line))
    assert band.slope is not None
    np.testing.assert_allclose(np.diff(heights, axis=1), np.log(10) * band.slope[:, None] * np.ones(2), atol=1e-9)


def test_an_exact_power_law_has_its_own_slope() -> None:
    # Chances of a beta with a small shape: pass@k = 1 - B(a, b+k)/B(a, b), whose log-log line is known by its values.
    masses = BETA.masses(np.array([[np.log(0.2), np.log(3.0)]]))
    k = np.geomspace(100**0.4, 100, 8)
    heights = np.log(-np.log(-np.expm1(special.betaln(0.2, 3 + k) - special.betaln(0.2, 3))))
    slope = line_slope(1000 * masses, 100)
    assert slope is not None
    assert slope[0] == pytest.approx(np.polyfit(np.log(k), heights, 1)[0], abs=2e-3)


def test_one_attempt_gives_no_line() -> None:
    assert line_slope(np.ones((2, GRID_CELLS)), 1) is None
    assert ModelBand(np.ones((2, GRID_CELLS)), 1, None).curves([1, 9]).shape == (2, 2)
