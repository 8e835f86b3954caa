"""The model band against closed forms, dense quadrature and simulation."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from overthink.forecasts.model_band import ModelBand, continuation, doubling_gain, line_slope, model_band
from overthink.forecasts.posterior import posterior
from overthink.forecasts.prior import DOUBT_FAMILY, GRID_CELLS, MIXING_FAMILIES, UNSOLVABLE, MixingFamily, chance_grid

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


def made_band() -> ModelBand:
    return model_band(
        [posterior(f, likelihood(), TIMES) for f in MIXING_FAMILIES],
        [posterior(DOUBT_FAMILY, likelihood(), TIMES, unsolvable=UNSOLVABLE)],
        attempts=40,
        rng=np.random.default_rng(2),
    )


def test_the_fan_begins_at_the_implied_curve_and_ends_at_the_weighted_line() -> None:
    pool = made_band().pool
    curves = pool.curves([40, 400, 4000]).reshape(5, -1, 3)
    np.testing.assert_allclose(curves[:, :, 0], curves[:1, :, 0].repeat(5, axis=0))
    hit = chance_grid().hit([40, 400, 4000])
    np.testing.assert_allclose(curves[0], pool.chances @ hit / TIMES.sum(), atol=1e-12)
    heights = np.log(-np.log(curves))
    slopes = np.diff(heights, axis=2) / np.log(10)
    weight = pool.weight[:, None]
    np.testing.assert_allclose(slopes[-1], (1 - weight) * slopes[0] + weight * pool.slope[:, None], atol=1e-9)
    np.testing.assert_allclose(slopes[2], (slopes[0] + slopes[-1]) / 2, atol=1e-9)


def test_an_exact_power_law_has_its_own_slope() -> None:
    # Chances of a beta with a small shape: pass@k = 1 - B(a, b+k)/B(a, b), whose log-log line is known by its values.
    masses = BETA.masses(np.array([[np.log(0.2), np.log(3.0)]]))
    k = np.geomspace(100**0.4, 100, 8)
    heights = np.log(-np.log(-np.expm1(special.betaln(0.2, 3 + k) - special.betaln(0.2, 3))))
    slope = line_slope(1000 * masses, 100)
    assert slope[0] == pytest.approx(np.polyfit(np.log(k), heights, 1)[0], abs=2e-3)


def at_chance(*chances: float) -> Array:
    """One draw with one question in the cell of each chance."""
    counts = np.zeros((1, GRID_CELLS))
    for chance in chances:
        counts[0, np.searchsorted(chance_grid().edges, special.logit(chance)) - 1] += 1
    return counts


def test_the_line_has_no_weight_where_no_bend_shows_and_all_where_nothing_more_is_solved() -> None:
    # Rare and alike: the second half of 100 attempts solves as many questions as the first.
    rare = continuation(at_chance(*[1e-5] * 50), 100)
    assert doubling_gain(rare.chances, 100)[0] == pytest.approx(1.0, abs=2e-3)
    assert rare.weight[0] < 0.01
    np.testing.assert_allclose(np.ptp(rare.curves([10_000]), axis=0), 0, atol=0.01)
    # Some at once and the others never: nothing more is gained.
    split = continuation(at_chance(*[0.5] * 20, *[1e-12] * 30), 100)
    assert doubling_gain(split.chances, 100)[0] == pytest.approx(0.0, abs=1e-6)
    assert split.weight[0] == 1.0


def test_one_attempt_gives_no_line() -> None:
    alone = continuation(np.ones((2, GRID_CELLS)), 1)
    assert alone.weight.tolist() == [0, 0]
    np.testing.assert_allclose(alone.curves([9])[2:4], alone.curves([9])[:2])


def test_the_share_without_a_chance_is_integrated_exactly() -> None:
    # Against the evidence of each share by itself, on the grid that the posterior ended with.
    made = posterior(BETA, likelihood(), TIMES, unsolvable=(0.1, 0.6))
    by_share = [made.weights[made.unsolvable == share] for share in (0.1, 0.6)]
    points = made.points[made.unsolvable == 0.1]
    inside = BETA.masses(points) @ likelihood().T
    logs = [np.log((1 - share) * inside + share * (C == 0)) @ TIMES + BETA.log_prior(points) for share in (0.1, 0.6)]
    expected = np.exp(np.array(logs) - np.max(logs))
    np.testing.assert_allclose(np.array(by_share), expected / expected.sum(), rtol=1e-9)
    np.testing.assert_allclose(made.cells().sum(axis=1), 1.0)


def gap(successes: list[int], times: list[int]) -> float:
    """How far the doubt lowers the lower end at 100 times the attempts."""
    likely, frequency = chance_grid().likelihood(np.array([100, 100]), np.array(successes)), np.array(times)
    made = model_band(
        [posterior(f, likely, frequency) for f in MIXING_FAMILIES],
        [posterior(DOUBT_FAMILY, likely, frequency, unsolvable=UNSOLVABLE)],
        attempts=100,
        rng=np.random.default_rng(3),
    )
    alone = np.quantile(made.pool.curves([10_000]), 0.05, axis=0)[0]
    return float(alone - made.quantiles([10_000], tail=0.05)[0][0])


def test_the_doubt_lowers_the_band_where_little_was_solved_and_not_where_all_was() -> None:
    assert gap([0, 1], [57, 3]) > 0.02
    assert abs(gap([1, 90], [3, 57])) < 0.005
