"""The calculator of effective compute uses a published exponent only at a K for which its source states it."""

from datetime import date

import numpy as np
import pytest

from overthink.errors import InputError
from overthink.governance.calculators import CALCULATORS
from overthink.governance.calculators.base import RawValue
from overthink.governance.calculators.compute_equivalent_gain import STATED_EXPONENTS
from overthink.governance.calculators.result import Calculation

FLOP, DAY = 1e24, date(2026, 11, 21)


def ask(k: float, **values: RawValue) -> Calculation:
    basis: dict[str, RawValue] = {"k": k, "k_basis": "tokens", "k_reference": "1,000 thinking tokens"}
    rng = np.random.default_rng(0)
    return CALCULATORS["effective-compute"].calculate(day=DAY, rng=rng, training_flop=FLOP, **basis, **values)


@pytest.mark.parametrize("k", [1, 5, 10, 10.01, 15, 16, 100, 100.5, 1e6])
def test_each_row_is_a_number_inside_its_range_and_a_reason_outside(k: float) -> None:
    rows = ask(k).tables["exponents"]
    assert [row["alpha"] for row in rows] == [entry.alpha for entry in STATED_EXPONENTS]
    for row, entry in zip(rows, STATED_EXPONENTS, strict=True):
        if k <= entry.k_to:
            assert row["effective_flop_low"] == pytest.approx(FLOP * k**entry.alpha)
            assert row["reason"] is None
        else:
            assert row["effective_flop_low"] is None
            assert row["effective_flop_high"] is None
            assert "outside the range of the source" in str(row["reason"])


def test_alpha_0_is_not_used_beyond_k_of_1_either() -> None:
    zero = ask(2).tables["exponents"][0]
    assert (zero["alpha"], zero["effective_flop_low"]) == (0, None)
    assert "without a range of K" in str(zero["reason"])
    assert ask(1).tables["exponents"][0]["effective_flop_low"] == FLOP


def test_the_answer_uses_the_published_exponents_that_hold_at_k() -> None:
    both, lower, none = (ask(k).result("effective_flop") for k in (10, 100, 101))
    assert (both.low, both.high) == (pytest.approx(FLOP * 10**0.5), pytest.approx(FLOP * 10))
    assert lower.estimate == lower.low == lower.high == pytest.approx(FLOP * 10)
    assert (none.low, none.high) == (None, None)
    assert np.isnan(none.estimate)
    assert "no published exponent is stated for K = 101" in (none.reason or "")


def test_k_above_the_cap_counts_as_the_cap() -> None:
    assert ask(1e6, k_max=10).result("effective_flop").high == pytest.approx(FLOP * 10)
    assert ask(1e6, k_max=10).tables["exponents"][-1]["reason"] is None
    assert ask(1e6, k_max=1000).result("effective_flop").low is None


def test_an_exponent_of_the_user_is_used_and_named_as_an_assumption_beyond_the_sources() -> None:
    beyond = ask(1e4, alpha="0.5..1")
    assert beyond.result("effective_flop").high == pytest.approx(FLOP * 1e4)
    assert any("is your assumption" in warning for warning in beyond.warnings)
    assert any("is your assumption" in warning for warning in ask(100, alpha="0..1").warnings)
    assert not any("is your assumption" in warning for warning in ask(10, alpha="0.5..1").warnings)
    assert not any("is your assumption" in warning for warning in ask(100, alpha="0.5").warnings)
    assert not any("is your assumption" in warning for warning in ask(1e4).warnings)


def test_a_cap_below_1_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="K_max is 0.5"):
        ask(1000, k_max=0.5)
