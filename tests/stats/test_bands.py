"""Bands hold whole curves: wider than pointwise intervals by as much as the correlation between rungs asks for."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from overthink.stats.bands import _largest_level, simultaneous_bands
from overthink.stats.bootstrap import Intervals, mean_intervals, question_weights
from overthink.stats.multiplier_bootstrap import (
    errors,
    p_above,
    sign_flip_sums,
    signs,
    student_t,
    units,
    with_pseudo_units,
)

LEVEL = 0.95


def band(cells: np.ndarray, seed: int = 0, **options: object) -> Intervals:
    return simultaneous_bands(cells, level=LEVEL, rng=np.random.default_rng(seed), **options)  # type: ignore[arg-type]


def pointwise(cells: np.ndarray, level: float = LEVEL) -> Intervals:
    return mean_intervals(cells, question_weights(len(cells), rng=np.random.default_rng(0)), level=level)


def width(found: Intervals) -> np.ndarray:
    return found.high - found.low


@pytest.fixture
def cells() -> np.ndarray:
    return np.random.default_rng(1).random((200, 6))


def test_between_pointwise_and_bonferroni(cells: np.ndarray) -> None:
    found = width(band(cells))
    assert (found > 1.1 * width(pointwise(cells))).all()
    assert (found < 1.05 * width(pointwise(cells, level=1 - (1 - LEVEL) / 6))).all()


def test_rungs_that_move_together_cost_nothing(cells: np.ndarray) -> None:
    """Theorem: the largest of equal deviations is each of them."""
    same = np.repeat(cells[:, :1], 6, axis=1)
    np.testing.assert_allclose(width(band(same)), width(pointwise(same)), rtol=0.08)
    assert width(band(cells))[0] > 1.15 * width(band(same))[0]


def test_the_order_of_questions_and_rungs_does_not_matter(cells: np.ndarray) -> None:
    turned = band(cells[::-1, ::-1])
    np.testing.assert_allclose(turned.low[::-1], band(cells).low, atol=0.01)
    np.testing.assert_allclose(turned.estimate[::-1], cells.mean(axis=0))


def test_questions_of_one_cluster_count_once(cells: np.ndarray) -> None:
    three = np.repeat(cells, 3, axis=0)
    clusters = np.repeat(np.arange(len(cells)), 3)
    clustered = band(three, clusters=clusters)
    np.testing.assert_allclose(width(clustered), width(band(cells)), rtol=0.08)
    assert (width(band(three)) < 0.7 * width(clustered)).all()


def test_few_clusters_are_paid_for() -> None:
    cells = np.random.default_rng(2).random((400, 3))
    assert (width(band(cells, clusters=np.arange(400) % 5)) > 0).all()
    assert np.isnan(band(cells, clusters=["all"] * 400).low).all()


def test_no_width_of_zero() -> None:
    agreed = np.ones((20, 3))
    found = band(agreed)
    assert (found.low < 0.9).all()
    assert (found.low < pointwise(agreed).low).all()
    one = band(np.full((1, 3), 0.5))
    assert np.isnan(one.low).all()
    np.testing.assert_array_equal(one.estimate, 0.5)


def test_an_unknown_rung_stays_unknown(cells: np.ndarray) -> None:
    cells[:, 2] = np.nan
    cells[5:, 3] = np.nan
    found = band(cells)
    assert np.isnan(found.estimate[2])
    assert np.isnan(found.low[2])
    assert found.n_questions.tolist() == [200, 200, 0, 5, 200, 200]
    assert width(found)[3] > 2 * width(found)[0]


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        (np.zeros(4), {}),
        (np.zeros((0, 4)), {}),
        (np.zeros((4, 2)), {"clusters": [1, 2]}),
    ],
)
def test_bad_input(cells: np.ndarray, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needed"):
        band(cells, **options)
    with pytest.raises(ValueError, match="level"):
        simultaneous_bands(np.zeros((4, 2)), level=95, rng=np.random.default_rng(0))


def test_random_signs_against_every_sign() -> None:
    """Oracle: all 2¹⁰ signs of ten differences."""
    rng = np.random.default_rng(3)
    table = np.stack([rng.normal(0.4, 1, 10), np.zeros(10)], axis=1)
    every = 1 - 2.0 * ((np.arange(1024)[:, None] >> np.arange(10)) & 1)
    exact = (every @ table[:, 0] >= table[:, 0].sum() - 1e-12).mean()
    flips = signs(10, rng=rng)
    parts = units(table)
    seen, law = parts.standardise(np.array([0]), np.array([1]), sign_flip_sums(parts.parts, flips).T)
    found = float(p_above(seen, law[0])[0])
    assert exact <= found <= exact + 5 * np.sqrt(exact * (1 - exact) / len(law[0]))
    assert not exact <= float(p_above(seen / 2, law[0])[0]) <= exact + 0.02


def test_student_is_student() -> None:
    parts = units(np.random.default_rng(4).random((12, 2)))
    difference = parts.differences(np.array([1]), np.array([0]))
    seen, _ = parts.standardise(np.array([1]), np.array([0]), np.zeros((2, 1)))
    np.testing.assert_allclose(student_t(seen, 12), difference.sum(axis=0) / errors(difference))


def test_two_more_units_matter_only_where_little_was_seen() -> None:
    nothing = errors(with_pseudo_units(np.zeros((100, 1))))[0]
    assert nothing == pytest.approx(np.sqrt(2) / 102, rel=0.01)
    plain = np.random.default_rng(5).normal(0, 0.2, (100, 1)) / 100
    assert errors(with_pseudo_units(plain))[0] == pytest.approx(errors(plain)[0], rel=0.02)


def test_the_largest_level_is_that_of_any_column_alone() -> None:
    """Columns are sorted by what is known; the control: the law of another number of questions gives another level."""
    rng = np.random.default_rng(4)
    n, n_groups = np.array([20, 20, 9, 20, 9]), np.array([20, 20, 9, 7, 9])
    deviations = np.abs(rng.normal(size=(300, 5))).clip(max=2.5)

    def level(column: int, n: int, n_groups: int) -> NDArray[np.float64]:
        t = student_t(deviations[:, column], n_groups) * np.sqrt(n_groups / (n_groups - 1) * (n - 1) / n)
        return np.asarray(2 * special.stdtr(n - 1, t) - 1)

    by_column = np.array([level(column, int(n[column]), int(n_groups[column])) for column in range(5)])
    np.testing.assert_array_equal(_largest_level(deviations, n, n_groups), by_column.max(axis=0))
    alike = np.array([level(column, 20, 20) for column in range(5)])
    assert (alike.max(axis=0) != by_column.max(axis=0)).any()
