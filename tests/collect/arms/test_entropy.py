"""Bounds of an entropy hold for every distribution, and meet where nothing is left out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.collect.arms.interventions.saferemind import entropy_bounds


@given(st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=60), st.integers(1, 60))
def test_the_entropy_lies_between_its_bounds(weights: list[float], shown: int) -> None:
    shares = sorted((w / sum(weights) for w in weights), reverse=True)
    true = -sum(p * math.log(p) for p in shares)
    low, high = entropy_bounds([math.log(p) for p in shares[:shown]], vocabulary=len(shares))
    assert low - 1e-9 <= true <= high + 1e-9
    whole = entropy_bounds([math.log(p) for p in shares], vocabulary=len(shares))
    assert whole.low == pytest.approx(true, abs=1e-6)
    assert whole.high == pytest.approx(true, abs=1e-6)
    wider = entropy_bounds([math.log(p) for p in shares[:shown]])  # a vocabulary that is not known
    assert wider.high >= high - 1e-9
    assert wider.low == low


def test_leaving_out_what_is_not_told_would_be_too_low() -> None:
    shares = [0.5] + [0.5 / 500] * 500
    true = -sum(p * math.log(p) for p in shares)
    told = [math.log(p) for p in shares[:20]]
    low, high = entropy_bounds(told, vocabulary=501)
    assert low - 1e-9 <= true <= high + 1e-9
    naive = -sum(math.exp(x) * x for x in told)
    assert naive < 0.5 < low  # the control: the sum over what is told would set a reminder off


@pytest.mark.parametrize("told", [[], [math.nan], [0.0, 0.0], [math.log(0.7), math.log(0.6)]])
def test_what_is_no_distribution_is_refused(told: list[float]) -> None:
    with pytest.raises(ValueError, match="add up to"):
        entropy_bounds(told)
