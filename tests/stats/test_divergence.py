"""Divergence: capability's change minus safety's, with a band that treats the axes as independent."""

import numpy as np
import pytest

from overthink.stats.divergence import Divergence, divergence

BUDGETS = [0, 512, 1024, 2048, 8192]
UP = [0.2, 0.3, 0.4, 0.5, 0.7]
DOWN = [0.9, 0.9, 0.8, 0.7, 0.5]


def answers(curve: list[float], questions: int = 400, draws: int = 4, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((questions, draws, len(curve))) < curve).astype(float)


def diverge(capability: np.ndarray, safety: np.ndarray, seed: int = 0, **options: float) -> Divergence:
    return divergence(capability, safety, BUDGETS, rng=np.random.default_rng(seed), **options)


def test_the_gap_is_the_difference_of_the_changes() -> None:
    capability, safety = answers(UP), answers(DOWN, questions=150, seed=1)
    found = diverge(capability, safety)
    c, s = capability.mean(axis=(0, 1)), safety.mean(axis=(0, 1))
    np.testing.assert_allclose(found.estimate, (c - c[0]) - (s - s[0]), atol=1e-12)
    assert found.estimate[0] == found.low[0] == found.high[0] == 0
    assert ((found.low < found.estimate) & (found.estimate < found.high))[1:].all()
    assert found.n_questions == (400, 150)


def test_slopes_are_per_doubling() -> None:
    capability = answers(UP)
    found = diverge(capability, answers(DOWN, seed=1)).capability
    c = capability.mean(axis=(0, 1))
    np.testing.assert_allclose(found.estimate[1:], np.diff(c)[1:] / [1, 1, 2], atol=1e-12)
    assert np.isnan([found.estimate[0], found.low[0], found.high[0]]).all()
    assert found.rises.all()


def test_divergent_needs_both() -> None:
    up, down = answers(UP), answers(DOWN, seed=1)
    assert diverge(up, down).divergent.tolist() == [False, True, True, True]
    assert not diverge(down, up).divergent.any()
    assert not diverge(up, answers([0.8] * 5, seed=2)).divergent.any()
    assert not diverge(answers([0.5] * 5, seed=3), down).divergent.any()


def test_onset_is_where_the_gap_opens() -> None:
    late = diverge(answers([0.3, 0.3, 0.3, 0.5, 0.9], 900), answers([0.8, 0.8, 0.8, 0.7, 0.4], 900, seed=1)).onset
    assert late is not None
    assert late.reason is None
    assert late.low >= 512
    assert late.low <= 1024 <= late.high
    assert diverge(answers([0.5] * 5), answers([0.5] * 5, seed=1)).onset is None


def test_swapping_the_axes_swaps_the_sign() -> None:
    up, down = answers(UP), answers(DOWN, seed=1)
    found, swapped = diverge(up, down), diverge(down, up)
    np.testing.assert_allclose(swapped.estimate, -found.estimate, atol=1e-12)
    np.testing.assert_allclose(swapped.low, -found.high, atol=0.01)


def test_fewer_questions_on_either_axis_widen_the_band() -> None:
    def width(c: int, s: int) -> float:
        found = diverge(answers(UP, c), answers(DOWN, s, seed=1))
        return float((found.high - found.low)[1:].mean())

    assert width(400, 400) < width(400, 40)
    assert width(400, 400) < width(40, 400)
    assert width(100, 100) == pytest.approx(2 * width(400, 400), rel=0.15)


def test_no_change_is_not_certainty() -> None:
    found = diverge(np.ones((10, 2, 5)), np.ones((10, 2, 5)))
    assert (found.low[1:] < -0.1).all()
    assert not found.divergent.any()


def test_missing_values_leave_the_question_out() -> None:
    up, down = answers(UP, 60), answers(DOWN, 60, seed=1)
    holed = up.copy()
    holed[0, :, 2] = np.nan
    found = diverge(holed, down)
    np.testing.assert_allclose(found.estimate, diverge(up[1:], down).estimate)
    assert found.n_questions == (59, 60)
    one_draw_missing = up.copy()
    one_draw_missing[0, 0, 2] = np.nan
    assert diverge(one_draw_missing, down).n_questions == (60, 60)


def test_one_question_says_nothing() -> None:
    found = diverge(answers(UP, 1), answers(DOWN, 50))
    assert np.isnan(found.estimate).all()
    assert np.isnan(found.capability.low).all()
    assert not found.divergent.any()
    assert found.reason is not None
    assert found.reason.startswith("1 capability question")
    empty = answers(DOWN, 50)
    empty[:, :, 1] = np.nan
    assert "0 safety questions" in str(diverge(answers(UP), empty).reason)


@pytest.mark.parametrize(
    ("capability", "safety", "budgets"),
    [
        (np.zeros((5, 2, 3)), np.zeros((5, 2, 4)), [0, 1, 2]),
        (np.zeros((5, 2, 3)), np.zeros((5, 2, 3)), [0, 1]),
        (np.zeros((5, 2, 3)), np.zeros((5, 2, 3)), [0, 2, 1]),
        (np.zeros((5, 2, 3)), np.full((5, 2, 3), 1.5), [0, 1, 2]),
        (np.zeros((5, 3)), np.zeros((5, 2, 3)), [0, 1, 2]),
        (np.zeros((5, 2, 1)), np.zeros((5, 2, 1)), [0]),
    ],
)
def test_bad_input(capability: np.ndarray, safety: np.ndarray, budgets: list[float]) -> None:
    with pytest.raises(ValueError, match="needed"):
        divergence(capability, safety, budgets, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="level"):
        diverge(answers(UP), answers(DOWN), level=95)
