"""Sizes of turns and saturation with few simulated studies: bars within their error, and the controls fail them."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import saturation, turn_sizes

RUNS = 30
SEED = 17


def error(share: float, runs: int = RUNS) -> float:
    return 3 * float(np.sqrt(share * (1 - share) / runs))


@pytest.mark.parametrize("curve", turn_sizes.CURVES)
def test_intervals_hold_the_true_sizes(curve: str) -> None:
    found = turn_sizes.coverage(turn_sizes.Cell(curve, 100, 4), runs=RUNS, seed=SEED)
    assert min(found.rise, found.drawdown) >= 0.93 - error(0.93)
    if curve in ("flat", "plateau"):
        assert found.shown <= 0.05 + error(0.05)
    if curve == "flat":
        assert found.naive < 0.93 - error(0.93)  # the control: an interval that takes no account of the search
    if curve.endswith("25 points"):
        assert found.shown >= 0.95
        assert found.width <= 0.20


def test_the_true_sizes_are_those_of_ordered_pairs() -> None:
    assert turn_sizes.true_sizes(np.array([0.5, 0.9, 0.2, 0.6])) == pytest.approx((0.4, 0.7))
    assert turn_sizes.true_sizes(np.array([0.3, 0.6])) == pytest.approx((0.3, 0.0))


@pytest.mark.simulation
@pytest.mark.parametrize("rungs", [4, 8])
def test_a_straight_rise_seldom_saturates(rungs: int) -> None:
    cell = saturation.Cell(saturation.straight(rungs, 0.01), 500, 8, 0.06)
    found = saturation.outcome(cell, runs=RUNS, seed=SEED)
    assert found.labels["saturating"] / RUNS <= 0.05 + error(0.05)
    assert found.without_slopes / RUNS > 0.3  # the control: equivalence of the top half alone


@pytest.mark.simulation
def test_a_plateau_saturates_often() -> None:
    found = saturation.outcome(saturation.Cell(saturation.PLATEAU, 500, 4, 0.05), runs=RUNS, seed=SEED)
    assert found.labels["saturating"] / RUNS >= 0.85 - error(0.85)
