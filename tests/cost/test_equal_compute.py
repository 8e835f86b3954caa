"""Reading an arm between its rungs: exact where it is a line, never beyond them, and paid for in the interval."""

import numpy as np
import pytest
from numpy.typing import NDArray

from overthink.cost.equal_terms import ComputeCurve, common_costs

Array = NDArray[np.float64]
NONE = np.zeros(3)


def even(values: list[float], cost: list[float], questions: int = 3) -> ComputeCurve:
    """An arm whose questions are all alike."""
    return ComputeCurve.of(np.tile(values, (questions, 1)), np.tile(cost, (questions, 1)))


def test_a_line_over_log_compute_is_read_exactly() -> None:
    cost = np.array([10.0, 30, 700])
    placed = even((0.1 * np.log(cost)).tolist(), cost.tolist())
    for x in (10.0, 11, 30, 299, 700):
        np.testing.assert_allclose(placed.at(x, NONE), 0.1 * np.log(x))
    # Even in the tokens themselves it would be another number.
    assert placed.at(300.0, NONE)[0] != pytest.approx(np.interp(300, cost, 0.1 * np.log(cost)), abs=0.01)


def test_the_unit_of_cost_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    values, cost = rng.random((20, 3)), rng.lognormal(0, 0.3, (20, 3)) * [10, 100, 1000]
    strays = rng.normal(0, 0.1, 20)
    once = ComputeCurve.of(values, cost)
    np.testing.assert_allclose(once.at(50.0, strays), ComputeCurve.of(values, 7 * cost).at(350.0, strays))


def test_a_rung_is_read_at_its_own_cost_as_it_is() -> None:
    rng = np.random.default_rng(1)
    values, cost = rng.random((20, 3)), rng.lognormal(0, 0.3, (20, 3)) * [10, 100, 1000]
    placed = ComputeCurve.of(values, cost)
    for rung in range(3):
        np.testing.assert_allclose(placed.at(placed.cost[rung], placed.influences[:, rung]), values[:, rung])
        assert placed.rungs_near(placed.cost[rung]) == (rung,)
    assert placed.rungs_near(50.0) == (0, 1)


def test_nothing_is_read_beyond_what_was_measured() -> None:
    placed = even([0.5, 0.6], [10.0, 100])
    for beyond in (9.0, 101.0):
        assert not placed.reaches(beyond)
        with pytest.raises(ValueError, match="from 10 to 100, where the arm was measured"):
            placed.at(beyond, NONE)


def test_arms_meet_where_both_were_measured() -> None:
    arm, reference = even([0.0, 0, 0], [15.0, 150, 1500]), even([0.0, 0, 0], [10.0, 100, 1000])
    assert [(round(m.cost), m.is_arm_rung, m.rung) for m in common_costs(arm, reference)] == [
        (15, True, 0),
        (100, False, 1),
        (150, True, 1),
        (1000, False, 2),
    ]
    assert common_costs(even([0.0, 0], [1.0, 2]), reference) == ()
    # A rung that costs what one of the other's does is one point, and not two.
    assert [m.is_arm_rung for m in common_costs(even([0.0, 0], [10.0, 101]), reference)] == [True, True]


def test_rungs_that_cost_the_same_have_one_place() -> None:
    placed = even([0.5, 0.6, 0.7, 0.8], [10.0, 10.2, 10.4, 20])
    assert placed.rungs.tolist() == [0, 3]
    assert even([0.5, 0.6], [10.0, 10.0]).at(10.0, NONE).tolist() == [0.5] * 3


@pytest.mark.parametrize(
    ("values", "cost", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 3)), "needed: alike"),
        (np.zeros((3, 2)), np.array([[0.0, 1.0]] * 3), "needed: positive"),
    ],
)
def test_what_has_no_place_is_refused(values: Array, cost: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ComputeCurve.of(values, cost)


def test_the_error_of_where_rungs_stand_is_in_the_error_of_the_value() -> None:
    """Questions that cost more move the rungs. Cells that leave this out look steadier than the estimate is."""
    values = np.array([0.1, 0.9])
    found, told, without = [], [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        cost = rng.lognormal(-0.5, 1, (60, 1)) * [10.0, 100.0]
        placed = ComputeCurve.of(np.tile(values, (60, 1)), cost)
        cells = placed.at(40.0, np.zeros(60))
        found.append(cells.mean())
        told.append(cells.std(ddof=1) / np.sqrt(60))
        without.append(0.0)  # all questions are worth the same: nothing else varies
    assert np.mean(told) == pytest.approx(np.std(found), rel=0.15)
    assert np.std(found) > 0.03 > np.mean(without)
