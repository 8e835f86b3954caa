"""Intervals of differences near 0 and 1 with fewer studies: within the bar, and Student's interval falls short."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sweeps import few

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import differences

RUNS = 200
SEED = 31


def below(share: float) -> float:
    """What a share may fall to by chance, at 2.1 standard errors."""
    return share - 2.1 * float(np.sqrt(share * (1 - share) / RUNS))


def shares(change: str, generator: str, size: tuple[int, int]) -> differences.Shares:
    return differences.shares(differences.Cell(change, generator, *size), runs=RUNS, seed=SEED)


@pytest.mark.parametrize("size", few([(size,) for size in differences.SIZES], 1))
@pytest.mark.parametrize("generator", differences.GENERATORS)
@pytest.mark.parametrize("change", ["from .02 to .10", "from .90 to .98"])
def test_differences_near_the_ends_are_covered(change: str, generator: str, size: tuple[int, int]) -> None:
    assert shares(change, generator, size).covered >= below(differences.BAR)


@pytest.mark.parametrize("change", ["from .02 to .10", "from .90 to .98"])
def test_without_the_pseudo_questions_rises_are_understated(change: str) -> None:
    found = shares(change, "beta", (20, 2))
    assert found.plain < below(differences.BAR)
    assert found.plain_understated > 0.9 * (1 - found.plain)
    assert found.understated < found.plain_understated / 3


def test_a_rise_in_harm_is_shown() -> None:
    assert shares("from .02 to .10", "beta", (30, 4)).shown >= below(0.45)
    assert shares("from .02 to .10", "logit-normal", (60, 4)).shown >= below(0.93)
    assert shares("from .02 to .10", "logit-normal", (20, 2)).shown < 0.2  # too few questions to show anything
