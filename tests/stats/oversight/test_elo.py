"""Elo by likelihood, its intervals, forms of domain Elo, and nested oversight."""

import math

import numpy as np
import pytest
from scipy import optimize

from overthink.stats.oversight.elo import DomainForm, domain_elo, elo_ratings, elo_win_chance, nested_oversight

ROWS, COLUMNS = np.array([100.0, -50.0, 0.0]), np.array([60.0, -110.0])


def games(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    played = np.full((3, 2), n)
    return np.random.default_rng(seed).binomial(played, elo_win_chance(ROWS[:, None], COLUMNS)), played


def test_the_ratings_have_the_largest_likelihood() -> None:
    wins, played = games(0)

    def loss(ratings: np.ndarray) -> float:
        chance = 1 / (1 + 10 ** ((ratings[3:] - ratings[:3, None]) / 400))
        return -float((wins * np.log(chance) + (played - wins) * np.log(1 - chance)).sum())

    best = optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-8}).x
    found = elo_ratings(wins, played)
    assert (*found.rows, *found.columns) == pytest.approx(best - best.mean(), abs=0.05)
    assert sum((*found.rows, *found.columns)) == pytest.approx(0, abs=1e-6)


def test_the_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    truth = np.concatenate([ROWS, COLUMNS])
    truth = truth - truth.mean()
    covered = []
    for seed in range(25):
        found = elo_ratings(*games(seed))
        covered.append((np.array(found.low) <= truth) & (truth <= np.array(found.high)))
    assert 0.87 < np.mean(covered) <= 1


def test_ratings_that_are_not_finite_have_a_reason() -> None:
    won_all = elo_ratings([[10, 10], [5, 4]], [[10, 10], [10, 10]])
    assert math.isnan(won_all.rows[0])
    assert "not finite" in str(won_all.reason)
    apart = elo_ratings([[5, 0], [0, 5]], [[10, 0], [0, 10]])
    assert "no chain of games" in str(apart.reason)
    with pytest.raises(ValueError, match="between 0 and the games"):
        elo_ratings([[11]], [[10]])


@pytest.mark.parametrize(
    ("form", "low", "high"),
    [
        (DomainForm.LINE, -np.inf, np.inf),
        (DomainForm.FLOOR, 1120, np.inf),
        (DomainForm.CEILING, -np.inf, 1300),
        (DomainForm.BOTH, 1120, 1300),
    ],
)
def test_the_form_of_the_domain_is_found(form: DomainForm, low: float, high: float) -> None:
    general = np.linspace(1000, 1400, 15)
    noise = np.random.default_rng(1).normal(size=15) * 4
    found = domain_elo(general, 1.5 * np.clip(general, low, high) - 600 + noise, np.full(15, 4.0))
    assert found.form is form
    assert found.slope == pytest.approx(1.5, abs=0.1)
    assert found.aic[form] == min(found.aic.values())


def test_more_steps_hold_where_the_overseer_gains_by_them() -> None:
    far = nested_oversight((0.72, 552.0), (1.95, -1361.6), start=1103, gap=400)
    assert far.steps > 1
    single = float(elo_win_chance(0.72 * 1103 + 552.0, 1.95 * 1503 - 1361.6))
    assert far.chance > single
    assert nested_oversight((1, 0), (1, 0), start=1000, gap=0).chance == 0.5
