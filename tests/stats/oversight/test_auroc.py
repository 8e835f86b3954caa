"""AUROC against all pairs and against DeLong's formula by hand; no number without meaning."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

import overthink
from overthink.stats.oversight.auroc import AurocMethod, auroc, auroc_difference, two_sided_p

RNG = np.random.default_rng


def delong(honest: list[float], attack: list[float]) -> tuple[float, float]:
    """AUROC and variance from the table of all pairs."""
    table = np.array([[(a > h) + 0.5 * (a == h) for h in honest] for a in attack])
    by_attack, by_honest = table.mean(axis=1), table.mean(axis=0)
    return float(table.mean()), float(by_attack.var(ddof=1) / len(attack) + by_honest.var(ddof=1) / len(honest))


@pytest.mark.parametrize("seed", range(4))
def test_estimate_and_error_are_those_of_the_table_of_all_pairs(seed: int) -> None:
    rng = RNG(seed)
    honest, attack = rng.integers(0, 8, 30).tolist(), rng.integers(2, 10, 17).tolist()
    found = auroc(honest, attack)
    estimate, variance = delong(honest, attack)
    assert (found.estimate, found.error**2) == pytest.approx((estimate, variance), abs=1e-12)
    assert found.estimate == pytest.approx(stats.mannwhitneyu(attack, honest).statistic / (30 * 17), abs=1e-12)
    assert found.low < found.estimate < found.high
    assert found.method is AurocMethod.DELONG


def test_runs_that_repeat_their_question_count_as_one() -> None:
    rng = RNG(1)
    honest, attack = rng.normal(size=25), rng.normal(size=25) + 1
    labels = [f"q{i}" for i in range(50)]
    single = auroc(honest, attack, clusters=(labels[:25], labels[25:]))
    thrice = auroc(
        np.repeat(honest, 3), np.repeat(attack, 3), clusters=(np.repeat(labels[:25], 3), np.repeat(labels[25:], 3))
    )
    plain = auroc(honest, attack)
    assert (single.low, single.high) == pytest.approx((plain.low, plain.high), abs=1e-12)
    assert (thrice.low, thrice.high) == pytest.approx((single.low, single.high), abs=1e-12)
    assert thrice.n_honest == 75


def test_a_question_of_both_classes_is_one_unit() -> None:
    """Runs of a question that share their level differ in less than runs of two questions: the error is smaller."""
    rng = RNG(2)
    level = rng.normal(size=60) * 2
    honest, attack = level + rng.normal(size=60), level + 1 + rng.normal(size=60)
    questions = np.arange(60)
    both, apart = (auroc(honest, attack, clusters=(questions, other)) for other in (questions, questions + 60))
    assert both.estimate == apart.estimate
    assert both.error < apart.error
    assert (both.n_pairs, apart.n_pairs) == (30, 60)


@pytest.mark.parametrize("n", [2, 14, 40])
def test_classes_apart_have_the_exact_bound(n: int) -> None:
    found = auroc(range(n), range(100, 100 + n))
    assert (found.estimate, found.error, found.high) == (1.0, 0.0, 1.0)
    assert found.low == pytest.approx(stats.binomtest(n, n).proportion_ci(0.95, "exact").low, abs=1e-12)
    mirrored = auroc(range(100, 100 + n), range(n))
    assert (mirrored.estimate, mirrored.low, mirrored.high) == pytest.approx((0.0, 0.0, 1 - found.low))
    assert found.p_chance == pytest.approx(0.5**n)


def test_what_tells_nothing_apart_has_a_reason_and_no_interval() -> None:
    for honest, attack, estimate, words in (
        ([], [1.0, 2.0], math.nan, "no honest run"),
        ([1.0], [], math.nan, "no attacking run"),
        ([0.5] * 9, [0.5] * 9, 0.5, "all scores are equal"),
        ([0.5], [0.1, 0.7], 0.5, "fewer than two questions"),
    ):
        found = auroc(honest, attack)
        assert found.estimate == pytest.approx(estimate, nan_ok=True)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert found.reason is not None
        assert words in found.reason
        assert found.method is AurocMethod.NONE


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (([0.1, math.nan], [0.5, 0.6]), {}, "honest has 1 of 2 scores that are NaN"),
        (([0.1, 0.2], [[0.5, 0.6]]), {}, "attack has shape"),
        (([0.1, 0.2], [0.5, 0.6]), {"level": 95}, "level is 95"),
        (([0.1, 0.2], [0.5, 0.6]), {"clusters": ([1, 2], [3])}, "clusters of attack"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(arguments: tuple, options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        overthink.auroc(*arguments, **options)


def test_labels_in_one_list_are_no_pair() -> None:
    with pytest.raises(TypeError, match="no pair"):
        overthink.auroc([0.1, 0.2], [0.5, 0.6], clusters=["a", "b", "c", "d"])


def test_two_monitors_are_compared_on_the_same_runs() -> None:
    rng = RNG(3)
    honest, attack = rng.normal(size=80), rng.normal(size=80) + 1
    noisy = honest + rng.normal(size=80) * 0.2, attack + rng.normal(size=80) * 0.2
    paired = auroc_difference((honest, attack), noisy)
    first, second = auroc(honest, attack), auroc(*noisy)
    assert paired.estimate == pytest.approx(first.estimate - second.estimate)
    assert paired.high - paired.low < 0.5 * math.hypot(first.high - first.low, second.high - second.low)
    table = [delong(h.tolist(), a.tolist())[0] for h, a in ((honest, attack), noisy)]
    assert (paired.first, paired.second) == pytest.approx(table)


def test_monitors_that_order_the_runs_alike_have_a_bound() -> None:
    rng = RNG(4)
    honest, attack = rng.normal(size=40), rng.normal(size=40) + 1
    alike = auroc_difference((honest, attack), (honest * 2 + 1, attack * 2 + 1))
    assert (alike.estimate, alike.p, alike.method) == (0.0, 1.0, AurocMethod.ALIKE)
    assert alike.high == pytest.approx(1 - 0.025 ** (1 / 40))


def test_two_monitors_need_the_same_runs() -> None:
    with pytest.raises(ValueError, match="same runs"):
        auroc_difference(([1, 2], [3, 4]), ([1, 2, 3], [3, 4]))


@pytest.mark.parametrize("share", [0.1, 0.9])
@pytest.mark.parametrize("sizes", [(10, 200), (200, 10)])
def test_flags_by_chance_are_no_better_than_chance_where_a_class_is_small(share: float, sizes: tuple[int, int]) -> None:
    """Exact rates over all tables of flags: 31 % before, where none or all of the ten runs were flagged."""
    chances = [stats.binom.pmf(np.arange(n + 1), n, share) for n in sizes]
    rates = np.zeros(2)
    for x, y in itertools.product(*(np.flatnonzero(chance > 0.02) for chance in chances)):
        area = auroc([0] * (sizes[0] - x) + [1] * x, [0] * (sizes[1] - y) + [1] * y)
        both = two_sided_p(area)
        assert (both <= 0.05) == (not area.low <= 0.5 <= area.high)
        rates[int(area.estimate > 0.5)] += (both <= 0.05) * chances[0][x] * chances[1][y]
    assert rates.max() <= 0.025


def test_a_class_with_one_score_throughout_has_an_error_of_its_own() -> None:
    honest, attack = [0.05] * 30, [0.05] * 3 + [0.8] * 27
    area = auroc(honest, attack)
    few = auroc(honest[:6], attack)
    assert 0.8 < area.low < area.estimate == few.estimate == 0.95 < area.high
    assert few.low < area.low
    assert few.p_chance > area.p_chance


def test_flags_by_chance_see_no_more_than_a_monitor_that_says_nothing() -> None:
    silent = [0] * 10, [0] * 200
    for flagged in (10, 20, 30):  # none of ten honest runs is flagged with a chance of 20 to 60 %
        assert auroc_difference(([0] * 10, [1] * flagged + [0] * (200 - flagged)), silent).p > 0.05
