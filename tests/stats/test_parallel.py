"""Each estimator equals the average over every subset, at any size of pool that can be enumerated."""

import warnings
from collections.abc import Callable
from math import comb

import numpy as np
import pytest
from core_pools import mean_over_subsets, plurality
from hypothesis import given
from hypothesis import strategies as st

from overthink.stats.first_success import first_success_at_k
from overthink.stats.pass_at_k import best_at_k, consensus_at_k, majority_at_k, pass_at_k, worst_at_k

EXACT = 1e-12

binary_pools = st.lists(st.booleans(), min_size=1, max_size=9)
# None abstains, 0 is right.
votes = st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=1, max_size=9)
graded = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1)), min_size=1, max_size=9)


def vote(answers: list[int | None], k: int) -> float:
    counts = [answers.count(a) for a in range(5)]
    return float(majority_at_k(counts, 0, k, abstentions=answers.count(None))[0])


@given(binary_pools)
def test_pass_and_worst_are_averages_over_subsets(draws: list[bool]) -> None:
    n, c = len(draws), sum(draws)
    sizes = np.arange(1, n + 1)
    some = [mean_over_subsets(n, k, lambda i: any(draws[j] for j in i)) for k in sizes]
    every = [mean_over_subsets(n, k, lambda i: all(draws[j] for j in i)) for k in sizes]
    np.testing.assert_allclose(pass_at_k([n], [c], sizes)[0], some, atol=EXACT)
    np.testing.assert_allclose(worst_at_k([n], [c], sizes)[0], every, atol=EXACT)


@given(binary_pools)
def test_consensus_is_the_average_over_subsets(draws: list[bool]) -> None:
    n, c = len(draws), sum(draws)
    sizes = np.arange(1, n + 1)
    half = [mean_over_subsets(n, k, lambda i: 2 * sum(draws[j] for j in i) >= len(i)) for k in sizes]
    np.testing.assert_allclose(consensus_at_k([n], [c], sizes)[0], half, atol=EXACT)


def test_half_is_enough_for_consensus() -> None:
    assert consensus_at_k([10], [5], [10]) == pytest.approx(1.0)
    assert consensus_at_k([10], [4], [10]) == pytest.approx(0.0)
    np.testing.assert_allclose(consensus_at_k([4, 2, 4], [2, 1, 2], [1, 3]), [[0.5, 0.5], [0.5, np.nan], [0.5, 0.5]])
    assert consensus_at_k([10_000], [5_100], [4_001])[0, 0] == pytest.approx(0.9495, abs=2e-3)  # normal approximation


def subsets_disagree(majority: Callable[[list[int | None], int], float], answers: list[int | None]) -> float:
    n = len(answers)
    return max(
        abs(majority(answers, k) - mean_over_subsets(n, k, lambda i: plurality([answers[j] for j in i], 0)))
        for k in range(1, n + 1)
    )


@given(votes)
def test_majority_is_the_average_over_subsets(answers: list[int | None]) -> None:
    assert subsets_disagree(vote, answers) < EXACT


def test_majority_of_larger_pools_is_the_average_over_subsets() -> None:
    rng = np.random.default_rng(4)
    for _ in range(12):
        drawn = rng.choice(6, p=rng.dirichlet(np.ones(6)), size=13)
        assert subsets_disagree(vote, [None if a == 5 else int(a) for a in drawn]) < EXACT


def test_the_subset_check_catches_wrong_votes() -> None:
    """A prefix vote, ties lost, and abstentions that count as wrong all fail the check."""
    answers = [0, 1, None, 1, 0, 0, None, 2]

    def prefix(answers: list[int | None], k: int) -> float:
        return plurality(answers[:k], 0)

    def ties_lost(answers: list[int | None], k: int) -> float:
        n = len(answers)
        return mean_over_subsets(n, k, lambda i: plurality([answers[j] for j in i], 0) == 1)

    def abstentions_wrong(answers: list[int | None], k: int) -> float:
        return vote([5 - 1 if a is None else a for a in answers], k)

    for broken in (prefix, ties_lost, abstentions_wrong):
        assert subsets_disagree(broken, answers) > 0.01


