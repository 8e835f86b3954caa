"""Paired differences against SciPy and against counts by hand; no interval without width."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from overthink.stats.paired import PairedMethod, design_effect, detectable, flipped, mcnemar, paired_mean

LEVEL, MARGIN = 0.95, 0.05


def two_arms(questions: int, draws: int, *, rise: float = 0.05, seed: int = 0) -> tuple[NDArray[np.float64], ...]:
    """(question, draw) yes-or-no answers of two arms to questions that are as hard in both."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 1, (questions, 1))
    sides = (chance, np.minimum(chance + rise, 1.0))
    return tuple((rng.random((questions, draws)) < side).astype(float) for side in sides)


@pytest.mark.parametrize(("questions", "draws"), [(500, 4), (500, 1), (60, 4)])
def test_the_interval_is_the_paired_t_interval_of_question_means(questions: int, draws: int) -> None:
    reference, arm = (side.mean(axis=1) for side in two_arms(questions, draws))
    found = paired_mean(arm - reference, level=LEVEL, margin=MARGIN)
    test = stats.ttest_rel(arm, reference)
    inner = test.confidence_interval(LEVEL)
    assert found.method is PairedMethod.STUDENT
    assert found.n_questions == questions
    assert (found.low, found.high) == pytest.approx((inner.low, inner.high), abs=1e-12)
    assert found.p == pytest.approx(test.pvalue, abs=1e-12)


@pytest.mark.parametrize(("questions", "draws", "rise"), [(500, 4, 0.0), (500, 1, 0.05), (60, 4, -0.02), (30, 1, 0.0)])
def test_equivalence_is_two_one_sided_tests_with_two_questions_more(questions: int, draws: int, rise: float) -> None:
    reference, arm = (side.mean(axis=1) for side in two_arms(questions, draws, rise=rise))
    change = arm - reference
    found = paired_mean(change, level=LEVEL, margin=MARGIN)
    size = np.sqrt((1 + (change**2).sum()) / (1 + np.count_nonzero(change)))
    more = np.r_[change, size, -size]
    error, df = more.std(ddof=1) / np.sqrt(len(more)), len(more) - 1
    half = stats.t.ppf(0.95, df) * error
    assert found.equivalence == pytest.approx((change.mean() - half, change.mean() + half), abs=1e-12)
    sides = stats.t.sf((MARGIN - change.mean()) / error, df), stats.t.sf((MARGIN + change.mean()) / error, df)
    assert found.p_equivalent == pytest.approx(max(sides), abs=1e-12)


@pytest.mark.parametrize("df", [3, 19, 99, 499])
def test_the_detectable_difference_has_a_power_of_80_percent(df: int) -> None:
    quantile = stats.t.ppf(0.975, df)

    def power(shift: float) -> float:
        return float(stats.nct.sf(quantile, df, shift) - 0.8)

    expected = optimize.brentq(power, 1, 8)
    assert detectable(0.02, df, level=LEVEL) == pytest.approx(0.02 * expected, rel=1e-6)


def test_a_difference_of_that_size_is_found_four_times_out_of_five() -> None:
    rng = np.random.default_rng(1)
    changes = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(4000, 300))
    mde = paired_mean(changes[0], level=LEVEL, margin=MARGIN).mde
    shifted = rng.choice([-1.0, 0.0, 1.0], p=[0.1 - mde / 2, 0.8, 0.1 + mde / 2], size=(1000, 300))
    shown = np.mean([paired_mean(one, level=LEVEL, margin=MARGIN).p <= 0.05 for one in shifted])
    assert 0.74 < shown < 0.86


@pytest.mark.parametrize("counts", [(0, 1), (3, 0), (9, 1), (7, 7), (30, 12)])
def test_mcnemar_is_the_exact_binomial_test(counts: tuple[int, int]) -> None:
    gained, lost = counts
    expected = stats.binomtest(gained, gained + lost)
    found = mcnemar(gained, lost, level=LEVEL)
    ends = expected.proportion_ci(LEVEL)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-12)
    assert (found.share, found.low, found.high) == pytest.approx((gained / (gained + lost), ends.low, ends.high))


