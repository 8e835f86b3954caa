"""An arm against its placebo: what its reading does, adjusted together with what the arm does."""

from dataclasses import replace

import numpy as np
import pytest

from overthink.cost.mitigation import NO_FALL, Fall, mitigation, verdicts
from overthink.cost.reading import joint_verdicts, reading
from overthink.data.verdict_labels import MitigationLabel, ReadingLabel
from overthink.stats.testing import holm, paired_differences

N = 60


def safety(mean: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.binomial(4, np.clip(mean + rng.normal(0, 0.15, N), 0, 1)) / 4


def label(placebo: float, arm: float, **changes: object) -> ReadingLabel:
    tested = replace(reading(safety(placebo, 1), safety(arm, 2), level=0.95), **changes)  # type: ignore[arg-type]
    return joint_verdicts([], [tested], alpha=0.05)[1][0].label


def test_it_says_whether_the_reading_helps() -> None:
    assert label(0.5, 0.8) == ReadingLabel.HELPS
    assert label(0.7, 0.7) == ReadingLabel.NO_EFFECT
    assert label(0.8, 0.5) == ReadingLabel.HARMS
    few = reading(np.ones(5), np.zeros(5), level=0.95)
    (verdict,) = joint_verdicts([], [few], alpha=0.05)[1]
    assert (verdict.label, verdict.reason) == (ReadingLabel.UNTESTABLE, "5 questions are known in both arms; needed: 6")


def test_an_arm_that_thinks_less_needs_a_gain_at_equal_thinking() -> None:
    gain = Fall(0.3, 0.2, 0.4, 1e-6)
    assert label(0.5, 0.8, same_thinking=gain) == ReadingLabel.HELPS_PARTLY
    assert label(0.5, 0.8, same_thinking=NO_FALL) == ReadingLabel.THINKS_LESS
    assert label(0.5, 0.8, same_thinking=replace(gain, estimate=-0.3)) == ReadingLabel.THINKS_LESS


def test_the_number_is_that_of_the_paired_difference() -> None:
    placebo, arm = safety(0.5, 1), safety(0.6, 2)
    unknown = arm.copy()
    unknown[:10] = np.nan
    for own, n in ((arm, N), (unknown, N - 10)):
        tested = reading(placebo, own, level=0.9)
        known = ~np.isnan(own)
        both = np.stack([placebo[known], own[known]], axis=1)
        change = paired_differences(both, pairs=[(1, 0)], level=0.9)
        assert tested.n_questions == n
        assert tested.change.estimate == pytest.approx(float((own - placebo)[known].mean()))
        assert (tested.change.low, tested.change.p) == (change.intervals.low[0], change.p[0])


def test_both_claims_are_adjusted_together() -> None:
    base = np.stack([safety(0.9, 3), safety(0.5, 4)], axis=1)
    arm = np.stack([safety(0.9, 5), safety(0.7, 6)], axis=1)
    made = mitigation(base, arm, margin=0.05, level=0.95, rng=np.random.default_rng(0), bands=False)
    tested = reading(safety(0.4, 7), arm[:, -1], level=0.95)
    (helps,), (reads,) = joint_verdicts([made], [tested], alpha=0.05)
    p = [made.p_mitigates, tested.p_values[0]]
    assert reads.p_adjusted == pytest.approx(holm(p)[1])
    assert reads.p_adjusted > reads.p  # as if it stood alone, it would be less
    assert helps.label in (MitigationLabel.MITIGATES, MitigationLabel.OPEN)
    assert joint_verdicts([made], [], alpha=0.05)[0] == verdicts([made], alpha=0.05)


def test_a_placebo_of_the_same_truth_is_rarely_beaten() -> None:
    def share(lead: float) -> float:
        helped = 0
        for run in range(300):
            rng = np.random.default_rng([9, run])
            p = np.clip(rng.normal(0.6, 0.2, (N, 1)), 0.02, 0.98)
            placebo, arm = (rng.binomial(4, np.clip(p + more, 0, 1)).mean(axis=1) / 4 for more in (0.0, lead))
            helped += (
                joint_verdicts([], [reading(placebo, arm, level=0.95)], alpha=0.05)[1][0].label == "its reading helps"
            )
        return helped / 300

    assert share(0.0) <= 0.05 + 2 * (0.05 * 0.95 / 300) ** 0.5
    assert share(0.2) >= 0.9
