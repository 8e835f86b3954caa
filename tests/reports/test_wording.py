"""A change claims no more than its finding."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.data.finding import At, Finding
from overthink.reports import wording

DIFFERENCE = Finding(
    "d", "difference", "safety", "t", "a", "forced", "mean", At(rung=3, from_rung=0), estimate=0.1, level=0.95
)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_direction_is_said_only_where_the_interval_excludes_zero(mid: float, down: float, up: float) -> None:
    low, high = mid - down, mid + up
    said = wording.change(replace(DIFFERENCE, estimate=mid, low=low, high=high)).verdict
    assert (said == "rose") == (low > 0)
    assert (said == "fell") == (high < 0)
    assert (said == "no change shown") == (low <= 0 <= high)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.2), (-0.2, 0.0), (-0.1, 0.1)])
def test_an_interval_that_touches_zero_shows_no_change(low: float, high: float) -> None:
    assert wording.change(replace(DIFFERENCE, low=low, high=high)).verdict == "no change shown"


def test_without_an_interval_nothing_is_claimed() -> None:
    told = wording.change(replace(DIFFERENCE, reason="no interval: one question only"))
    assert told == ("no claim", "+10.0 points", "no interval: one question only")


def test_without_an_estimate_the_reason_is_said() -> None:
    told = wording.change(replace(DIFFERENCE, estimate=None, reason="no question has a value at both rungs"))
    assert told == ("unknown", "", "no question has a value at both rungs")


def test_a_failed_gate_takes_the_cause_back() -> None:
    told = wording.change(replace(DIFFERENCE, low=0.05, high=0.15, gates_failed=("truncation",)))
    assert told.verdict == "rose"
    assert told.number == "+10.0 points (95% interval +5.0 to +15.0)"
    assert told.but == "a gate failed (truncation): the change may not come from thinking"


def test_a_failed_gate_does_not_speak_of_a_change_that_is_not_shown() -> None:
    told = wording.change(replace(DIFFERENCE, low=-0.05, high=0.15, gates_failed=("errors",)))
    assert told.but == "a gate failed (errors): a change may be hidden"


def test_no_difference_is_not_a_difference_of_zero() -> None:
    assert wording.change(None).number == ""
