"""The weighted vote: enumeration lies within its stated error, and a wrong vote does not."""

from collections.abc import Callable

import numpy as np
import pytest
from core_pools import mean_over_subsets

from overthink.stats.pass_at_k import majority_at_k
from overthink.stats.weighted_vote import WeightedVote, weighted_majority_at_k

SIZES = np.arange(1, 10)


def pool(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Nine draws, three answers and abstentions, with weights that tie now and then, and some of 0."""
    rng = np.random.default_rng(seed)
    return rng.integers(-1, 3, 9), rng.choice([0.0, 0.1, 0.2, 0.3, 0.7, 1.3], 9)


def elects(answers: np.ndarray, weights: np.ndarray) -> float:
    sums = {a: weights[answers == a].sum() for a in set(answers.tolist()) if a >= 0}
    top = max(sums.values(), default=0.0)
    winners = [a for a, s in sums.items() if abs(s - top) < 1e-9]
    return float(0 in winners and top > 0) / max(len(winners), 1)


def deviations(vote: Callable[[np.ndarray, np.ndarray, np.random.Generator], WeightedVote]) -> np.ndarray:
    """(pool, k): how many standard errors the vote is from the mean over every subset; NaN where it is known."""
    found = []
    for seed in range(30):
        answers, weights = pool(seed)
        got = vote(answers, weights, np.random.default_rng(100 + seed))
        want = [mean_over_subsets(9, k, lambda i, a=answers, w=weights: elects(a[i], w[i])) for k in SIZES]
        with np.errstate(invalid="ignore"):
            found.append((got.estimate - want) / np.where(got.error > 0, got.error, np.nan))
        np.testing.assert_allclose(np.where(got.error > 0, want, got.estimate), want)
    return np.array(found)


def test_enumeration_lies_within_the_stated_error() -> None:
    z = deviations(lambda a, w, rng: weighted_majority_at_k(a, w, SIZES, correct=0, rng=rng, permutations=400))
    z = z[~np.isnan(z)]
    assert z.size > 150
    assert np.abs(z).max() < 5
    assert 0.6 < np.sqrt(np.mean(z**2)) < 1.2


def test_the_check_catches_a_vote_by_other_weights() -> None:
    def unweighted(a: np.ndarray, w: np.ndarray, rng: np.random.Generator) -> WeightedVote:
        return weighted_majority_at_k(a, np.ones_like(w), SIZES, correct=0, rng=rng, permutations=400)

    with pytest.raises(AssertionError):
        assert np.nanmax(np.abs(deviations(unweighted))) < 5


def test_equal_weights_make_the_plain_majority() -> None:
    answers = np.repeat([0, 1, 2, -1], [30, 26, 8, 16])
    k = [1, 5, 20, 60, 80]
    got = weighted_majority_at_k(answers, np.full(80, 0.3), k, correct=0, rng=np.random.default_rng(1))
    exact = majority_at_k([30, 26, 8], 0, k, abstentions=16)
    assert (np.abs(got.estimate - exact) <= 4 * got.error + 1e-12).all()
    assert got.error[-1] == 0
    assert (got.error[:-1] > 0).all()


def test_the_scale_of_the_weights_does_not_matter() -> None:
    answers, weights = pool(3)
    one, other = (
        weighted_majority_at_k(answers, scale * weights, SIZES, correct=0, rng=np.random.default_rng(5))
        for scale in (1.0, 1e-6)
    )
    np.testing.assert_array_equal(one.estimate, other.estimate)


def test_the_order_of_k_does_not_matter_and_memory_does_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, weights = pool(4)

    def run(k: list[int]) -> np.ndarray:
        return weighted_majority_at_k(answers, weights, k, correct=0, rng=np.random.default_rng(6)).estimate

    whole = run([2, 5, 5, 3])
    np.testing.assert_array_equal(whole[[0, 3, 1, 2]], run([2, 3, 5, 5]))
    monkeypatch.setattr("overthink.stats.weighted_vote.CELLS_AT_ONCE", 100)
    np.testing.assert_allclose(run([2, 5, 5, 3]), whole)


def test_agreement_by_chance_is_not_certainty() -> None:
    answers = np.array([0] * 60 + [1] * 3)
    rng = np.random.default_rng(2)
    got = weighted_majority_at_k(answers, np.ones(63), [40, 63], correct=0, rng=rng, permutations=50)
    assert got.estimate.tolist() == [1.0, 1.0]
    assert got.error.tolist() == [1 / 52, 0.0]


def test_nobody_right_and_nobody_voting_lose() -> None:
    rng = np.random.default_rng(0)
    for answers, weights, correct in [([1, 1], [1, 1], None), ([1, 1], [1, 1], 0), ([-1, -1], [1, 1], 0)]:
        got = weighted_majority_at_k(answers, weights, [1, 2], correct=correct, rng=rng)
        assert (got.estimate.tolist(), got.error.tolist()) == ([0, 0], [0, 0])
    assert weighted_majority_at_k([0, 0], [0, 0], [2], correct=0, rng=rng).estimate.tolist() == [0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0, -0.1]}, "a weight is -0.1"),
        ({"weights": [1.0, np.nan]}, "a weight is nan"),
        ({"weights": [1.0]}, "one of each per draw"),
        ({"answers": [0.5, 1.0]}, "whole numbers"),
        ({"k": [3]}, "k is 3"),
        ({"permutations": 1}, "permutations is 1"),
    ],
)
def test_what_cannot_vote_is_refused(change: dict[str, object], message: str) -> None:
    given = {"answers": [0, 1], "weights": [1.0, 1.0], "k": [1], "correct": 0, "rng": np.random.default_rng(0)} | change
    with pytest.raises(ValueError, match=message):
        weighted_majority_at_k(**given)  # type: ignore[arg-type]
