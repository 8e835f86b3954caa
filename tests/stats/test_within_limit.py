"""Success within a limit against its definition, trace by trace; and that it says nothing where nothing is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.stats.bootstrap import mean_intervals, question_weights
from overthink.stats.within_limit import MOST_LIMITS, limit_grid, within_cells


def traces(seed: int, *, questions: int = 12, draws: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    used = np.round(np.exp(rng.normal(6, 1.5, (questions, draws))))
    credit = rng.choice([0.0, 0.5, 1.0], (questions, draws))
    used[rng.random(used.shape) < 0.15] = np.nan
    credit[rng.random(used.shape) < 0.15] = np.nan
    return used, credit


@given(st.integers(0, 2**32 - 1))
def test_a_question_keeps_the_credit_of_its_traces_within_the_limit(seed: int) -> None:
    used, credit = traces(seed)
    limits = np.array([1.0, 60.0, 400.0, 1e9])
    cells = within_cells(used, credit, limits)
    for question in range(len(used)):
        known = [(u, c) for u, c in zip(used[question], credit[question], strict=True) if u == u and c == c]
        for place, limit in enumerate(limits):
            expected = sum(c for u, c in known if u <= limit) / len(known) if known else np.nan
            assert cells[question, place] == pytest.approx(expected, nan_ok=True)


@given(st.integers(0, 2**32 - 1))
def test_the_share_never_falls_and_ends_at_the_mean_of_the_known(seed: int) -> None:
    used, credit = traces(seed)
    both = ~np.isnan(used) & ~np.isnan(credit)
    cells = within_cells(used, credit, limit_grid(used[both]))
    has_any = both.any(axis=1)
    assert (np.diff(cells[has_any], axis=1) >= 0).all()
    whole = np.nanmean(np.where(both, credit, np.nan)[has_any], axis=1)
    assert cells[has_any, -1] == pytest.approx(whole)
    assert np.isnan(cells[~has_any]).all()


def test_a_success_after_the_limit_counts_as_none_and_the_limit_itself_is_within() -> None:
    used, credit = np.array([[512.0, 513.0]]), np.ones((1, 2))
    assert within_cells(used, credit, np.array([511.0, 512.0, 513.0])).tolist() == [[0.0, 0.5, 1.0]]


def test_the_grid_is_of_powers_of_two_and_ends_at_the_largest_use() -> None:
    assert limit_grid(np.array([100.0, 1024.0])).tolist() == [128.0, 256.0, 512.0, 1024.0]
    assert limit_grid(np.array([[64.0], [np.nan]])).tolist() == [64.0]
    assert limit_grid(np.array([0.0, np.nan])).size == 0
    wide = limit_grid(np.array([1.0, 5e6]))
    assert (len(wide), wide[-1]) == (MOST_LIMITS, 5e6)
    assert (np.diff(wide) > 0).all()


def test_the_interval_of_a_limit_covers_the_share_of_a_population() -> None:
    """Draws of a question are alike, so questions are resampled whole; the nominal level is 95 %."""
    rng = np.random.default_rng(4)
    limits, studies, questions = np.array([200.0, 800.0]), 400, 40
    ability = rng.normal(0, 1.5, 200_000)
    length = np.exp(6 + 0.5 * ability + rng.normal(0, 1, ability.size))
    is_right = rng.random(ability.size) < 1 / (1 + np.exp(-ability))
    truth = np.array([(is_right & (length <= limit)).mean() for limit in limits])
    weights = question_weights(questions, rng=rng)
    covered = np.zeros(2)
    for _ in range(studies):
        level = rng.normal(0, 1.5, questions)[:, None]
        used = np.exp(6 + 0.5 * level + rng.normal(0, 1, (questions, 3)))
        credit = (rng.random((questions, 3)) < 1 / (1 + np.exp(-level))).astype(float)
        found = mean_intervals(within_cells(used, credit, limits), weights, level=0.95)
        covered += (found.low <= truth) & (truth <= found.high)
    assert (covered / studies > 0.92).all()
