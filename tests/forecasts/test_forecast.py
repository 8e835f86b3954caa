"""What a forecast promises, whatever the counts."""

import warnings

import numpy as np
import pytest
from benchmark import load_benchmark
from sweeps import few

from overthink import first_success_at_k, forecast, pass_at_k
from overthink.forecasts import Forecast
from overthink.forecasts.layers import FalsePositives
from overthink.forecasts.prior import zero_success_bound

PROMISES = load_benchmark("forecast_promises")
faults = PROMISES.faults

K = (1, 2, 7, 40, 150, 1000, 50_000, 10**9)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def quiet(n: object, c: object, **told: object) -> Forecast:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return forecast(n, c, **{"k": K, "rng": rng(), **told})  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", few(range(40), 12))
def test_fuzzed_counts_never_break_a_promise(seed: int) -> None:
    assert PROMISES.broken(seed) == []


def test_the_promises_can_be_broken() -> None:
    made = quiet([10] * 8, [0, 0, 0, 1, 1, 2, 5, 9])
    object.__setattr__(made, "estimate", made.estimate[::-1])
    object.__setattr__(made, "high", np.append(made.high[:-1], np.nan))
    assert "estimate falls with k" in faults(made)
    assert "high is NaN" in faults(made)
    object.__setattr__(made, "estimate", np.append(made.estimate[:-1], np.nan))
    assert "estimate is NaN although something succeeded, or within the attempts" in faults(made)
    object.__setattr__(made, "bound_high", made.high - 0.1)
    assert "the assumption-free band is narrower" in faults(made)


def test_an_error_counts_as_a_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PROMISES, "fuzzed", lambda _: ([1], [2], None, [1]))
    assert PROMISES.broken(0) == ["ValueError: question 0 has 2 successes in 1 attempts; needed: at most as many"]


def test_within_the_attempts_it_is_exact() -> None:
    n, c = [50] * 6, [0, 1, 3, 0, 20, 50]
    made = quiet(n, c, k=[1, 10, 50, 51])
    np.testing.assert_allclose(made.estimate[:3], pass_at_k(n, c, [1, 10, 50]).mean(axis=0))
    assert made.exact.tolist() == [True, True, True, False]
    assert made.estimate[3] >= made.estimate[2]


def test_stopping_at_the_first_success_is_first_class() -> None:
    n, c = [60, 120, 60, 240, 240, 240, 180], [3, 1, 60, 0, 0, 0, 2]
    with pytest.warns(UserWarning, match="stopped at the first success"):
        inferred = forecast(n, c, k=[1, 60, 240, 1000], rng=rng())
    told = forecast(n, c, k=[1, 60, 240, 1000], stopping="first_success", rng=rng())
    assert told.batch == inferred.batch == 60
    np.testing.assert_allclose(told.estimate[:3], first_success_at_k(n, c, [1, 60, 240], batch=60))
    np.testing.assert_array_equal(told.estimate, inferred.estimate)
    # The band is about whole questions.
    np.testing.assert_allclose(told.low * 7, np.round(told.low * 7), atol=1e-9)


def test_the_share_of_successes_is_not_believed_where_sampling_stopped() -> None:
    # 200 questions with the same chance: stopping lifts the share of successes, not the forecast.
    draw = rng(4)
    first = draw.geometric(0.004, size=200)
    n = np.minimum(first, 300)
    c = (first <= 300).astype(int)
    made = forecast(n, c, k=[100, 1000], stopping="first_success", rng=rng())
    assert made.estimate[0] == pytest.approx(1 - 0.996**100, abs=0.1)
    assert (c / n).mean() > 3 * 0.004
    assert made.bound_low[1] <= 1 - (1 - 0.004) ** 1000 <= made.bound_high[1]


