"""The calibration of commitment with few traces: wobble is no change, changes are shown, and the naive test fails."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from calibration import commitment
from calibration import tables_of_studies as page
from overthink.stats import commitment as core

RUNS = 48


@pytest.fixture(autouse=True)
def _no_ramp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the time of a trace, and no label depends on it."""
    monkeypatch.setattr(core, "ramp_width", lambda *counts, step: None)


def test_one_rate_is_no_change_and_a_binomial_test_says_otherwise() -> None:
    labels, naive = commitment.labels(commitment.Cell("one rate, .50", 20, 50, 0.1), runs=RUNS, seed=5)
    assert labels.total() == RUNS
    assert 1 - labels["no change shown"] / RUNS <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)
    assert naive > 0.6


@pytest.mark.simulation
def test_changes_are_shown_and_returns_are_not_settled() -> None:
    for truth, bar in ((".30→.95", 0.9), (".50→.80", 0.8), (".10→.95, back to .20 and up again", 0.85)):
        labels, _ = commitment.labels(commitment.Cell(truth, 20, 50, 0.05), runs=RUNS // 2, seed=5)
        assert labels[commitment.TRUTHS[truth].right] / labels.total() >= bar


def test_the_wobble_that_drifts_keeps_its_spread_and_its_correlation() -> None:
    rng = np.random.default_rng(1)
    cell = commitment.Cell("wobble that drifts, .50", 20, 50, 0.1)
    counts = np.array([trace for _ in range(40) for trace in commitment.sample(cell, rng=rng)])
    assert 68 < counts.var() < 79, "50 × .25 × (1 + 49 × .1) = 73.75"
    neighbours = np.corrcoef(counts[:, :-1].ravel(), counts[:, 1:].ravel())[0, 1]
    assert 0.5 < neighbours < 0.8


def test_every_row_has_a_bar_or_a_label_to_show() -> None:
    def run(study: object, cells: list[commitment.Cell]) -> list[object]:
        return [(Counter({"committed": 1, "no change shown": 9}), 0.5) for _ in cells]

    rows = [line for line in page.committed(run, 10).splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len(commitment.cells())
    assert {row.split(" | ")[4] for row in rows if "drifts" in row} == {"reported"}
    assert all(row.split(" | ")[5] == "0.100" for row in rows if row.startswith("| .30"))
