"""The minimum detectable effect is that of the corrected verdict; what a curve alone would need is too little."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import families

RUNS = 14
CONTROL_RUNS = 12
SEED = 12


def error(runs: int) -> float:
    """Three standard errors of a power of .80."""
    return 3 * float(np.sqrt(0.8 * 0.2 / runs))


@pytest.mark.simulation
def test_a_tent_of_the_corrected_effect_is_a_hump_among_flat_curves() -> None:
    low, high = families.POWER
    found = families.shares(families.Cell(12), runs=RUNS, seed=SEED)
    assert low - error(RUNS) <= found.hump <= high + error(RUNS)
    assert found.false <= 0.05 + 3 * float(np.sqrt(0.05 * 0.95 / RUNS))
    alone = families.shares(families.Cell(12, corrected=False), runs=CONTROL_RUNS, seed=SEED)
    assert alone.height < found.height
    assert alone.hump < low - error(
        CONTROL_RUNS
    )  # the control: the effect of a curve that stands alone promises too much
