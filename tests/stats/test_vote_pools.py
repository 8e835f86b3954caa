"""Votes of a whole curve: against the vote of each question and rung by itself."""

from collections import Counter

import numpy as np
import pytest

import overthink.stats.curve
import overthink.stats.majority_vote
from overthink.stats.curve import majority_cells
from overthink.stats.majority_vote import vote, votes
from overthink.stats.pass_at_k import majority_at_k

K = np.array([1, 2, 5, 9, 12])


def curve(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return values and answers with gaps, abstentions, right answers of several wordings and empty questions."""
    rng = np.random.default_rng(seed)
    shape = (40, 12, 3)
    answers = rng.choice([-1, 0, 1, 2, 3, 8, 500], size=shape, p=[0.1, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1])
    values = np.isin(answers, [0, 8]).astype(float)
    values[rng.random(shape) < 0.15] = np.nan
    values[3], values[4, :, 1] = np.nan, np.nan
    return values, answers


def cell_by_cell(values: np.ndarray, answers: np.ndarray) -> np.ndarray:
    cells = np.full((values.shape[0], values.shape[2], len(K)), np.nan)
    for q, r in np.ndindex(cells.shape[:2]):
        value, answer = values[q, :, r], answers[q, :, r]
        wrong = Counter(answer[(value == 0) & (answer >= 0)].tolist())
        right, known = int((value == 1).sum()), int((~np.isnan(value)).sum())
        possible = known >= K
        silent = known - right - wrong.total()
        chances = majority_at_k([right, *wrong.values()], 0, K[possible], abstentions=silent) if known else []
        cells[q, r, possible] = chances
    return cells


@pytest.mark.parametrize("at_once", [1, 100, 10**6])
def test_the_cells_are_the_votes_of_each_question_and_rung(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    values, answers = curve(1)
    monkeypatch.setattr(overthink.stats.curve, "DRAWS_AT_ONCE", at_once)
    cells = majority_cells(values, answers, K)
    np.testing.assert_allclose(cells, cell_by_cell(values, answers), atol=1e-12)
    assert np.isnan(cells[3]).all()


def test_short_codes_are_read_as_long_ones() -> None:
    values, answers = curve(3)
    codes = np.where(answers > 100, 100, answers)
    np.testing.assert_array_equal(
        majority_cells(values, codes.astype(np.int8), K), majority_cells(values, codes.astype(np.int64), K)
    )


def test_a_slice_of_other_draws_is_read_as_its_copy() -> None:
    values, answers = curve(2)
    np.testing.assert_array_equal(
        majority_cells(values[:, 4:], answers[:, 4:], K[:3]),
        majority_cells(values[:, 4:].copy(), answers[:, 4:].copy(), K[:3]),
    )


@pytest.mark.parametrize(("pools_at_once", "terms"), [(1, 40_000), (3, 1), (1024, 10**7)])
def test_pools_do_not_depend_on_those_beside_them(
    monkeypatch: pytest.MonkeyPatch, pools_at_once: int, terms: int
) -> None:
    rng = np.random.default_rng(4)
    counts = np.array([rng.multinomial(60, rng.dirichlet(np.full(8, spread))) for spread in np.geomspace(0.1, 20, 50)])
    right, others = counts[:, 0], np.sort(counts[:, 1:-1], axis=1)
    k = np.array([1, 2, 7, 20, 40, 59, 60])
    alone = [
        vote(int(r), tuple(o.tolist()), int(60 - r - o.sum()), tuple(k.tolist()))
        for r, o in zip(right, others, strict=True)
    ]
    monkeypatch.setattr(overthink.stats.majority_vote, "POOLS_AT_ONCE", pools_at_once)
    monkeypatch.setattr(overthink.stats.majority_vote, "TERMS_AT_ONCE", terms)
    np.testing.assert_allclose(votes(right, others, 60, k), alone, atol=1e-12)


def test_pools_without_rivals_win_with_any_vote() -> None:
    chances = votes(np.array([0, 1, 4]), np.zeros((3, 0), dtype=np.int64), 4, np.array([1, 4]))
    np.testing.assert_allclose(chances, [[0, 0], [0.25, 1], [1, 1]], atol=1e-12)
