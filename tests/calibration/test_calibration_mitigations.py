"""Verdicts on mitigations with few simulated studies: each bar within its binomial error, and a naive rule fails."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sweeps import few

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import mitigations

RUNS = 60
SEED = 7


def share(found: Counter[str], labels: tuple[str, ...]) -> float:
    return sum(found[label] for label in labels) / RUNS


def above(bar: float) -> float:
    """What a share may show by chance, at 2.1 standard errors."""
    return bar + 2.1 * float(np.sqrt(bar * (1 - bar) / RUNS))


@pytest.mark.parametrize("way", mitigations.WAYS)
@pytest.mark.parametrize("truth", few(mitigations.TRUTHS, 3))
def test_verdicts_are_seldom_wrong(truth: str, way: str) -> None:
    found = mitigations.labels(mitigations.Cell(truth, way, 60, 4), runs=RUNS, seed=SEED)
    assert share(found, mitigations.TRUTHS[truth].wrong) <= above(0.05)


def test_taking_a_large_p_value_for_equality_fails_the_check() -> None:
    cell = mitigations.Cell("all but δ", "equal rung", 60, 4)
    found = mitigations.labels(cell, runs=RUNS, seed=SEED, verdict=mitigations.by_p_values)
    assert share(found, mitigations.TRUTHS["all but δ"].wrong) > 0.3


@pytest.mark.parametrize(("truth", "label"), mitigations.FOUND.items())
def test_with_enough_questions_the_truth_is_found(truth: str, label: str) -> None:
    found = mitigations.labels(mitigations.Cell(truth, "equal compute", 200, 4), runs=40, seed=SEED)
    assert found[label] > 0.85 * 40
