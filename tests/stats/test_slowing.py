"""Saturating is a slope that is shown to be smaller above, and never a straight line with small steps at its top."""

import numpy as np
import pytest
from sweeps import few

from overthink.stats.shape import shape_verdict
from overthink.stats.slowing import doublings, p_slowing

BUDGETS = [0, 512, 1024, 2048, 4096, 8192, 16384, 32768]


def table(means: np.ndarray | list[float], seed: int, questions: int = 300) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((questions, 4, len(means))) < np.asarray(means)).astype(float)


def labels(means: np.ndarray | list[float], margin: float, studies: int = 40) -> list[str]:
    return [
        shape_verdict(
            table(means, seed), BUDGETS[: len(means)], margin=margin, rng=np.random.default_rng(seed)
        ).label.value
        for seed in range(studies)
    ]


@pytest.mark.parametrize("rungs", few([3, 5, 8], 1))
def test_a_straight_rise_over_doublings_does_not_saturate(rungs: int) -> None:
    straight = np.linspace(0.5, 0.62, rungs)  # steps so small that those of its upper half are within the margin
    found = labels(straight, margin=0.1)
    assert found.count("saturating") <= 6
    assert found.count("up") >= 25


def test_a_plateau_saturates() -> None:
    assert labels([0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8], margin=0.06).count("saturating") >= 32


def test_a_budget_of_zero_is_one_doubling_below_the_next() -> None:
    assert doublings(np.array([0.0, 64, 128, 512])).tolist() == [5, 6, 7, 9]
    assert doublings(np.array([64.0, 128])).tolist() == [6, 7]


def test_the_slopes_are_those_of_least_squares() -> None:
    cells = table([0.3, 0.5, 0.7, 0.75, 0.75], 1).mean(axis=1)
    places = np.array([0.0, 1, 3, 4, 6])
    lower, upper = (np.polyfit(places[half], cells.mean(axis=0)[half], 1)[0] for half in ([0, 1, 2], [2, 3, 4]))
    assert lower > upper
    assert p_slowing(cells / len(cells), places) < 0.001
    assert p_slowing(-cells / len(cells), places) > 0.999
    assert np.isnan(p_slowing(cells[:, :2] / len(cells), places[:2]))