def test_a_claim_of_fixed_attempts_is_doubted() -> None:
    with pytest.warns(UserWarning, match="pass stopping='first_success'"):
        forecast([60, 120, 240, 240], [3, 1, 0, 0], k=1, stopping="fixed", rng=rng())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecast([60, 120, 240, 240], [3, 0, 8, 70], k=1, stopping="fixed", rng=rng())
        forecast([240] * 4, [3, 0, 8, 70], k=1, rng=rng())


def test_ragged_attempts_are_said() -> None:
    with pytest.warns(UserWarning, match="read as set beforehand"):
        made = forecast([10, 20, 20], [10, 11, 0], k=[10, 20], rng=rng())
    assert made.exact.tolist() == [True, False]


def test_zero_successes_are_bounded_and_not_extrapolated() -> None:
    made = forecast([100] * 20, [0] * 20, k=[1, 100, 101, 10_000], rng=rng())
    np.testing.assert_allclose(made.high, 1 - 0.05 ** (made.k / 2000))
    assert (made.high <= made.k * 3 / 2000).all()
    assert made.low.tolist() == [0, 0, 0, 0]
    assert made.estimate[:2].tolist() == [0, 0]
    assert np.isnan(made.estimate[2:]).all()
    assert made.reason == "nothing succeeded: only the bound that needs no model is given, and nothing is extrapolated"
    assert made.at([1, 100]).reason is None
    crossed = made.crossing(0.5)
    assert np.isnan(crossed.estimate)
    assert crossed.high == np.inf
    assert crossed.label == "not resolved"
    assert 1 - 0.05 ** (crossed.low / 2000) >= 0.5 > 1 - 0.05 ** ((crossed.low - 1) / 2000)


def test_the_bound_of_zero_successes_is_the_worst_that_they_allow() -> None:
    n, k = np.array([10, 40, 200]), np.array([1, 30, 500])
    bound = zero_success_bound(n, k, tail=0.05)
    hazards = rng().dirichlet([0.4] * 3, size=20_000) * -np.log(0.05) / n
    reached = (-np.expm1(-hazards[:, :, None] * k)).mean(axis=1)
    assert (reached <= bound + 1e-12).all()
    np.testing.assert_allclose(reached.max(axis=0), bound, rtol=0.03)


def test_a_crossing_is_where_the_curve_crosses() -> None:
    made = quiet([100] * 40, [0] * 25 + [1] * 8 + [10] * 7)
    crossed = made.crossing(0.5)
    for star, name in ((crossed.estimate, "estimate"), (crossed.low, "high"), (crossed.high, "low")):
        before, at = getattr(made.at([int(star) - 1, int(star)]), name)
        assert before < 0.5 <= at
    assert crossed.bound_low <= crossed.low <= crossed.estimate <= crossed.high <= crossed.bound_high
    assert crossed.label == "resolved"
    assert made.crossing(1e-9).estimate == 1
    assert made.crossing(0.999).bound_high == np.inf


def test_the_same_state_gives_the_same_forecast_and_the_order_of_questions_does_not_matter() -> None:
    n, c = np.full(12, 30), np.array([0, 0, 1, 2, 9, 30, 0, 4, 0, 1, 0, 0])
    one, same, other = quiet(n, c), quiet(n, c), quiet(n, c[::-1])
    np.testing.assert_array_equal(one.high, same.high)
    np.testing.assert_array_equal(one.high, other.high)
    np.testing.assert_allclose(one.bound_high, other.bound_high, atol=1e-9)


@pytest.mark.parametrize("value", [0, 1])
def test_one_question_and_all_alike(value: int) -> None:
    assert faults(quiet([1], [value])) == []
    assert any("one question" in note for note in quiet([30], [value]).notes)
    assert quiet([20] * 5, [20] * 5).low[0] > 0.9


def test_questions_without_attempts_are_left_out_and_said() -> None:
    with pytest.warns(UserWarning, match="2 of 4 questions have no attempts"):
        made = forecast([10, 0, 10, 0], [1, 0, 2, 0], k=5, rng=rng())
    assert made.n_questions == 2


