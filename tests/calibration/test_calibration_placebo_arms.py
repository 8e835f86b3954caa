"""Placebo arms with few simulated studies: no claim of help beyond chance at equal thinking, and help is found."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sweeps import few

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import placebo_arms

RUNS = 50
SEED = 11


def helped(truth: str, questions: int, way: str = "equal thinking") -> float:
    found = placebo_arms.labels(placebo_arms.Cell(truth, way, questions, 4), runs=RUNS, seed=SEED)
    return sum(found[label] for label in placebo_arms.HELPS) / RUNS


@pytest.mark.parametrize(("questions", "draws"), placebo_arms.SIZES)
@pytest.mark.parametrize("truth", few(placebo_arms.NULLS, 2))
def test_a_placebo_seldom_helps(truth: str, questions: int, draws: int) -> None:
    assert draws == 4
    assert helped(truth, questions) <= 0.05 + 2.1 * float(np.sqrt(0.05 * 0.95 / RUNS))


def test_the_verdict_at_equal_compute_calls_a_price_help() -> None:
    assert helped("coin-flip verifier", 60, "equal compute") > 0.5


@pytest.mark.parametrize(("truth", "questions", "bar"), [("half of 40 points", 60, 0.9), ("all of 30 points", 60, 0.8)])
def test_help_is_there(truth: str, questions: int, bar: float) -> None:
    assert helped(truth, questions) >= bar
