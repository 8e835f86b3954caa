"""Resamples in blocks: the same numbers as at once, in bounded memory."""

import tracemalloc

import numpy as np
import pytest

import overthink.stats.bootstrap
from overthink.stats.bootstrap import mean_intervals, question_weights, resampled_sums
from overthink.stats.multiplier_bootstrap import sign_flip_sums, signs

QUESTIONS, RESAMPLES = 37, 150


def whole_weights(rng: np.random.Generator) -> np.ndarray:
    """Draw all questions of all resamples at once."""
    chosen = rng.integers(QUESTIONS, size=(RESAMPLES, QUESTIONS))
    return np.array([np.bincount(row, minlength=QUESTIONS) for row in chosen])


@pytest.mark.parametrize("size", [1, 600, 4096, 10**9])
def test_the_weights_and_what_is_drawn_next_are_the_same_for_blocks_of_any_size(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(overthink.stats.bootstrap, "BLOCK_BYTES", size)
    rng, expected_rng = np.random.default_rng(5), np.random.default_rng(5)
    weights = question_weights(QUESTIONS, rng=rng, resamples=RESAMPLES)
    np.testing.assert_array_equal(weights, whole_weights(expected_rng))
    assert rng.random() == expected_rng.random()


@pytest.mark.parametrize("size", [1, 600, 4096, 10**9])
def test_sums_are_the_same_for_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    rng = np.random.default_rng(1)
    weights = question_weights(QUESTIONS, rng=rng, resamples=RESAMPLES)
    flips = signs(QUESTIONS, rng=rng, resamples=RESAMPLES)
    cells = rng.random((QUESTIONS, 6))
    monkeypatch.setattr(overthink.stats.bootstrap, "BLOCK_BYTES", size)
    np.testing.assert_allclose(resampled_sums(weights, cells), weights.astype(float) @ cells, rtol=1e-13)
    half = flips.astype(float) @ cells
    np.testing.assert_allclose(sign_flip_sums(cells, flips), [*half, *-half], atol=1e-13)
    cells[rng.random(cells.shape) < 0.2] = np.nan
    sums, known = (weights.astype(float) @ columns for columns in (np.nan_to_num(cells), ~np.isnan(cells)))
    n = (~np.isnan(cells)).sum(axis=0)
    spread = (sums / known).std(axis=0) * np.sqrt(n / (n - 1))
    intervals = mean_intervals(cells, weights, level=0.95, support=(0.0, np.inf))
    np.testing.assert_allclose(intervals.error, spread, rtol=1e-12)


def test_signs_take_one_byte_and_are_minus_or_plus_one() -> None:
    flips = signs(QUESTIONS, rng=np.random.default_rng(2))
    assert flips.dtype == np.int8
    assert set(np.unique(flips).tolist()) == {-1, 1}
    assert abs(flips.mean()) < 0.02


def test_the_bootstrap_takes_no_more_than_a_byte_per_weight_and_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    block, questions = 2**20, 5000
    monkeypatch.setattr(overthink.stats.bootstrap, "BLOCK_BYTES", block)
    cells = np.random.default_rng(0).random((questions, 5))
    tracemalloc.start()
    try:
        weights = question_weights(questions, rng=np.random.default_rng(0))
        drawn = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        mean_intervals(cells, weights, level=0.95)
        reduced = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    columns = 8 * cells.nbytes
    assert drawn < weights.nbytes + 2 * block
    assert reduced < weights.nbytes + 2 * block + columns
    assert 8 * weights.nbytes > 2 * (weights.nbytes + 2 * block + columns)  # the matrix in floats would not fit