def test_mcnemar_without_a_change_shows_nothing() -> None:
    found = mcnemar(0, 0, level=LEVEL)
    assert found.p == 1.0
    assert np.isnan([found.share, found.low, found.high]).all()


@pytest.mark.parametrize(
    ("differences", "method"),
    [
        (np.zeros(20), PairedMethod.EXACT),
        (np.zeros(500), PairedMethod.EXACT),
        (np.full(30, 0.25), PairedMethod.EXACT),
        (np.full(30, -1.0), PairedMethod.EXACT),
        (np.r_[np.zeros(99), 1.0], PairedMethod.PSEUDO),
        (np.r_[np.ones(48), 0.0, 0.0], PairedMethod.PSEUDO),
        (np.linspace(-0.5, 0.5, 8), PairedMethod.PSEUDO),
        (np.r_[np.zeros(90), np.ones(10)], PairedMethod.STUDENT),
        (np.full(40, 1 / 3) + np.tile([1e-12, -1e-12], 20), PairedMethod.EXACT),  # rounding is no difference
    ],
)
def test_no_interval_is_without_width(differences: NDArray[np.float64], method: PairedMethod) -> None:
    found = paired_mean(differences, level=LEVEL, margin=MARGIN)
    assert found.method is method
    assert found.low < found.high
    assert found.high - found.low > 0.5 / len(differences)
    assert found.low <= found.estimate <= found.high
    assert found.low >= -1
    assert found.high <= 1
    assert found.mde > 0
    assert found.equivalence[0] < found.equivalence[1]


def test_equal_answers_are_equivalent_only_from_enough_questions() -> None:
    # none of n changed where a share of 5 % would: .95 ** n is at most .05 from 59 questions
    assert paired_mean(np.zeros(58), level=LEVEL, margin=MARGIN).p_equivalent > 0.05
    assert paired_mean(np.zeros(59), level=LEVEL, margin=MARGIN).p_equivalent == pytest.approx(0.95**59)


@pytest.mark.parametrize("known", [0, 1])
def test_fewer_than_two_questions_show_nothing(known: int) -> None:
    differences = np.full(5, np.nan)
    differences[:known] = 1.0
    found = paired_mean(differences, level=LEVEL, margin=MARGIN)
    assert found.n_questions == known
    assert np.isnan([found.low, found.high, found.p, found.p_equivalent, found.mde]).all()
    assert np.isnan(found.estimate) == (known == 0)


def test_tests_and_intervals_agree() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        n = int(rng.integers(2, 60))
        spread = rng.choice([0.02, 0.2, 0.6])
        chances = np.array([spread / 2, 1 - 1.5 * spread / 1.5, spread / 2])
        found = paired_mean(rng.choice([-1.0, 0.0, 1.0], p=chances / chances.sum(), size=n), level=0.9, margin=0.2)
        if found.method is not PairedMethod.EXACT:
            assert (found.p < 0.1) == (found.low > 0 or found.high < 0)
        low, high = found.equivalence
        assert (found.p_equivalent < 0.1) == (low > -0.2 and high < 0.2)


def test_a_question_flips_by_the_majority_of_its_draws() -> None:
    reference = np.array([0.0, 0.25, 0.5, 0.75, 1.0, np.nan, 1.0])
    arm = np.array([1.0, 0.5, 0.25, 0.5, 0.0, 1.0, np.nan])
    gained, lost = flipped(reference, arm)
    assert np.flatnonzero(gained).tolist() == [0, 1]
    assert np.flatnonzero(lost).tolist() == [2, 4]


def test_the_design_effect_is_the_ratio_of_the_clustered_variance() -> None:
    values = two_arms(400, 4)[0]
    residual = values - values.mean()
    clustered = (residual.sum(axis=1) ** 2).sum() / values.size**2 * 400 / 399
    plain = residual.var(ddof=1) / values.size
    assert design_effect(values) == pytest.approx(clustered / plain, rel=1e-12)
    independent = (np.random.default_rng(0).random((400, 4)) < 0.5).astype(float)
    assert 0.8 < design_effect(independent) < 1.2
    assert np.isnan(design_effect(values[:, :1]))
    assert np.isnan(design_effect(np.ones((5, 4))))
    assert np.isnan(design_effect(values[:1]))
