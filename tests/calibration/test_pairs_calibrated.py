"""Paired differences with fewer studies: intervals cover, verdicts are rarely wrong, and pairing pays."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sweeps import few

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import pairs

RUNS = 300
SEED = 7


def error(share: float) -> float:
    """Three standard errors of a share."""
    return 3 * float(np.sqrt(share * (1 - share) / RUNS))


@pytest.mark.parametrize("base", few((0.1, 0.9, 0.5), 2))
@pytest.mark.parametrize("size", [(20, 4), (100, 1)])
def test_intervals_cover_and_no_difference_is_rarely_shown(base: float, size: tuple[int, int]) -> None:
    found = pairs.shares(pairs.Cell(base, "none", *size), runs=RUNS, seed=SEED)
    assert found.covered >= 0.95 - error(0.95)
    assert found.different <= 0.05 + error(0.05)


def test_a_difference_of_the_margin_is_rarely_called_equivalent() -> None:
    found = pairs.shares(pairs.Cell(0.03, "the margin", 50, 4), runs=RUNS, seed=SEED)
    assert found.equivalent <= 0.05 + error(0.05)
    assert found.covered >= 0.95 - error(0.95)


def test_the_interval_is_as_narrow_as_the_correlation_allows() -> None:
    for draws, ratio in ((1, 0.85), (4, 0.65)):
        found = pairs.shares(pairs.Cell(0.5, "none", 100, draws), runs=60, seed=SEED)
        assert found.width / found.unpaired == pytest.approx(found.allowed, abs=0.02)
        assert found.allowed < ratio
        assert found.student == 1.0
