"""Sizes of the largest rise and fall: their intervals hold for the search, and a flat curve shows none."""

import numpy as np
import pytest

from overthink.stats.turning_points import turn_sizes

CLAIM = [0.60, 0.75, 0.80, 0.85, 0.85, 0.85, 0.72, 0.60]


def cells(means: list[float], seed: int, questions: int = 100, draws: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ease = rng.normal(0, 0.15, size=(questions, 1, 1))
    chance = np.clip(np.asarray(means) + ease, 0.02, 0.98)
    return (rng.random((questions, draws, len(means))) < chance).mean(axis=1)


def sizes(means: list[float], seed: int, questions: int = 100):  # type: ignore[no-untyped-def]
    return turn_sizes(cells(means, seed, questions), level=0.95, rng=np.random.default_rng(seed + 1))


def test_the_pair_and_the_estimate_are_those_of_the_means() -> None:
    table = cells(CLAIM, 3)
    means = table.mean(axis=0)
    rise, drawdown = turn_sizes(table, level=0.95, rng=np.random.default_rng(1))
    pairs = [(means[j] - means[i], i, j) for i in range(8) for j in range(i + 1, 8)]
    top, i, j = max(pairs)
    assert (rise.estimate, rise.from_rung, rise.rung) == (pytest.approx(top), i, j)
    bottom, i, j = min(pairs)
    assert (drawdown.estimate, drawdown.from_rung, drawdown.rung) == (pytest.approx(-bottom), i, j)
    assert 0 <= drawdown.low <= drawdown.estimate <= drawdown.high


def test_a_fall_of_25_points_is_shown_with_a_useful_width() -> None:
    drawdowns = [sizes(CLAIM, seed)[1] for seed in range(0, 80, 2)]
    assert sum(size.is_shown for size in drawdowns) >= 38
    assert np.mean([size.high - size.low for size in drawdowns]) <= 0.20
    # 40 studies: .93 or more of them would be 35 on average, so fewer than 34 is no chance
    assert sum(size.low <= 0.25 <= size.high for size in drawdowns) >= 34


@pytest.mark.parametrize("means", [[0.5] * 8, [0.3, 0.5, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]])
def test_a_curve_that_never_falls_shows_no_fall_although_it_has_an_estimate(means: list[float]) -> None:
    drawdowns = [sizes(means, seed)[1] for seed in range(1000, 1080, 2)]
    assert sum(size.is_shown for size in drawdowns) <= 6  # 40 studies at .05
    assert np.mean([size.estimate for size in drawdowns]) > 0.02  # the control: read as a size it would be a fall


def test_a_curve_turned_over_exchanges_rise_and_fall() -> None:
    table = cells(CLAIM, 5)
    rise, drawdown = turn_sizes(table, level=0.95, rng=np.random.default_rng(1))
    mirrored_rise, mirrored_drawdown = turn_sizes(1 - table, level=0.95, rng=np.random.default_rng(1))
    assert (mirrored_rise.estimate, mirrored_drawdown.estimate) == pytest.approx((drawdown.estimate, rise.estimate))
    assert (mirrored_rise.low, mirrored_drawdown.high) == pytest.approx((drawdown.low, rise.high), abs=0.02)


def test_bad_tables_are_refused() -> None:
    for table in (np.zeros((1, 3)), np.zeros((3, 1)), np.array([[0.0, np.nan], [1.0, 1.0]])):
        with pytest.raises(ValueError, match="two questions and two rungs"):
            turn_sizes(table, level=0.95, rng=np.random.default_rng(0))


def ended(questions: int, draws: int, seed: int, tail: int) -> np.ndarray:
    """Cells that rise over three rungs, and are carried forward unchanged from there."""
    return np.repeat(cells([0.5, 0.6, 0.7], seed, questions, draws), [1, 1, tail], axis=1)


def test_between_equal_rungs_a_change_is_as_large_as_the_changes_of_the_curve() -> None:
    table = ended(60, 16, 7, tail=5)
    changes = np.abs(table[:, 1] - table[:, 0])
    drawdown = turn_sizes(table, level=0.95, rng=np.random.default_rng(1))[1]
    share = 1 - (0.025 / 28) ** (1 / 60)
    assert not drawdown.is_shown
    assert drawdown.high < 0.5 * share
    assert drawdown.high >= 0.5 * share * np.sqrt((changes[changes > 0] ** 2).mean())


def test_where_nothing_changed_anywhere_the_exact_bound_stays() -> None:
    rise, drawdown = turn_sizes(np.full((60, 3), 0.25), level=0.95, rng=np.random.default_rng(1))
    share = 1 - (0.025 / 3) ** (1 / 60)
    assert (rise.estimate, rise.low, rise.high) == pytest.approx((0, 0, share))
    assert drawdown.high == pytest.approx(share)