@given(graded)
def test_best_is_the_average_over_subsets_with_ties_shared(pool: list[tuple[float, float]]) -> None:
    scores, values = [s for s, _ in pool], [v for _, v in pool]

    def chosen(i: list[int]) -> float:
        top = max(scores[j] for j in i)
        return float(np.mean([values[j] for j in i if scores[j] == top]))

    n = len(pool)
    want = [mean_over_subsets(n, k, chosen) for k in range(1, n + 1)]
    np.testing.assert_allclose(best_at_k(scores, values, np.arange(1, n + 1)), want, atol=EXACT)


@given(graded)
def test_best_by_the_values_is_the_expected_maximum(pool: list[tuple[float, float]]) -> None:
    values = [v for _, v in pool]
    sizes = range(1, len(pool) + 1)
    top = [mean_over_subsets(len(pool), k, lambda i: max(values[j] for j in i)) for k in sizes]
    bottom = [mean_over_subsets(len(pool), k, lambda i: min(values[j] for j in i)) for k in sizes]
    np.testing.assert_allclose(best_at_k(values, values, list(sizes)), top, atol=EXACT)
    np.testing.assert_allclose(best_at_k([-v for v in values], values, list(sizes)), bottom, atol=EXACT)


@given(binary_pools)
def test_best_by_the_values_is_pass(draws: list[bool]) -> None:
    sizes = np.arange(1, len(draws) + 1)
    values = np.array(draws, dtype=float)
    np.testing.assert_allclose(
        best_at_k(values, values, sizes), pass_at_k([len(draws)], [sum(draws)], sizes)[0], atol=EXACT
    )


@given(binary_pools)
def test_more_tries_never_hurt_pass_nor_help_worst(draws: list[bool]) -> None:
    sizes = np.arange(1, len(draws) + 1)
    assert (np.diff(pass_at_k([len(draws)], [sum(draws)], sizes)[0]) >= -EXACT).all()
    assert (np.diff(worst_at_k([len(draws)], [sum(draws)], sizes)[0]) <= EXACT).all()


def expectation(n: int, p: float, estimate: Callable[[int], float]) -> float:
    return sum(comb(n, c) * p**c * (1 - p) ** (n - c) * estimate(c) for c in range(n + 1))


@pytest.mark.parametrize("p", [0.01, 0.3, 0.9])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_pass_and_worst_are_unbiased(p: float, k: int) -> None:
    assert expectation(8, p, lambda c: pass_at_k([8], [c], k)[0, 0]) == pytest.approx(1 - (1 - p) ** k)
    assert expectation(8, p, lambda c: worst_at_k([8], [c], k)[0, 0]) == pytest.approx(p**k)


def test_the_bias_check_catches_the_plug_in() -> None:
    assert abs(expectation(8, 0.3, lambda c: 1 - (1 - c / 8) ** 3) - (1 - 0.7**3)) > 0.01


def test_majority_is_unbiased_for_a_fresh_vote() -> None:
    chances, n, k = (0.5, 0.3, 0.2), 6, 3

    def expected(size: int, worth: Callable[[list[int]], float]) -> float:
        total = 0.0
        for a in range(size + 1):
            for b in range(size + 1 - a):
                c = size - a - b
                ways = comb(size, a) * comb(size - a, b) * chances[0] ** a * chances[1] ** b * chances[2] ** c
                total += ways * worth([a, b, c])
        return total

    fresh = expected(k, lambda v: plurality([0] * v[0] + [1] * v[1] + [2] * v[2], 0))
    assert expected(n, lambda v: float(majority_at_k(v, 0, k)[0])) == pytest.approx(fresh, abs=EXACT)


def test_a_duplicated_pool_decides_a_vote_of_everyone_alike() -> None:
    counts = [4, 4, 3]
    assert majority_at_k(counts, 0, 11) == pytest.approx(majority_at_k([2 * c for c in counts], 0, 22))
    assert majority_at_k(counts, 0, 11) == pytest.approx(0.5)


