"""The corrected curve. ``benchmarks/judge.py`` with fewer studies shows the verdicts on it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmark import load_benchmark
from scipy import special

from overthink.stats import judge_correction as module
from overthink.stats.bootstrap import question_weights
from overthink.stats.judge_correction import CorrectedCurve, correct_judge
from overthink.stats.judge_error import HumanLabels
from overthink.stats.prediction_powered import rectify

NAN = float("nan")
RUNS = 60


bench = load_benchmark("judge")
DRIFTING = bench.Design()


def correct(judge: np.ndarray, human: np.ndarray) -> CorrectedCurve:
    return correct_judge(judge, human, rng=np.random.default_rng(0))


def small(seed: int, questions: int = 60, draws: int = 3, labels: int = 50) -> tuple[np.ndarray, np.ndarray]:
    design = replace(DRIFTING, questions=questions, draws=draws, labels=labels, truth=(0.4,) * 5)
    return bench.study(design, np.random.default_rng(seed))


def human_means(human: np.ndarray) -> np.ndarray:
    """(question, rung)"""
    return HumanLabels(human, human).by_question()[1]


def tolerance(share: float, runs: int = RUNS) -> float:
    return 3 * float(np.sqrt(share * (1 - share) / runs))


@pytest.fixture(scope="module")
def drifting() -> dict[str, np.ndarray]:
    return bench.simulate(DRIFTING, runs=RUNS, seed=11)


def test_the_raw_judge_reports_a_trend_that_is_not_there(drifting: dict[str, np.ndarray]) -> None:
    assert drifting["naive trend"].mean() > 0.5
    assert drifting["naive difference"].mean() > 0.5


def test_the_corrected_curve_does_not(drifting: dict[str, np.ndarray]) -> None:
    for claim in ("corrected trend", "corrected difference", "trend of values"):
        assert drifting[claim].mean() <= 0.06 + tolerance(0.06), claim
    assert drifting["covered"].mean() == pytest.approx(0.95, abs=0.03)
    assert (drifting["drift"] != "no drift").all()


@pytest.mark.simulation
def test_the_check_catches_labels_that_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: the correction left out, the judge's own marks taken as labels."""
    whole = module.human_labels
    monkeypatch.setattr(
        module, "human_labels", lambda judge, human: whole(judge, np.where(np.isnan(human), NAN, judge))
    )
    found = bench.simulate(DRIFTING, runs=30, seed=11)
    assert found["corrected trend"].mean() > 0.06 + tolerance(0.06, 30)
    assert found["covered"].mean() < 0.5


def test_one_error_rate_for_all_rungs_does_not_correct_it() -> None:
    """Why the correction is made rung by rung: pooled sensitivity and specificity leave the trend as it was."""
    rejected = []
    for seed in range(60):
        judge, human = bench.study(DRIFTING, np.random.default_rng(seed))
        known = ~np.isnan(human)
        se, sp = (float((judge[known & (human == t)] == t).mean()) for t in (1, 0))
        corrected = (judge[:, 0] + sp - 1) / (se + sp - 1)
        trend = corrected @ (np.array(bench.EFFORTS) - np.mean(bench.EFFORTS))
        rejected.append(abs(trend.mean()) > 1.96 * trend.std(ddof=1) / np.sqrt(len(trend)))
    assert np.mean(rejected) > 0.5


def test_a_fall_that_the_judge_hides_is_found() -> None:
    design = replace(DRIFTING, error=bench.HIDING, truth=bench.FALL, labels=100)
    found = bench.simulate(design, runs=20, seed=4)
    assert found["naive trend"].mean() < 0.4
    assert found["corrected trend"].mean() > 0.8


def test_the_benchmark_uses_the_published_errors(data: Path) -> None:
    published = json.loads((data / "published_values.json").read_text())
    assert list(bench.ERROR_LARGE) == published["inkling_matcher_error_by_level"]["large"]
    assert list(bench.ERROR_SMALL) == published["inkling_matcher_error_by_level"]["small"]
    assert list(bench.EFFORTS) == published["cochran_armitage_inkling"]["scores"]
    big = replace(DRIFTING, questions=200_000, labels=200_000)
    judge, human = bench.study(big, np.random.default_rng(0))
    np.testing.assert_allclose((judge != human).mean(axis=(0, 1)), bench.ERROR_LARGE, atol=0.005)
    np.testing.assert_allclose(human.mean(axis=(0, 1)), big.truth, atol=0.005)


def test_every_answer_labelled_gives_the_humans_mean() -> None:
    judge, human = small(1, labels=180)
    found = correct(judge, human)
    np.testing.assert_allclose(found.estimate, human.mean(axis=(0, 1)))
    np.testing.assert_allclose(found.values.mean(axis=0), human.mean(axis=(0, 1)))


def test_a_judge_that_says_nothing_is_left_out() -> None:
    judge, human = small(2)
    found = correct(np.ones_like(judge), human)
    labels = human_means(human)
    assert found.power == 0
    np.testing.assert_allclose(found.estimate, [rung[~np.isnan(rung)].mean() for rung in labels.T])


