"""Equivalence where questions did not change: the size of an unseen change is that of the curve's other changes."""

import numpy as np
import pytest

from overthink.stats.multiplier_bootstrap import unseen_size, with_pseudo_units
from overthink.stats.testing import p_below, p_equivalent


def test_the_size_is_the_root_mean_square_of_all_changes_and_one_of_size_1() -> None:
    changes = np.zeros((40, 3))
    changes[:4, 0], changes[:2, 2] = 0.25, -0.5
    assert unseen_size(changes / 40) == pytest.approx(np.sqrt((1 + 4 * 0.25**2 + 2 * 0.5**2) / 7))
    assert unseen_size(np.zeros((40, 3))) == 1
    assert (with_pseudo_units(np.zeros((40, 1)), unseen=0.25) * 42)[-2:, 0].tolist() == [0.25, -0.25]


@pytest.mark.parametrize("n", [20, 60, 200])
def test_with_no_change_anywhere_the_bound_is_clopper_and_pearsons(n: int) -> None:
    edge = 1 - 0.025 ** (1 / n)
    assert p_equivalent(np.zeros((n, 2)), margin=edge) == pytest.approx(0.05)
    assert p_equivalent(np.zeros((n, 2)), margin=0.9 * edge) > 0.05 > p_equivalent(np.zeros((n, 2)), margin=1.1 * edge)


def test_small_changes_elsewhere_on_the_curve_show_that_equal_levels_are_equal() -> None:
    rng = np.random.default_rng(1)
    changes = np.zeros((40, 2))
    changes[:, 1] = rng.choice([-1, 0, 1], size=40) / 16
    alone, of_a_curve = p_equivalent(changes[:, :1] / 40, margin=0.05), p_equivalent(changes / 40, margin=0.05)
    assert alone > 0.05 > of_a_curve
    assert p_equivalent(changes[:, :1] / 40, margin=0.05, all_parts=changes / 40) <= of_a_curve


def test_changes_of_full_size_elsewhere_on_the_curve_give_equal_levels_no_credit() -> None:
    changes = np.zeros((40, 2))
    changes[:, 1] = np.tile([-1.0, 1.0], 20)
    pooled = p_equivalent(changes[:, :1] / 40, margin=0.05, all_parts=changes / 40)
    assert pooled > 0.02
    assert unseen_size(changes / 40) == pytest.approx(1)


def test_rare_full_changes_of_the_margin_are_seldom_called_equal() -> None:
    rng = np.random.default_rng(3)
    runs, n, margin = 1000, 100, 0.025
    changes = (rng.random((runs, n)) < margin).astype(float)  # a mean change of exactly the margin
    bar = 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
    assert np.mean([p_equivalent(study[:, None] / n, margin=margin) <= 0.05 for study in changes]) <= bar
    # The control: Student's test with two more units alone calls them equal where no question happened to change.
    assert np.mean([p_below(study[:, None] / n, margin=margin) <= 0.05 for study in changes]) > bar
