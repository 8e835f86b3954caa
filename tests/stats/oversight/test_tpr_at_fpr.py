"""TPR at FPR: the curve by interpolation, refusals, and each interval against its definition."""

import math

import numpy as np
import pytest
from scipy import stats

import overthink
from overthink.stats.oversight.tpr_at_fpr import TprMethod, tpr_at_fpr

RNG = np.random.default_rng


def by_points(honest: np.ndarray, attack: np.ndarray, rate: float) -> float:
    """TPR on straight lines between the points of the curve, one threshold after another."""
    thresholds = [np.inf, *np.unique(np.concatenate([honest, attack]))[::-1]]
    points = [(float((honest >= t).mean()), float((attack >= t).mean())) for t in thresholds]
    at = [tpr for fpr, tpr in points if math.isclose(fpr, rate, abs_tol=1e-9)]
    if at:
        return max(at)
    before = max((point for point in points if point[0] < rate), key=lambda point: (point[0], point[1]))
    after = min((point for point in points if point[0] > rate), key=lambda point: (point[0], point[1]))
    return before[1] + (rate - before[0]) / (after[0] - before[0]) * (after[1] - before[1])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", [0.02, 0.05, 0.31])
def test_the_estimate_lies_on_the_curve(seed: int, rate: float) -> None:
    rng = RNG(seed)
    honest, attack = rng.integers(0, 12, 50).astype(float), rng.integers(3, 15, 40).astype(float)
    found = tpr_at_fpr(honest, attack, fpr=rate)
    assert found.estimate == pytest.approx(by_points(honest, attack, rate), abs=1e-9)


@pytest.mark.parametrize(("n", "rate"), [(100, 0.01), (200, 0.01), (499, 0.01), (99, 0.05)])
def test_too_few_honest_runs_are_refused_and_the_estimate_stays(n: int, rate: float) -> None:
    rng = RNG(0)
    found = tpr_at_fpr(rng.normal(size=n), rng.normal(size=100) + 2, fpr=rate)
    assert 0 < found.estimate < 1
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.n_needed == round(5 / rate)
    assert found.reason == (
        f"{n} honest runs are too few for an interval at this false positive rate; needed: {found.n_needed:,}"
    )


@pytest.mark.parametrize(("n", "rate"), [(500, 0.01), (100, 0.05), (199, 0.05)])
def test_between_five_and_ten_the_interval_is_that_of_order_statistics(n: int, rate: float) -> None:
    rng = RNG(1)
    honest, attack = rng.normal(size=n), rng.normal(size=120) + 2
    found = tpr_at_fpr(honest, attack, fpr=rate)
    each = 0.975
    above = np.array([(honest > value).sum() for value in honest])
    low_share = np.where(above > 0, stats.beta.ppf((1 - each) / 2, above, n - above + 1), 0.0)
    high_share = stats.beta.ppf((1 + each) / 2, above + 2, n - above - 1)
    lowest = honest[low_share <= rate].min()
    highest = honest[high_share >= rate].max()
    low = stats.binomtest(int((attack > highest).sum()), 120).proportion_ci(each, "exact").low
    high = stats.binomtest(int((attack >= lowest).sum()), 120).proportion_ci(each, "exact").high
    assert found.method is TprMethod.ORDER
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_from_ten_on_the_interval_is_the_bootstrap_of_both_classes() -> None:
    rng = RNG(2)
    honest, attack = rng.normal(size=200), rng.normal(size=150) + 2
    found = tpr_at_fpr(honest, attack, fpr=0.05)
    resamples = [by_points(rng.choice(honest, 200), rng.choice(attack, 150), 0.05) for _ in range(200)]
    assert found.method is TprMethod.BOOTSTRAP
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(resamples, [0.025, 0.975])), abs=0.04)
    assert found == tpr_at_fpr(honest, attack, fpr=0.05)


def test_where_nearly_all_attacks_are_caught_the_interval_keeps_a_width() -> None:
    rng = RNG(3)
    found = tpr_at_fpr(rng.random(400), rng.random(100) + 2, fpr=0.05)
    assert (found.estimate, found.high, found.method) == (1.0, 1.0, TprMethod.ORDER)
    assert found.low == pytest.approx(stats.binomtest(100, 100).proportion_ci(0.975, "exact").low)


def test_runs_that_repeat_their_question_are_not_more_runs() -> None:
    rng = RNG(4)
    honest, attack = np.repeat(rng.normal(size=40), 25), np.repeat(rng.normal(size=40) + 2, 5)
    labels = np.repeat(np.arange(40), 25), np.repeat(np.arange(40) + 40, 5)
    alone, clustered = (tpr_at_fpr(honest, attack, fpr=0.05, clusters=each) for each in (None, labels))
    assert alone.reason is None
    assert clustered.estimate == alone.estimate
    assert clustered.reason is not None
    assert "1,000 honest runs share questions and are worth" in clustered.reason


def test_a_question_of_both_classes_is_resampled_as_one() -> None:
    """A question's level moves both classes: resampled together it moves the rate less than apart."""
    rng = RNG(5)
    level = rng.normal(size=400) * 2
    honest, attack = level + rng.normal(size=400), level + 2 + rng.normal(size=400)
    questions = np.arange(400)
    together, apart = (
        tpr_at_fpr(honest, attack, fpr=0.05, clusters=(questions, other)) for other in (questions, questions + 400)
    )
    assert together.method is apart.method is TprMethod.BOOTSTRAP
    assert together.high - together.low < apart.high - apart.low


def test_what_tells_nothing_apart_has_a_reason_and_no_interval() -> None:
    for honest, attack, estimate, words in (
        ([], [1.0], math.nan, "no honest run"),
        ([1.0], [], math.nan, "no attacking run"),
        ([0.5] * 300, [0.5] * 300, 0.05, "all scores are equal"),
    ):
        found = tpr_at_fpr(honest, attack, fpr=0.05)
        assert found.estimate == pytest.approx(estimate, nan_ok=True)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert found.reason is not None
        assert words in found.reason


@pytest.mark.parametrize("rate", [0, 1, 5])
def test_a_rate_is_a_share(rate: float) -> None:
    with pytest.raises(ValueError, match="fpr is"):
        overthink.tpr_at_fpr([0.1], [0.2], fpr=rate)


def test_scores_that_are_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="attack has 1 of 2 scores that are NaN"):
        overthink.tpr_at_fpr([0.1, 0.2], [math.nan, 0.3], fpr=0.05)
