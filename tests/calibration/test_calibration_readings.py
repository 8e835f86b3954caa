"""The reading of arms with few simulated studies: one that only speaks is not called reading, and one that reads is."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import readings

RUNS, SEED = 60, 12


@pytest.mark.parametrize("truth", [truth for truth in readings.TRUTHS if truth != readings.CONTROL])
def test_an_arm_that_only_speaks_seldom_reads(truth: str) -> None:
    found = readings.shares(readings.Cell(truth), runs=RUNS, seed=SEED)
    assert found.reads <= 0.05 + 3 * float(np.sqrt(0.05 * 0.95 / RUNS))
    assert (found.helps >= 0.8) == (truth in readings.HELPFUL)


def test_an_arm_that_reads_is_called_so() -> None:
    found = readings.shares(readings.Cell(readings.CONTROL), runs=RUNS, seed=SEED)
    assert min(found.reads, found.helps) >= 0.8
