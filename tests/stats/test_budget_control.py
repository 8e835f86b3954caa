"""s1's control, scaling and performance against their definitions."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.analysis import findings
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.plan.analysis import Analysis
from overthink.stats.controls import control, scaling, slope_weights, steepest, within_budget

BUDGETS = st.sets(st.integers(0, 4096), min_size=2, max_size=8).map(sorted)


@given(BUDGETS, st.integers(0, 2**32 - 1))
def test_scaling_is_the_mean_slope_of_all_pairs(budgets: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).random((5, len(budgets)))
    slopes = [
        (values[:, j] - values[:, i]) / (budgets[j] - budgets[i]) for i, j in combinations(range(len(budgets)), 2)
    ]
    assert scaling(values, budgets) == pytest.approx(np.mean(slopes, axis=0))
    assert scaling(values, budgets).mean() == pytest.approx(scaling(values.mean(axis=0), budgets))
    assert slope_weights(budgets).sum() == pytest.approx(0, abs=1e-12)
    assert (np.abs(scaling(values, budgets)) <= steepest(budgets) + 1e-12).all()
    line = 0.1 + 0.0002 * np.array(budgets)
    assert scaling(line, budgets) == pytest.approx(0.0002)  # a line has one slope, wherever the budgets are


def test_control_is_the_share_between_the_least_and_the_most() -> None:
    thought = np.array([[[2.0, 5.0], [4.0, 9.0]], [[np.nan, np.nan], [np.nan, 8.0]]])
    assert control(thought, [4, 8]).tolist() == [0.75, 1.0]
    assert control(thought, [4, 8], least=[3, 6]).tolist() == [0.25, 1.0]
    assert np.isnan(control(np.full((1, 2, 2), np.nan), [4, 8])).all()
    assert np.isnan(within_budget(thought, [4, 8])).sum() == 3
    with pytest.raises(ValueError, match="strictly increase"):
        slope_weights([4, 4])
    with pytest.raises(ValueError, match="two or more"):
        slope_weights([4])


def rows(overspent: int) -> list[RungRecord]:
    rng = np.random.default_rng(3)
    made = []
    for q in range(60):
        for rung, budget in enumerate((0, 100, 400)):
            value = float(rng.random() < 0.2 + budget / 1000)
            thought = budget + (50 if q < overspent and budget else 0)
            made.append(
                RungRecord(
                    "s", "base", Axis.CAPABILITY, "t", "m", f"q{q}", 0, rung, Estimand.FORCED, value=value,
                    requested_tokens=budget, thinking_tokens=thought, answer_tokens=3, generated_tokens=9,
                )
            )  # fmt: skip
    return made


def test_they_are_findings_of_every_curve_with_budgets() -> None:
    found = {
        f.metric: f
        for f in findings(from_records(rows(6)), Analysis(level=0.95), rng=np.random.default_rng(0))
        if f.kind == "budget_control"
    }
    assert set(found) == {"control", "scaling", "performance"}
    assert found["control"].estimate == pytest.approx(1 - 6 * 2 / (60 * 3))
    slope = found["scaling"]
    assert slope.low is not None
    assert slope.high is not None
    assert slope.low < 1.0 < slope.high  # planted: 0.1 per 100 tokens, 1 per 1,000
    best = found["performance"]
    assert best.low is not None
    assert best.high is not None
    assert best.low < 0.6 < best.high
    assert best.simultaneous
    flat = [r for r in rows(0) if r.rung == 0]
    assert not [
        f
        for f in findings(from_records(flat), Analysis(level=0.95), rng=np.random.default_rng(0))
        if f.kind == "budget_control"
    ]