def test_a_perfect_judge_keeps_its_own_mean() -> None:
    judge, human = small(3)
    perfect = np.where(np.isnan(human), judge, human)
    found = correct(perfect, human)
    assert found.power == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(found.estimate, perfect.mean(axis=(0, 1)), atol=0.01)
    assert (found.high - found.low > 0.02).all(), "fifty labels without an error do not prove a judge without one"


def test_the_estimate_is_unbiased_and_the_tuned_weight_pays() -> None:
    """Against the humans' labels alone (λ = 0) and the plain correction (λ = 1), on the same studies."""
    truth, tuned, alone, plain = 0.4, [], [], []
    for seed in range(200):
        judge, human = small(seed, questions=150, draws=1, labels=40)
        q, h, j = HumanLabels(judge, human).by_question()
        weights = question_weights(150, rng=np.random.default_rng(seed), resamples=20)
        tuned.append(rectify(HumanLabels(judge, human), weights).estimate)
        alone.append(np.nanmean(h, axis=0))
        plain.append(q.mean(axis=0) + np.nanmean(h - j, axis=0))
    error = np.std(tuned, axis=0) / np.sqrt(200)
    assert (np.abs(np.mean(tuned, axis=0) - truth) < 4 * error).all()
    assert np.var(tuned, axis=0).mean() < 0.9 * min(np.var(alone, axis=0).mean(), np.var(plain, axis=0).mean())


def test_the_bootstrap_agrees_with_the_spread_of_the_influences() -> None:
    judge, human = small(4, questions=200, draws=1, labels=100)
    both = HumanLabels(judge, human)
    found = rectify(both, question_weights(200, rng=np.random.default_rng(0), resamples=20_000))
    by_hand = np.cov(found.values.T) / 200
    shrunk = found.covariance - np.diag(1 / (100 + 2.0) ** 2 * np.ones(5))
    np.testing.assert_allclose(np.diag(shrunk), np.diag(by_hand), rtol=0.08)
    np.testing.assert_allclose(shrunk, by_hand, atol=0.06 * by_hand.max())


@pytest.mark.parametrize("relabel", [lambda a: 1 - a], ids=["mirrored"])
def test_a_mirrored_axis_gives_the_mirrored_curve(relabel: Callable[[np.ndarray], np.ndarray]) -> None:
    judge, human = small(5)
    one, other = correct(judge, human), correct(relabel(judge), relabel(human))
    np.testing.assert_allclose(other.estimate, 1 - one.estimate, atol=1e-9)
    np.testing.assert_allclose(other.low, 1 - one.high, atol=1e-9)
    np.testing.assert_allclose(other.naive, 1 - one.naive)


def test_the_order_of_rungs_does_not_matter() -> None:
    judge, human = small(6)
    one, other = correct(judge, human), correct(judge[:, :, ::-1], human[:, :, ::-1])
    np.testing.assert_allclose(other.low[::-1], one.low)
    np.testing.assert_allclose(other.covariance[::-1, ::-1], one.covariance)


def test_an_interval_from_the_values_is_the_reported_one() -> None:
    judge, human = small(7)
    found = correct(judge, human)
    n = len(judge)
    half = special.stdtrit(n - 1, 0.975) * found.values.std(axis=0, ddof=1) / np.sqrt(n)
    centre = found.values.mean(axis=0)
    np.testing.assert_allclose(np.clip(centre - half, 0, 1), found.low)
    np.testing.assert_allclose(np.clip(centre + half, 0, 1), found.high)


