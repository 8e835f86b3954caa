"""Verdicts from summaries: known values, mirrored inputs, and how often labels are wrong or are reached."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from overthink.stats.summary_verdict import (
    BEYOND,
    DOWN,
    GATED,
    NOT_SHOWN,
    UP,
    WITHIN,
    Counts,
    Effect,
    Estimate,
    fisher_p,
    summary_verdict,
    trend_verdict,
    unequal_shares_p,
)

RUNS = 2000
FIVE_PERCENT = 0.05 + 2 * math.sqrt(0.05 * 0.95 / RUNS)


@pytest.mark.parametrize(
    ("first", "second", "z", "direction", "equivalence"),
    [
        ((50, 1), (50, 1), 0, NOT_SHOWN, NOT_SHOWN),
        ((50, 0.2), (50, 0.2), 0, NOT_SHOWN, WITHIN),
        ((50, 0.2), (50.5, 0.2), 3.465, UP, WITHIN),
        ((50, 0.2), (48, 0.2), -13.859, DOWN, BEYOND),
        ((50, 0.2), (51, 0.2), 6.930, UP, NOT_SHOWN),
    ],
)
def test_direction_and_equivalence_are_two_labels(
    first: tuple[float, float], second: tuple[float, float], z: float, direction: str, equivalence: str
) -> None:
    found = summary_verdict(Estimate(*first), Estimate(*second), margin=1)
    assert (found.direction, found.equivalence) == (direction, equivalence)
    assert found.z == pytest.approx(z, abs=0.001)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(z)), rel=0.01)
    error = math.hypot(first[1], second[1]) / stats.norm.ppf(0.975)
    assert found.p_within == pytest.approx(stats.norm.sf((1 - abs(found.difference)) / error), rel=1e-6, abs=1e-300)
    assert found.high - found.low == pytest.approx(2 * math.hypot(first[1], second[1]))


def test_the_half_width_is_read_at_its_own_level() -> None:
    narrow = summary_verdict(Estimate(50, 1, level=0.90), Estimate(52, 1, level=0.90), margin=1)
    assert narrow.z == pytest.approx(2 / math.sqrt(2) * stats.norm.ppf(0.95))


def test_newcombes_interval_has_its_published_values() -> None:
    """Newcombe (1998), table II, method 10: 56/70 - 48/80 and 9/10 - 3/10."""
    for treated, control, low, high in (
        (Counts(56, 70), Counts(48, 80), 0.0524, 0.3339),
        (Counts(9, 10), Counts(3, 10), 0.1705, 0.8090),
    ):
        found = summary_verdict(control, treated, margin=0.05)
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.0002)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_fishers_p_is_scipys(n: int, m: int, data: st.DataObject) -> None:
    k, j = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    expected = stats.fisher_exact([[k, n - k], [j, m - j]]).pvalue
    assert fisher_p(Counts(k, n), Counts(j, m)) == pytest.approx(expected, rel=1e-6)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.01, 0.5))
def test_the_labels_of_equivalence_are_those_of_the_interval(k: int, j: int, margin: float) -> None:
    first, second = Counts(k, 40), Counts(j, 40)
    found = summary_verdict(first, second, margin=margin)
    ninety = summary_verdict(first, second, margin=margin, alpha=0.1)
    ends = max(abs(ninety.low), abs(ninety.high))
    if abs(ends - margin) > 1e-6:
        assert (found.equivalence == WITHIN) == (ends < margin)
    if min(abs(found.low), abs(found.high)) > margin + 1e-6 and found.low * found.high > 0:
        assert found.equivalence == BEYOND


@given(st.floats(1, 99), st.floats(0.01, 5), st.floats(1, 99), st.floats(0.01, 5))
def test_swapped_summaries_give_the_mirrored_verdict(a: float, a_half: float, b: float, b_half: float) -> None:
    first, second = Estimate(a, a_half), Estimate(b, b_half)
    there, back = summary_verdict(first, second, margin=1), summary_verdict(second, first, margin=1)
    assert (back.difference, back.p, back.equivalence) == (-there.difference, there.p, there.equivalence)
    assert back.direction == {UP: DOWN, DOWN: UP, NOT_SHOWN: NOT_SHOWN}[there.direction]


def test_an_effect_that_differs_is_shown_with_enough_trials_only() -> None:
    def change(n: int) -> str:
        none, high = (
            Effect(Counts(6 * n, 10 * n), Counts(3 * n, 10 * n)),
            Effect(Counts(4 * n, 10 * n), Counts(4 * n, 10 * n)),
        )
        return summary_verdict(none, high, margin=0.05).direction

    assert (change(2), change(50)) == (NOT_SHOWN, DOWN)


def test_a_trend_is_cochran_and_armitages() -> None:
    found = trend_verdict([62, 49, 47, 62, 57], [260] * 5, [0, 0.2, 0.7, 0.9, 0.99], margin=0.1)
    assert (found.z, found.p) == pytest.approx((0.0631, 0.9497), abs=1e-4)
    assert (found.direction, found.equivalence) == (NOT_SHOWN, WITHIN)
    two = trend_verdict([10, 30], [50, 50], [0, 1], margin=0.1)
    assert two.difference == pytest.approx(0.4)
    assert two.p == pytest.approx(stats.chi2_contingency([[10, 30], [40, 20]], correction=False).pvalue)


def test_no_success_at_any_level_is_no_trend() -> None:
    found = trend_verdict([0, 0, 0], [2000] * 3, [0, 1, 2], margin=0.05)
    assert (found.p, found.direction, found.equivalence) == (1, NOT_SHOWN, WITHIN)
    assert unequal_shares_p([0, 0], [5, 5]) == unequal_shares_p([5, 5], [5, 5]) == 1


def test_a_judge_that_drifts_withholds_both_labels_and_a_steady_judge_does_not() -> None:
    k, n, x = [100, 63, 64, 57, 64], [260] * 5, [0, 0.2, 0.7, 0.9, 0.99]
    steady = trend_verdict(k, n, x, margin=0.05, judge_errors=[50] * 5)
    assert (steady.direction, steady.gates_failed) == (DOWN, ())
    drifting = trend_verdict(k, n, x, margin=0.05, judge_errors=[73, 47, 50, 40, 45])
    assert (drifting.direction, drifting.equivalence, drifting.gates_failed) == (GATED, GATED, ("judge_drift",))
    assert drifting.p == steady.p


def _shares(first: float, second: float, n: int) -> dict[str, float]:
    """How often each label is given to two counts with these chances."""
    rng = np.random.default_rng(20)
    pairs = rng.binomial(n, (first, second), size=(RUNS, 2))
    found = [summary_verdict(Counts(int(a), n), Counts(int(b), n), margin=0.1) for a, b in pairs]
    labels = [label for verdict in found for label in (verdict.direction, verdict.equivalence)]
    return {label: labels.count(label) / RUNS for label in (UP, DOWN, WITHIN, BEYOND)}


@pytest.mark.simulation
def test_labels_of_counts_keep_their_error_rates() -> None:
    same, edge = _shares(0.3, 0.3, 200), _shares(0.3, 0.4, 200)
    assert same[UP] + same[DOWN] <= FIVE_PERCENT
    assert edge[WITHIN] <= FIVE_PERCENT
    assert edge[BEYOND] <= FIVE_PERCENT


def test_labels_of_counts_are_reached() -> None:
    assert _shares(0.3, 0.6, 200)[UP] > 0.95
    assert _shares(0.3, 0.6, 200)[BEYOND] > 0.95
    assert _shares(0.1, 0.1, 400)[WITHIN] > 0.95


def test_pairs_that_share_their_questions_make_it_conservative() -> None:
    """Questions of very different difficulty, the same on both sides: the false alarms of the unpaired test fall."""
    rng = np.random.default_rng(21)
    chance = rng.beta(0.3, 0.3, size=(RUNS, 200))
    both = (rng.random((2, RUNS, 200)) < chance).sum(axis=2)
    alarms = np.mean([fisher_p(Counts(int(a), 200), Counts(int(b), 200)) <= 0.05 for a, b in both.T])
    assert alarms <= 0.02


def test_trends_keep_their_error_rate_and_are_reached() -> None:
    rng = np.random.default_rng(22)
    scores, n = [0, 1, 2, 3], [200] * 4

    def rate(chances: list[float], label: str) -> float:
        counts = rng.binomial(200, chances, size=(RUNS, 4))
        found = [trend_verdict(k, n, scores, margin=0.1) for k in counts]
        return float(np.mean([label in (verdict.direction, verdict.equivalence) for verdict in found]))

    assert rate([0.3] * 4, UP) + rate([0.3] * 4, DOWN) <= FIVE_PERCENT
    assert rate([0.3, 0.4 - 0.2 / 3, 0.3 + 0.2 / 3, 0.4], WITHIN) <= FIVE_PERCENT
    assert rate([0.3, 0.35, 0.4, 0.5], UP) > 0.95
    assert rate([0.05] * 4, WITHIN) > 0.95


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Estimate(1, 0), "half width above 0"),
        (lambda: Estimate(math.nan, 1), "finite value"),
        (lambda: Counts(3, 2), "to all of them successes"),
        (lambda: Counts(0, 0), "at least 1 trial"),
        (lambda: summary_verdict(Estimate(1, 1), Counts(1, 2), margin=1), "not of the same kind"),
        (lambda: summary_verdict(Estimate(1, 1), Estimate(1, 1), margin=0), "margin above 0"),
        (lambda: summary_verdict(Estimate(1, 1), Estimate(1, 1), margin=1, alpha=0.5), "alpha"),
        (lambda: trend_verdict([1, 2], [3, 3], [0, 0], margin=0.1), "scores rise"),
        (lambda: trend_verdict([1, 4], [3, 3], [0, 1], margin=0.1), "are counted"),
        (lambda: trend_verdict([1], [3], [0], margin=0.1), "two levels"),
        (lambda: trend_verdict([1, 2], [3, 3], [0, 1], margin=0.1, judge_errors=[1]), "per level"),
    ],
)
def test_bad_input_is_one_clear_error(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