def test_large_pools_stay_accurate() -> None:
    big = majority_at_k([600, 400], 0, [1, 999])
    assert big[0] == pytest.approx(0.6, rel=1e-9)
    assert big[1] == pytest.approx(1.0, rel=1e-9)
    assert pass_at_k([10_000], [1], [1, 5_000])[0] == pytest.approx([1e-4, 0.5], abs=1e-10)


def test_numbers_of_attempts_that_differ() -> None:
    got = pass_at_k([4, 2], [3, 1], [1, 3], stopping="fixed")
    np.testing.assert_allclose(got, [[0.75, 1.0], [0.5, np.nan]])
    np.testing.assert_allclose(worst_at_k([4, 2], [1, 1], [1, 3]), [[0.25, 0.0], [0.5, np.nan]])
    # Three successes do not fit in a last batch of two: this did not stop at the first success.
    with pytest.warns(UserWarning, match="treated as set beforehand"):
        np.testing.assert_allclose(pass_at_k([4, 2], [3, 1], [1, 3]), got)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pass_at_k([4, 4], [1, 2], [1])


def test_sampling_that_looks_stopped_is_not_given_chens_formula() -> None:
    attempts, successes, k = [60, 180, 600], [2, 1, 0], [60, 150, 600]
    with pytest.warns(UserWarning, match="last batch of 60, the mark of sampling that stopped"):
        inferred = pass_at_k(attempts, successes, k)
    np.testing.assert_allclose(inferred, [[1, 1, 1], [0, 0.5, 1], [0, 0, 0]])
    np.testing.assert_allclose(inferred.mean(axis=0), first_success_at_k(attempts, successes, k, batch=60))
    chen = pass_at_k(attempts, successes, k, stopping="fixed")
    assert chen[1, 0] == pytest.approx(1 / 3)
    assert np.isnan(chen[0, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pass_at_k([4], [1], [5]), "k is 5"),
        (lambda: pass_at_k([4], [1], [0]), "k is 0"),
        (lambda: pass_at_k([4], [5], [1]), "5 successes in 4 attempts"),
        (lambda: pass_at_k([4, 4], [1], [1]), "one of each per question"),
        (lambda: pass_at_k([4.5], [1], [1]), "not whole"),
        (lambda: pass_at_k([[4]], [[1]], [1]), "needed: one dimension"),
        (lambda: pass_at_k([np.nan], [1], [1]), "missing"),
        (lambda: pass_at_k([4], [1], [1], stopping="first_success"), "first_success_at_k"),
        (lambda: pass_at_k([4], [1], [1], stopping="maybe"), "'maybe'"),
        (lambda: worst_at_k([4], [1], [5]), "k is 5"),
        (lambda: consensus_at_k([4], [1], [5]), "k is 5"),
        (lambda: majority_at_k([2, 1], 0, [4]), "k is 4"),
        (lambda: majority_at_k([2, 1], 2, [1]), "correct is 2"),
        (lambda: majority_at_k([2, -1], 0, [1]), "negative"),
        (lambda: majority_at_k([2], 0, [1], abstentions=-1), "abstentions is -1"),
        (lambda: best_at_k([0.1, np.nan], [1, 0], [1]), "NaN"),
        (lambda: best_at_k([0.1, 0.2], [1, np.nan], [1]), "NaN"),
        (lambda: best_at_k([0.1], [1, 0], [1]), "one of each per draw"),
        (lambda: best_at_k([0.1], [1], [2]), "k is 2"),
    ],
)
def test_what_cannot_be_estimated_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_nobody_right_never_wins() -> None:
    assert majority_at_k([3, 1], None, [1, 2, 4]).tolist() == [0, 0, 0]
    assert majority_at_k([], None, [1, 2], abstentions=2).tolist() == [0, 0]
    assert pass_at_k([3], [0], [1, 3]).tolist() == [[0, 0]]
