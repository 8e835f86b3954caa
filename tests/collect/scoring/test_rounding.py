"""A rounding error beyond 0 or 1 is no other value; anything more is outside, and leaves the scorer out."""

import pytest

from overthink.collect.inspect_logs.traces import usable_scorers
from overthink.collect.scoring.score_values import to_value


@pytest.mark.parametrize(
    ("raw", "value"),
    [(1.0000000000000002, 1.0), (-1e-17, 0.0), (0.1 + 0.2 + 0.7, 1.0), (1 + 1e-9, 1.0), ("1.0000000000000002", 1.0)],
)
def test_a_weighted_sum_is_a_share(raw: object, value: float) -> None:
    assert to_value(raw) == pytest.approx(value, abs=1e-15)
    assert 0 <= (to_value(raw) or 0) <= 1
    assert usable_scorers([{"rubric": raw}, {"rubric": 0.5}]) == (["rubric"], [])


@pytest.mark.parametrize("raw", [1.5, -0.01, 1 + 1e-8, 5.0])
def test_what_is_more_is_outside(raw: float) -> None:
    assert to_value(raw) == raw
    usable, notes = usable_scorers([{"rubric": raw}])
    assert usable == []
    assert "outside [0, 1]" in notes[0]