BAD = {
    "more successes than attempts": (([5], [6]), {}, "6 successes in 5 attempts"),
    "negative": (([5], [-1]), {}, "negative"),
    "not whole": (([5], [1.5]), {}, "not whole"),
    "not a number": (([5], [float("nan")]), {}, "missing"),
    "empty": (([], []), {}, "0 questions"),
    "no attempts": (([0, 0], [0, 0]), {}, "none has an attempt"),
    "lengths differ": (([5, 5], [1]), {}, "one of each"),
    "k of 0": (([5], [1]), {"k": 0}, "from 1 to"),
    "k negative": (([5], [1]), {"k": -3}, "negative"),
    "k beyond a billion": (([5], [1]), {"k": 10**9 + 1}, "1,000,000,000"),
    "no k": (([5], [1]), {"k": []}, "k is empty"),
    "level": (([5], [1]), {"level": 1.0}, "level is 1.0"),
    "stopping unknown": (([5], [1]), {"stopping": "maybe"}, "needed: 'fixed'"),
    "cannot have stopped": (([60, 120], [50, 70]), {"stopping": "first_success"}, "say stopping='fixed'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_has_one_clear_message(name: str) -> None:
    (n, c), told, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        forecast(n, c, **{"k": 10, "rng": rng(), **told})  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", [0, 1, -0.5, 1.5, float("nan")])
def test_a_threshold_outside_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold is .*; needed: "):
        quiet([5], [1]).crossing(threshold)


RUNS, ENOUGH = 24, 18
"""At 90 %, fewer than 18 of 24 have a chance below 1 %."""


@pytest.fixture(scope="module")
def simulated() -> list[tuple[float, Forecast]]:
    """The mean 1-(1-p)^k of simulated banks at 20 times the attempts, and the forecast from those."""
    made = []
    for seed in range(RUNS):
        draw = rng(100 + seed)
        p = draw.beta(0.35, 12, size=60) if seed % 2 else 1 / (1 + np.exp(-draw.normal(-6, 3, size=60)))
        one = forecast([50] * 60, draw.binomial(50, p), k=1000, stopping="fixed", rng=draw)
        made.append(((1 - (1 - p) ** 1000).mean(), one))
    return made


def held(simulated: list[tuple[float, Forecast]], shrink: float) -> int:
    """How many truths are inside a band that is pulled towards its estimate."""
    inside = 0
    for truth, made in simulated:
        low, middle, high = float(made.low[0]), float(made.estimate[0]), float(made.high[0])
        inside += middle + shrink * (low - middle) <= truth <= middle + shrink * (high - middle)
    return inside


@pytest.mark.simulation
def test_the_band_holds_as_often_as_it_says_on_simulated_banks(simulated: list[tuple[float, Forecast]]) -> None:
    assert held(simulated, 1.0) >= ENOUGH


@pytest.mark.simulation
def test_the_coverage_check_sees_a_band_that_is_too_narrow(simulated: list[tuple[float, Forecast]]) -> None:
    assert held(simulated, 0.15) < ENOUGH


def test_human_labels_take_false_positives_out() -> None:
    # No question can succeed; the judge flags 2 % of failures.
    flags = rng(8).binomial(100, 0.02, size=40)
    raw = forecast([100] * 40, flags, k=[1, 1000], stopping="fixed", rng=rng())
    fixed = forecast([100] * 40, flags, k=[1, 1000], stopping="fixed", judge=FalsePositives(40, 2000), rng=rng())
    assert raw.low[0] > 0.01
    assert fixed.low[0] < 0.002
    assert fixed.bound_low[1] < 0.1
    assert not fixed.exact.any()
    # A judge without false positives changes next to nothing.
    clean = forecast([100] * 40, flags, k=1000, stopping="fixed", judge=FalsePositives(0, 10**7), rng=rng())
    assert clean.estimate[0] == pytest.approx(raw.estimate[1], abs=0.02)
