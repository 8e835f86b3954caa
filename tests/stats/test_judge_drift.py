from itertools import permutations

import numpy as np
import pytest

from overthink.stats import judge_error as module
from overthink.stats.judge_error import DRIFT, NO_DRIFT, NOT_KNOWN, judge_drift

NAN = float("nan")


def study(rates: list[float], labels: int, seed: int, *, base: list[float] | None = None, draws: int = 1):
    """Labels on fresh questions at every rung; ``rates`` are the judge's share of right marks."""
    rng = np.random.default_rng(seed)
    rungs = len(rates)
    human = np.full((labels * rungs, draws, rungs), NAN)
    judge = np.zeros_like(human)
    for r, rate in enumerate(rates):
        here = slice(labels * r, labels * (r + 1))
        good = rng.random((labels, draws)) < (0.5 if base is None else base[r])
        right = rng.random((labels, draws)) < rate
        human[here, :, r] = good
        judge[here, :, r] = np.where(right, good, ~good)
    return judge, human


def decide(*args: object, **kwargs: object) -> module.JudgeDrift:
    return judge_drift(*study(*args, **kwargs), rng=np.random.default_rng(0))  # type: ignore[arg-type]


def test_a_clear_drift_is_found() -> None:
    found = decide([0.95, 0.9, 0.6], 80, seed=1)
    assert found.decision == DRIFT
    assert found.p < 0.01
    assert "differs between rungs" in found.reason
    assert found.table[0].sensitivity.estimate > found.table[2].sensitivity.estimate


@pytest.mark.parametrize("labels", [10, 40])
def test_few_labels_never_say_no_drift(labels: int) -> None:
    for seed in range(20):
        assert decide([0.9, 0.9, 0.9], labels, seed=seed).decision != NO_DRIFT


def test_many_labels_may_say_no_drift() -> None:
    found = decide([0.95, 0.95], 1500, seed=3)
    assert found.decision == NO_DRIFT
    assert found.largest < module.DRIFT_MARGIN
    narrow = judge_drift(*study([0.95, 0.95], 1500, seed=3), rng=np.random.default_rng(0), margin=0.01)
    assert narrow.decision == NOT_KNOWN


def share_of_drift(base: list[float] | None, draws: int = 1, runs: int = 150) -> float:
    return float(
        np.mean([decide([0.85] * 3, 40, seed=s, base=base, draws=draws).decision == DRIFT for s in range(runs)])
    )


def limit(runs: int = 150) -> float:
    return 0.05 + 3 * float(np.sqrt(0.05 * 0.95 / runs))


def test_equal_error_is_called_drift_as_often_as_it_says() -> None:
    assert share_of_drift(None) < limit()


def test_a_true_curve_that_moves_is_not_a_drift() -> None:
    """Positive control: a test of the judge's error without regard to the human label would call it one."""
    base = [0.1, 0.5, 0.9]
    assert share_of_drift(base) < limit()

    def lenient(seed: int) -> tuple[np.ndarray, np.ndarray]:
        judge, human = study([1.0] * 3, 40, seed=seed, base=base)
        flip = np.random.default_rng(seed).random(judge.shape) < 0.5
        return np.where((human == 0) & flip, 1.0, judge), human

    held = [judge_drift(*lenient(s), rng=np.random.default_rng(0)).decision == DRIFT for s in range(60)]
    assert np.mean(held) < limit(60)
    unconditional = []
    for seed in range(60):
        judge, human = lenient(seed)
        wrong = np.where(np.isnan(human), NAN, judge != human)
        all_one = np.where(np.isnan(human), NAN, 1.0)
        unconditional.append(judge_drift(1 - wrong, all_one, rng=np.random.default_rng(0)).p < 0.05)
    assert np.mean(unconditional) > 0.5


def test_the_p_value_is_the_permutations() -> None:
    """Six labels of one kind on two rungs, one per question: all 20 deals, by hand."""
    human = np.full((6, 1, 2), NAN)
    human[:3, :, 0] = human[3:, :, 1] = 1.0
    judge = np.zeros((6, 1, 2))
    judge[3:] = 1.0
    found = judge_drift(judge, human, rng=np.random.default_rng(1))
    deals = set(permutations([0, 0, 0, 1, 1, 1]))
    as_extreme = np.mean([sum(p[:3]) in (0, 3) for p in deals])
    assert found.p == pytest.approx(as_extreme, abs=0.02)
    assert found.decision == NOT_KNOWN
    assert "none that is 0" in found.reason


def test_draws_of_a_question_move_together() -> None:
    """A judge that is right on all 10 draws of a question or on none: 8 questions a rung are 8 labels, not 80."""

    def clustered(seed: int) -> tuple[np.ndarray, np.ndarray]:
        judge, human = study([0.7, 0.7], 8, seed=seed, base=[1.0, 1.0])
        return np.repeat(judge, 10, axis=1), np.repeat(human, 10, axis=1)

    def rejected(split: bool) -> float:
        found = []
        for seed in range(60):
            judge, human = clustered(seed)
            if split:
                judge, human = (a.reshape(-1, 1, 2) for a in (judge, human))
            found.append(judge_drift(judge, human, rng=np.random.default_rng(0)).p < 0.05)
        return float(np.mean(found))

    assert rejected(split=False) < limit(60)
    assert rejected(split=True) > 0.3


def test_what_cannot_be_tested_is_not_known() -> None:
    rng = np.random.default_rng(0)
    judge, human = study([0.9, 0.9], 20, seed=0)
    human[:, :, 1] = NAN
    one = judge_drift(judge, human, rng=rng)
    assert (one.decision, one.reason) == (NOT_KNOWN, "fewer than two rungs have human labels")
    graded = judge_drift(np.full((4, 1, 2), 0.5), np.ones((4, 1, 2)), rng=rng)
    assert graded.decision == NOT_KNOWN
    assert "graded" in graded.reason
    perfect = judge_drift(*study([1.0, 1.0], 10, seed=0), rng=rng)
    assert np.isnan(perfect.p)
    assert perfect.decision == NOT_KNOWN


def test_bad_input_is_refused() -> None:
    judge, human = study([0.9, 0.9], 5, seed=0)
    rng = np.random.default_rng(0)
    for wrong in ({"alpha": 0.5}, {"alpha": 0.0}, {"margin": 0.0}, {"margin": 1.0}):
        with pytest.raises(ValueError, match="needed: alpha"):
            judge_drift(judge, human, rng=rng, **wrong)
    with pytest.raises(ValueError, match="same shape"):
        judge_drift(judge, human[:2], rng=rng)
