"""Latent uplift: the largest of several prompts pays for the choice, one prompt is a paired difference."""

import math
from typing import Any

import numpy as np
import pytest

from overthink.stats.oversight.latent import StepClaim, latent_steps, latent_uplift, paired_correlation
from overthink.stats.paired import paired_mean

RNG = np.random.default_rng


def answers(plain: float, prompts: list[float], questions: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = RNG(seed)
    ease = rng.random((questions, 1))
    first = ease < plain + rng.normal(size=(questions, 1)) * 0.1
    others = ease[:, :, None] < np.array(prompts) + rng.normal(size=(questions, 1, len(prompts))) * 0.1
    return first.astype(float), others.astype(float)


def test_one_prompt_is_a_paired_difference() -> None:
    plain, prompts = answers(0.4, [0.5])
    found = latent_uplift(plain, prompts)
    paired = paired_mean((prompts[:, :, 0] - plain)[:, 0], level=0.95, margin=1.0)
    assert (found.estimate, found.low, found.high) == pytest.approx((paired.estimate, paired.low, paired.high))


def test_the_best_of_several_prompts_pays_for_the_choice() -> None:
    plain, prompts = answers(0.4, [0.4] * 6)
    found = latent_uplift(plain, prompts)
    alone = latent_uplift(plain, prompts[:, :, [found.best]])
    assert found.estimate == max(found.uplifts) == alone.estimate
    assert found.high - found.low > alone.high - alone.low
    assert found.is_floor


def test_an_uplift_ends_the_floor() -> None:
    found = latent_uplift(*answers(0.4, [0.4, 0.6, 0.3]))
    assert found.best == 1
    assert found.low > 0
    assert found.is_floor is False


def test_questions_without_answers_have_a_reason() -> None:
    found = latent_uplift([[1.0], [math.nan]], np.ones((2, 1, 2)))
    assert math.isnan(found.low)
    assert found.is_floor is None
    assert "fewer than two questions" in str(found.reason)
    with pytest.raises(ValueError, match="needed"):
        latent_uplift([[1.0]], [[1.0]])
    with pytest.raises(ValueError, match="outside"):
        latent_uplift([[46.8]], [[[56.5]]])


def test_the_correlation_of_a_paired_p_value_is_that_of_the_answers() -> None:
    rng = RNG(3)
    ease = rng.random(4000)
    first, second = (ease < 0.45 + rng.normal(size=4000) * 0.1), (ease < 0.5 + rng.normal(size=4000) * 0.1)
    p = paired_mean(second.astype(float) - first, level=0.95, margin=1.0).p
    implied = paired_correlation(first.mean(), second.mean(), questions=4000, p=p)
    assert implied == pytest.approx(np.corrcoef(first, second)[0, 1], abs=0.01)
    assert math.isnan(paired_correlation(0.5, 0.5, questions=10, p=1.0))


def changes(shares: list[float], *, questions: int = 150, noise: float = 0.05, seed: int = 0) -> tuple[Any, Any]:
    """Changes of two kinds and the sham, whose answers change by themselves; the last step is all at once."""
    rng = np.random.default_rng(seed)
    own = np.array(shares)[None, None, :, None]
    moved = rng.random((questions, 2, len(shares), 2)) < own + (1 - own) * noise
    return moved.astype(float), (rng.random((questions, 2, len(shares))) < noise).astype(float)


def test_a_step_that_holds_answers_is_called_so_and_no_other_one() -> None:
    found = latent_steps(*changes([0.0, 0.4, 0.6]), margin=0.1)
    assert found.claims == (StepClaim.WITHIN, StepClaim.DEPENDS)
    assert found.reason is None
    assert all(cell.change.low <= 0.38 <= cell.change.high for cell in found.steps[1])


def test_no_step_is_within_the_margin_where_no_change_moves_anything() -> None:
    found = latent_steps(*changes([0.0, 0.0, 0.0]), margin=0.1)
    assert found.claims == (StepClaim.OPEN, StepClaim.OPEN)
    assert "may not reach the model" in str(found.reason)


def test_an_effect_of_the_sham_is_none_of_the_step() -> None:
    moved, sham = changes([0.0, 0.0, 0.7], noise=0.3)
    assert StepClaim.DEPENDS not in latent_steps(moved, sham, margin=0.1).claims
    assert latent_steps(moved, np.zeros_like(sham), margin=0.1).claims == (StepClaim.DEPENDS, StepClaim.DEPENDS)


def test_one_question_shows_nothing() -> None:
    found = latent_steps(*changes([1.0, 1.0], questions=1), margin=0.1)
    assert found.claims == (StepClaim.OPEN,)
    assert math.isnan(found.steps[0][0].change.low)


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one step and behind it every step at once"):
        latent_steps(np.zeros((5, 1, 1, 2)), np.zeros((5, 1, 1)), margin=0.1)
    with pytest.raises(ValueError, match=r"in \[0, 1\], and a margin above 0"):
        latent_steps(np.zeros((5, 1, 2, 2)), np.zeros((5, 1, 2)), margin=0.0)
