"""Effective compute: an interval over stated exponents, ordered, scaling as the formula says, without overflow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import overthink
from overthink.errors import InputError
from overthink.governance.calculators.compute_equivalent_gain import STATED_EXPONENTS, compute_equivalent_gain
from overthink.governance.calculators.effective_compute import effective_compute, k_to_instrument, k_to_reach
from overthink.governance.thresholds.registry import instrument

FLOP = st.floats(1e15, 1e30)
K = st.floats(1, 1e12)
ALPHA = st.floats(0, 1)
ALPHAS = st.tuples(ALPHA, ALPHA).map(lambda ends: tuple(sorted(ends)))


def test_it_is_public() -> None:
    assert overthink.effective_compute is effective_compute


@given(FLOP, K, ALPHAS)
def test_it_stays_between_the_training_compute_and_k_times_it(
    flop: float, k: float, alpha: tuple[float, float]
) -> None:
    found = effective_compute(flop, k, alpha=alpha)
    assert flop <= found.low <= found.high <= flop * k * (1 + 1e-12)
    assert math.isfinite(found.high)


@given(FLOP, K, K, ALPHAS)
def test_it_rises_with_k_until_the_cap(flop: float, k: float, more: float, alpha: tuple[float, float]) -> None:
    low, high = sorted((k, more))
    below, above = (effective_compute(flop, each, alpha=alpha) for each in (low, high))
    assert below.low <= above.low
    assert below.high <= above.high
    assert effective_compute(flop, high, alpha=alpha, k_max=low) == below


@given(st.floats(1e15, 1e25), K, ALPHAS, st.floats(1, 1e5))
def test_it_scales_with_training_compute(flop: float, k: float, alpha: tuple[float, float], factor: float) -> None:
    one, other = effective_compute(flop, k, alpha=alpha), effective_compute(flop * factor, k, alpha=alpha)
    assert other.low == pytest.approx(one.low * factor)
    assert other.high == pytest.approx(one.high * factor)


@given(FLOP, FLOP, st.floats(0.05, 1))
def test_k_star_is_where_effective_compute_meets_the_threshold(flop: float, threshold: float, alpha: float) -> None:
    found = k_to_reach(flop, threshold, alpha=alpha)
    assert found.low == found.high >= 1
    if 1 < found.low < 1e300:
        assert effective_compute(flop, found.low, alpha=alpha).low == pytest.approx(threshold, rel=1e-6)


@given(FLOP, FLOP, ALPHAS)
def test_k_star_is_ordered_and_never_overflows(flop: float, threshold: float, alpha: tuple[float, float]) -> None:
    found = k_to_reach(flop, threshold, alpha=alpha)
    assert 1 <= found.low <= found.high


def test_a_formula_without_the_exponent_would_be_noticed() -> None:
    assert k_to_reach(1e24, 1e25, alpha=0.5).low == pytest.approx(100)
    assert k_to_reach(1e24, 1e25, alpha=1).low == pytest.approx(10)


def test_no_k_is_enough_without_an_exponent_or_above_the_cap() -> None:
    assert k_to_reach(1e24, 1e25, alpha=0).low == math.inf
    assert k_to_reach(1e20, 1e26, alpha=1e-3).low == math.inf
    assert k_to_reach(1e24, 1e25, alpha=0.5, k_max=50).low == math.inf
    assert k_to_reach(1e26, 1e25, alpha=0).high == 1


def test_an_instrument_without_a_training_threshold_has_no_k_star() -> None:
    with pytest.raises(InputError, match="no threshold on training compute"):
        k_to_instrument(1e24, instrument("us-bis-3A090"), alpha=1)


def test_stated_exponents_are_in_order_and_sourced() -> None:
    assert [entry.alpha for entry in STATED_EXPONENTS] == sorted(entry.alpha for entry in STATED_EXPONENTS)
    assert all(entry.source and entry.holds_for and 0 <= entry.alpha <= 1 for entry in STATED_EXPONENTS)


@pytest.mark.parametrize("flop", [0.0, -1e25, math.nan, math.inf])
def test_compute_that_is_none_is_refused(flop: float) -> None:
    with pytest.raises(InputError, match="training FLOP"):
        effective_compute(flop, 10, alpha=1)


@pytest.mark.parametrize("k", [0.5, 0.0, -3.0, math.nan, math.inf])
def test_k_below_one_is_refused(k: float) -> None:
    with pytest.raises(InputError, match="K is"):
        effective_compute(1e25, k, alpha=1)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, (0.8, 0.5), (), (0.1, 0.2, 0.3), math.nan])
def test_exponents_that_are_none_are_refused(alpha) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="alpha"):
        effective_compute(1e25, 10, alpha=alpha)


@given(st.floats(0.05, 0.95), st.floats(1.1, 1e4), st.floats(1e20, 1e24))
def test_the_measured_gain_finds_the_exponent_that_made_the_curve(alpha: float, k: float, flop: float) -> None:
    """A family that scores log compute, and a model whose score rises as if its compute were C·K^α."""

    def score(compute: float) -> float:
        return math.log10(compute) / 100

    family = [1e18, 1e22, 1e30]
    found = compute_equivalent_gain(
        [1, k], [score(flop), score(flop * k**alpha)], family_flop=family, family_score=[score(each) for each in family]
    )
    assert found[0].gain == pytest.approx(1)
    assert found[1].gain == pytest.approx(k**alpha, rel=1e-6)
    assert found[1].alpha == pytest.approx(alpha, abs=1e-6)


def test_a_score_beyond_the_family_has_no_gain_but_a_reason() -> None:
    found = compute_equivalent_gain([1, 10], [0.4, 0.9], family_flop=[1e22, 1e24], family_score=[0.3, 0.7])
    assert found[1].gain is None
    assert "no model of the family scores 0.9" in (found[1].reason or "")


@pytest.mark.parametrize(
    ("k", "score", "flop", "family"),
    [
        ([1, 10], [0.4], [1e22, 1e24], [0.3, 0.7]),
        ([1], [0.4], [1e22], [0.3]),
        ([2, 10], [0.4, 0.5], [1e22, 1e24], [0.3, 0.7]),
        ([1, 10], [0.4, 0.5], [1e24, 1e22], [0.3, 0.7]),
        ([1, 10], [0.4, 0.5], [1e22, 1e24], [0.7, 0.3]),
        ([1, 10], [0.1, 0.5], [1e22, 1e24], [0.3, 0.7]),
        ([1, 10], [0.4, 0.5], [0, 1e24], [0.3, 0.7]),
        ([0.5, 10], [0.4, 0.5], [1e22, 1e24], [0.3, 0.7]),
    ],
)
def test_curves_that_do_not_fit_are_refused(
    k: list[float], score: list[float], flop: list[float], family: list[float]
) -> None:
    with pytest.raises(InputError):
        compute_equivalent_gain(k, score, family_flop=flop, family_score=family)
