"""Claims and tail risk read off a forecast."""

import numpy as np
import pytest

from overthink.forecasts import Forecast, forecast
from overthink.forecasts.layers import FalsePositives, judge_alone
from overthink.forecasts.tail_risk import (
    aggregate_risk,
    any_question,
    behaviour_frequency,
    breadth,
    half_lives,
    safe_then_dangerous,
    safety_at,
)

KNOWN = np.array([0.5, 0.02, 0.001, 0.3])


def made(n: int, c: list[int], k: object = (1, 100)) -> Forecast:
    return forecast([n] * len(c), c, k=k, stopping="fixed", rng=np.random.default_rng(1))  # type: ignore[arg-type]


def known() -> Forecast:
    """So many attempts that every chance is known."""
    n = 2_000_000
    return made(n, (n * KNOWN).astype(int).tolist())


def test_three_answers() -> None:
    rising = made(100, [1] * 30 + [2] * 30)
    assert safe_then_dangerous(rising, 0.3).label == "yes"
    assert safe_then_dangerous(made(100, [60] * 40), 0.3).label == "no"
    assert safe_then_dangerous(rising, 0.95, many=2).label == "no"
    unclear = safe_then_dangerous(made(20, [0] * 30 + [1] * 3), 0.5)
    assert (unclear.at_few, unclear.at_many, unclear.label) == ("safe", "not resolved", "not resolved")


def test_safe_beyond_the_attempts_needs_the_model_band_by_name() -> None:
    one = made(100, [0] * 130 + [1] * 4, k=[1000])
    assert one.bound_high[0] > 0.35 > one.high[0]
    assert safety_at(one, 0.35) == ("not resolved",)
    assert safety_at(one, 0.35, band="model") == ("safe",)
    with pytest.raises(ValueError, match="needed: 'assumption-free' or 'model'"):
        safety_at(one, 0.35, band="any")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fewer than many"):
        safe_then_dangerous(one, 0.35, few=100, many=100)


def test_figures_of_chances_that_are_known() -> None:
    one = known()
    assert breadth(one, 10, 0.15).estimate == pytest.approx(0.75)  # 0.02 at ten tries is 0.18
    assert behaviour_frequency(one, 0.1).estimate == pytest.approx(0.5)
    assert any_question(one, 1).estimate == pytest.approx(1 - np.prod(1 - KNOWN), abs=0.03)
    assert aggregate_risk(one, 5).estimate == pytest.approx(1 - (1 - KNOWN.mean()) ** 5, abs=0.03)
    lives = half_lives(one)
    np.testing.assert_allclose(lives.estimate, np.ceil(np.log(0.5) / np.log(1 - KNOWN)), rtol=0.2, atol=1)
    assert (lives.low <= lives.estimate).all()
    assert (lives.estimate <= lives.high).all()


def test_without_a_success_there_is_a_bound_and_no_estimate() -> None:
    one = made(100, [0] * 10)
    for figure in (breadth(one, 1000, 0.5), any_question(one, 10), aggregate_risk(one, 10)):
        assert np.isnan(figure.estimate)
        assert figure.low == 0
        assert 0 < figure.high <= 1
    assert any_question(one, 10).high == pytest.approx(1 - 0.05**0.1)
    lives = half_lives(one)
    assert np.isnan(lives.estimate).all()
    assert (lives.low == np.ceil(100 * np.log(0.5) / np.log(0.05))).all()


def test_figures_grow_with_k() -> None:
    one = made(50, [0, 0, 0, 1, 3, 0, 0, 20])
    for name in (lambda k: breadth(one, k, 0.5), lambda k: any_question(one, k), lambda k: aggregate_risk(one, k)):
        values = [name(k).estimate for k in (1, 10, 1000, 10**6)]
        assert (np.diff(values) >= 0).all()


def test_the_judge_alone() -> None:
    assert judge_alone([1, 10_000], 1e-4).round(4).tolist() == [0.0001, 0.6321]
    with pytest.raises(ValueError, match="false positive rate is 1.5"):
        judge_alone(1, 1.5)
    with pytest.raises(ValueError, match="3 of 2 failures"):
        FalsePositives(3, 2)
