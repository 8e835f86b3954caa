"""Oversight with fewer studies: intervals cover, refusals stay, false claims are rare and true ones are made."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration.oversight import Cell

from calibration import latent_steps, oversight

RUNS, SEED = 120, 3


def error(share: float) -> float:
    """Three standard errors of a share."""
    return 3 * float(np.sqrt(share * (1 - share) / RUNS))


@pytest.mark.parametrize(
    "cell",
    [
        Cell("AUROC", (50, 1.0, 1)),
        Cell("AUROC", (120, 1.0, 3)),
        Cell("encoded gap", (100, 1, 0.8, 0.1)),
        Cell("latent uplift", (100, 1, 0.4, 0.15)),
        Cell("bits in a trace", (40, 16, 0.9)),
        Cell("TPR at FPR", (100, 0.05, 2.0, 1)),
        Cell("gap recovered", (100, 0.3, 0.5)),
    ],
    ids=lambda cell: cell.study,
)
def test_intervals_cover(cell: Cell) -> None:
    assert oversight.shares(cell, runs=RUNS, seed=SEED).covered >= 0.95 - error(0.95)


def test_a_rate_that_honest_runs_cannot_show_is_refused() -> None:
    assert oversight.shares(Cell("TPR at FPR", (100, 0.01, 2.0, 1)), runs=10, seed=SEED).refused == 1.0


def test_claims_are_made_where_they_are_true_and_rarely_where_not() -> None:
    for cell in (Cell("encoded", (200, 2, 0.8, 0.3)), Cell("latent uplift", (200, 1, 0.4, 0.0))):
        assert oversight.shares(cell, runs=60, seed=SEED).claims <= 0.05 + error(0.05)
    for cell in (Cell("encoded", (200, 2, 0.3, 0.3)), Cell("AUROC", (100, 1.0, 1))):
        assert oversight.shares(cell, runs=40, seed=SEED).claims >= 0.85


def test_no_latent_step_is_falsely_said_to_count_and_one_that_does_is() -> None:
    null, _, _, true, *_ = latent_steps.CELLS
    assert latent_steps.shares(null, runs=20, seed=SEED).false_depends <= 0.1
    found = latent_steps.shares(true, runs=10, seed=SEED)
    assert (found.depends, found.false_within) == (1.0, 0.0)