def test_differences_are_contrasts_and_paired() -> None:
    judge, human = small(8)
    human = np.where(np.isnan(human[:, :, :1]), NAN, (judge + human[:, :, :1]) // 2)
    found = correct(judge, human)
    pairs = [(1, 0), (4, 0), (0, 4)]
    change = found.differences(pairs)
    assert change.pairs == tuple(pairs)
    mean = found.values.mean(axis=0)
    np.testing.assert_allclose(change.intervals.estimate, [mean[a] - mean[b] for a, b in pairs])
    assert change.intervals.low[1] == pytest.approx(-change.intervals.high[2])
    assert change.p[1] == pytest.approx(change.p[2])
    sums, p = found.contrasts([[-1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    assert sums.estimate[0] == pytest.approx(change.intervals.estimate[0])
    assert p[0] == pytest.approx(change.p[0])
    assert np.isnan([sums.estimate[1], p[1]]).all()


def test_the_interval_and_the_test_agree() -> None:
    judge, human = small(9)
    change = correct(judge, human).differences([(a, b) for a in range(5) for b in range(a)])
    zero_inside = (change.intervals.low <= 0) & (change.intervals.high >= 0)
    np.testing.assert_array_equal(zero_inside, change.p >= 0.05)


def test_rungs_that_cannot_be_corrected_say_why() -> None:
    judge, human = small(10)
    human[:, :, 0] = NAN
    human[1:, :, 1] = NAN
    human[0, 0, 1] = 1.0
    judge[:, :, 2] = NAN
    found = correct(judge, human)
    assert np.isnan(found.estimate).tolist() == [True, True, True, False, False]
    assert np.isnan([found.low[:3], found.high[:3], found.error[:3]]).all()
    assert np.isnan(found.values[:, :3]).all()
    assert found.reasons[0] == "human labels on 0 questions of this rung; needed: 2 at least"
    assert str(found.reasons[1]).startswith("human labels on 1 questions")
    assert found.reasons[2] == "the judge marked no answer of this rung"
    assert found.reasons[3:] == (None, None)
    assert not np.isnan(found.naive[:2]).any(), "the judge's own curve is still there, under its own name"
    change = found.differences([(4, 3), (4, 0)])
    assert np.isnan(change.p).tolist() == [False, True]
    assert np.isnan(change.intervals.low).tolist() == [False, True]


@pytest.mark.parametrize("shape", [(1, 5, 2), (1, 1, 1)])
def test_one_question_has_no_corrected_mean(shape: tuple[int, ...]) -> None:
    found = correct(np.ones(shape), np.ones(shape))
    assert np.isnan([found.estimate, found.low, found.high]).all()
    assert all(reason is not None for reason in found.reasons)


def test_no_labels_at_all() -> None:
    found = correct(np.ones((20, 2, 3)), np.full((20, 2, 3), NAN))
    assert np.isnan(found.estimate).all()
    assert np.isnan(found.power)
    assert all(r.reason for r in found.rogan_gladen)


def test_agreement_everywhere_is_not_certainty() -> None:
    human = np.full((200, 1, 2), NAN)
    human[:10] = 1.0
    found = correct(np.ones((200, 1, 2)), human)
    assert (found.estimate == 1).all()
    assert (found.low < 0.85).all()
    assert (~np.isnan(found.values)).sum(axis=0).tolist() == [10, 10], "the others prove nothing"


def test_labels_that_are_not_a_sample_are_noticed() -> None:
    """At the upper rung humans were sent what the judge marks 1, mostly wrongly: the correction overshoots 0."""
    n, judge = 3000, np.zeros((3000, 1, 2))
    judge[::2, 0, 0] = judge[::5, 0, 1] = 1.0
    human = np.full((n, 1, 2), NAN)
    human[:900, 0, 0] = judge[:900, 0, 0]
    marked = np.flatnonzero(judge[:, 0, 1])
    human[marked[:500], 0, 1] = 0.0
    human[marked[500:550], 0, 1] = 1.0
    found = correct(judge, human)
    assert found.reasons == (None, module.OUTSIDE)
    assert np.isnan(found.estimate).tolist() == [False, True]
    assert np.isnan(found.values[:, 1]).all()
    assert np.isnan(found.differences([(1, 0)]).p).all()


def test_graded_values_are_corrected_too() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((300, 1, 2))
    judge = np.clip(0.5 * truth + 0.4 + 0.05 * rng.standard_normal(truth.shape), 0, 1)
    human = np.where(np.arange(300)[:, None, None] < 60, truth, NAN)
    found = correct(judge, human)
    assert (np.abs(found.naive - 0.5) > 0.1).all()
    assert ((found.low < truth.mean(axis=(0, 1))) & (truth.mean(axis=(0, 1)) < found.high)).all()
    assert (found.high - found.low < 0.12).all()
    assert all("graded" in str(e.reason) for e in found.judge_error)


def test_randomness_is_the_argument() -> None:
    judge, human = small(12)
    np.testing.assert_array_equal(correct(judge, human).low, correct(judge, human).low)
    other = correct_judge(judge, human, rng=np.random.default_rng(1))
    assert (other.low != correct(judge, human).low).any()
    np.testing.assert_array_equal(other.estimate, correct(judge, human).estimate)


def test_bad_input_is_refused() -> None:
    judge, human = small(13)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        correct_judge(judge, human, rng=rng, level=95)
    with pytest.raises(ValueError, match="same shape"):
        correct_judge(judge, human[:, :1], rng=rng)
    with pytest.raises(ValueError, match="judge holds 2"):
        correct_judge(2 * judge, human, rng=rng)
    for wrong in ([1.0, -1.0], [[1.0, -1.0]], [[np.nan, 1, 0, 0, 0]]):
        with pytest.raises(ValueError, match="finite numbers"):
            correct(judge, human).contrasts(wrong)


def test_a_resample_without_labels_is_left_out() -> None:
    """Two labelled questions of 200: most resamples miss one, many miss both."""
    human = np.full((200, 1, 1), NAN)
    human[0], human[1] = 1.0, 0.0
    judge = (np.arange(200) % 2 == 0).astype(float).reshape(200, 1, 1)
    found = correct(judge, human)
    assert np.isfinite([found.estimate, found.low, found.high]).all()
    assert found.high[0] - found.low[0] > 0.5
