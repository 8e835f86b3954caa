"""Verdicts on mitigations: what each needs, and that none is given for less."""

from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from overthink.cost.mitigation import Mitigation, mitigation, verdicts
from overthink.data.verdict_labels import MitigationLabel

Array = NDArray[np.float64]
LEVEL = 0.95


def drawn(means: list[float], *, seed: int, questions: int = 150, draws: int = 8) -> Array:
    """Means of draws of questions that are as hard in every arm, (question, level)."""
    effect = np.random.default_rng(99).normal(0, 1, (questions, 1))
    p = np.asarray(means)
    chance = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + effect)))
    return np.random.default_rng(seed).binomial(draws, chance) / draws


def studied(reference: Array, arm: Array, *, margin: float = 0.06) -> Mitigation:
    rng = np.random.default_rng(1)
    return mitigation(reference, arm, margin=margin, level=LEVEL, rng=rng)


def label(reference: Array, arm: Array, **options: float) -> str:
    return verdicts([studied(reference, arm, **options)], alpha=1 - LEVEL)[0].label


FALLS = drawn([0.9, 0.85, 0.7, 0.5], seed=1)


@pytest.mark.parametrize(
    ("arm", "verdict"),
    [
        ([0.9, 0.9, 0.9, 0.9], MitigationLabel.ELIMINATES),
        ([0.9, 0.88, 0.8, 0.7], MitigationLabel.MITIGATES),
        ([0.9, 0.85, 0.7, 0.5], MitigationLabel.NO_EFFECT),
        ([0.8, 0.6, 0.4, 0.3], MitigationLabel.WORSENS),
        ([0.97, 0.97, 0.97, 0.97], MitigationLabel.ELIMINATES),  # safer than the reference ever was leaves nothing
        (
            [0.99, 0.97, 0.95, 0.9],
            MitigationLabel.MITIGATES,
        ),  # back at the reference's start, yet it falls from its own
    ],
)
def test_planted_truths_are_told(arm: list[float], verdict: str) -> None:
    assert label(FALLS, drawn(arm, seed=2)) == verdict


def test_an_arm_that_is_bad_everywhere_does_not_eliminate_though_it_is_level() -> None:
    bad = drawn([0.5, 0.5, 0.5, 0.5], seed=3)
    assert label(FALLS, bad) == MitigationLabel.NO_EFFECT
    assert label(FALLS, drawn([0.6, 0.6, 0.6, 0.6], seed=3)) == MitigationLabel.MITIGATES


def test_a_fall_after_a_rise_is_a_degradation() -> None:
    hump = drawn([0.6, 0.85, 0.9, 0.6], seed=4)
    found = studied(hump, drawn([0.6, 0.85, 0.9, 0.9], seed=5))
    assert found.degradation.index == 2
    assert verdicts([found], alpha=0.05)[0].label == MitigationLabel.ELIMINATES
    # From the lowest rung alone, nothing falls.
    ends = hump[:, [0, 3]]
    assert label(ends, drawn([0.6, 0.9], seed=5)) == MitigationLabel.UNTESTABLE


def test_with_nothing_to_mitigate_nothing_is_mitigated() -> None:
    level = drawn([0.7, 0.7, 0.7, 0.7], seed=6)
    (told,) = verdicts([studied(level, drawn([0.8, 0.8, 0.8, 0.8], seed=7))], alpha=0.05)
    assert told.label == MitigationLabel.UNTESTABLE
    assert told.reason is not None
    assert "nothing to mitigate" in told.reason


def test_too_little_data_decides_nothing_about_elimination() -> None:
    few = [drawn(means, seed=8, questions=25, draws=4) for means in ([0.9, 0.7, 0.5], [0.9, 0.9, 0.88])]
    assert label(*few) == MitigationLabel.OPEN
    assert label(*few, margin=0.3) == MitigationLabel.ELIMINATES


def test_a_wider_margin_can_only_help_to_eliminate() -> None:
    arm = drawn([0.9, 0.88, 0.86, 0.84], seed=9)
    p = [studied(FALLS, arm, margin=margin).p_eliminates for margin in (0.02, 0.05, 0.1, 0.2)]
    assert p == sorted(p, reverse=True)
    assert p[-1] < 0.001 < 0.05 < p[0]


def test_more_arms_looked_at_need_more_evidence() -> None:
    found = [studied(FALLS, drawn([0.9, 0.85, 0.7, top], seed=10)) for top in (0.535, 0.5, 0.5, 0.5, 0.5, 0.5)]
    (alone,), together = verdicts(found[:1], alpha=0.05), verdicts(found, alpha=0.05)
    assert alone.p == alone.p_adjusted == together[0].p
    assert together[0].p_adjusted == pytest.approx(min(1, 6 * alone.p))


def test_questions_unknown_in_one_arm_are_left_out() -> None:
    arm = drawn([0.9, 0.88, 0.8, 0.7], seed=2)
    holes = FALLS.copy()
    holes[:20, 2] = np.nan
    run = partial(mitigation, margin=0.06, level=LEVEL)
    some = run(holes, arm, rng=np.random.default_rng(1))
    rest = run(FALLS[20:], arm[20:], rng=np.random.default_rng(1))
    assert some == rest
    assert some.n_questions == 130


@pytest.mark.parametrize(
    ("reference", "arm", "reason"),
    [
        (FALLS[:5], FALLS[:5], "5 questions are known"),
        (FALLS[:, -1:], FALLS[:, -1:], "no rung below"),
        (np.full((30, 2), np.nan), FALLS[:30, :2], "0 questions are known"),
    ],
)
def test_what_cannot_be_tested_says_why(reference: Array, arm: Array, reason: str) -> None:
    found = studied(reference, arm)
    (told,) = verdicts([found], alpha=0.05)
    assert told.label == MitigationLabel.UNTESTABLE
    assert told.reason is not None
    assert reason in told.reason
    assert np.isnan(told.p)


def test_questions_that_all_agree_give_p_values_of_their_number() -> None:
    """Twelve questions, all safe at first and none at the top: the sign test's p, never 0."""
    reference, arm = np.tile([1.0, 0.0], (12, 1)), np.tile([1.0, 1.0], (12, 1))
    found = studied(reference, arm, margin=0.5)
    assert 0 < found.degradation.p < 0.01
    assert found.residual.p == 1.0
    assert found.reduction.p == pytest.approx(2 * 0.5**12)
    assert verdicts([found], alpha=0.05)[0].label == MitigationLabel.ELIMINATES
