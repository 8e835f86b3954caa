"""Sampling that stopped at a success: first passage holds in expectation, Chen's formula does not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from overthink.stats.first_success import first_success_at_k, likely_batch, question_first_success
from overthink.stats.pass_at_k import pass_at_k

BATCH, CAP = 6, 24
ALL_K = np.arange(1, CAP + 1)

Estimate = Callable[[int, int], np.ndarray]


def expected(p: float, cap: int, estimate: Estimate) -> np.ndarray:
    """Expectation of ``estimate(attempts, successes)`` over every way the sampling can go."""
    total = np.zeros(len(ALL_K))
    silent = 1.0
    for end in range(BATCH, cap + BATCH, BATCH):
        made = min(end, cap) - (end - BATCH)
        for c in range(1, made + 1):
            chance = special.comb(made, c) * p**c * (1 - p) ** (made - c)
            total += silent * chance * estimate(min(end, cap), c)
        silent *= (1 - p) ** made
    return total + silent * estimate(cap, 0)


def beside_a_failure(cap: int) -> Estimate:
    """Twice the share of successes among the question and one that is known to have none."""
    return lambda n, c: 2 * first_success_at_k([n, cap], [c, 0], np.minimum(ALL_K, cap), batch=BATCH)


@pytest.mark.parametrize("p", [0.01, 0.2, 0.7])
@pytest.mark.parametrize("cap", [CAP, CAP - 4])
def test_first_passage_is_unbiased_at_every_k_up_to_the_cap(p: float, cap: int) -> None:
    truth = 1 - (1 - p) ** np.minimum(ALL_K, cap)
    np.testing.assert_allclose(expected(p, cap, beside_a_failure(cap)), truth, atol=1e-12)


def test_the_check_of_bias_catches_chen_and_a_success_at_the_end_of_its_batch() -> None:
    truth = 1 - 0.8**ALL_K

    def chen(n: int, c: int) -> np.ndarray:
        return pass_at_k([CAP, n], [0, c], ALL_K, stopping="fixed")[1] if n == CAP else tiled(n, c)

    def tiled(n: int, c: int) -> np.ndarray:
        return np.append(pass_at_k([n], [c], np.arange(1, n + 1))[0], np.ones(CAP - n))

    def at_the_end(n: int, c: int) -> np.ndarray:
        return ((n <= ALL_K) & (c > 0)).astype(float)

    assert (expected(0.2, CAP, chen) - truth).max() > 0.04
    assert (expected(0.2, CAP, at_the_end) - truth).min() < -0.1


@pytest.mark.parametrize("p", [0.05, 0.4])
def test_each_question_is_unbiased_and_the_mean_is_the_estimate(p: float) -> None:
    def one(n: int, c: int) -> np.ndarray:
        return question_first_success(np.array([n]), np.array([c]), ALL_K, batch=BATCH)[0]

    np.testing.assert_allclose(expected(p, CAP, one), 1 - (1 - p) ** ALL_K, atol=1e-12)
    n, c = np.array([6, 12, 24, 24, 18]), np.array([2, 1, 0, 3, 6])
    by_question = question_first_success(n, c, ALL_K, batch=BATCH)
    np.testing.assert_allclose(by_question.mean(axis=0), first_success_at_k(n, c, ALL_K, batch=BATCH), atol=1e-12)


def stopped(p: np.ndarray, caps: np.ndarray, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Attempts and successes of questions sampled in batches until one held a success, or to a cap of whole batches."""
    first = rng.geometric(np.maximum(p, 1e-12))
    end = -(-first // batch) * batch
    successes = 1 + rng.binomial(end - first, p)
    return np.minimum(end, caps), np.where(end <= caps, successes, 0)


def beta_questions(n: int, rng: np.random.Generator) -> np.ndarray:
    """A population whose chances of a success within 60, 100 and 300 tries are .310, .366 and .480."""
    return rng.beta(0.190, 10.37, n)


K = np.array([60, 100, 300])
TRUTH = np.array([0.310, 0.366, 0.480])


def test_the_published_example_of_first_passage_and_chen() -> None:
    rng = np.random.default_rng(7)
    n, c = stopped(beta_questions(20_000, rng), np.full(20_000, 9_960), 60, rng)
    got = first_success_at_k(n, c, K, batch=60)
    np.testing.assert_allclose(got, TRUTH, atol=4 * 0.5 / np.sqrt(20_000))
    chen = pass_at_k(n, c, K, stopping="fixed")
    chen = np.where(np.isnan(chen), 1.0, chen).mean(axis=0)  # who stopped before k had succeeded
    np.testing.assert_allclose(chen, [0.402, 0.454, 0.574], atol=0.02)
    assert (chen - TRUTH > 0.06).all()


def test_caps_that_differ() -> None:
    rng = np.random.default_rng(8)
    p = beta_questions(20_000, rng)
    caps = rng.choice([60, 120, 180, 600], len(p))
    n, c = stopped(p, caps, 60, rng)
    np.testing.assert_allclose(first_success_at_k(n, c, K, batch=60), TRUTH, atol=0.02)
    known_only = np.nanmean(question_first_success(n, c, K, batch=60), axis=0)
    given_up = ((c > 0)[:, None] & (n[:, None] <= K)).mean(axis=0)
    assert known_only[2] - TRUTH[2] > 0.05
    assert given_up[2] - TRUTH[2] < -0.05


def test_a_cap_within_a_batch() -> None:
    # The second question was watched for one attempt less: at the last, only the third is still at risk.
    got = first_success_at_k([2, 3, 4], [1, 0, 1], [1, 2, 3, 4], batch=2)
    np.testing.assert_allclose(got, [1 / 6, 1 / 3, 1 - 2 / 3 * (1 - 0.5 / 2), 1.0])


def test_batches_of_one_are_the_textbook_product_limit() -> None:
    # Successes at 1, 3 and 4; the question of two attempts leaves without one.
    got = first_success_at_k([1, 2, 3, 4, 4], [1, 0, 1, 1, 0], [1, 2, 3, 4], batch=1)
    np.testing.assert_allclose(got, 1 - np.cumprod([4 / 5, 1, 2 / 3, 1 / 2]))


def test_published_jailbreaks(data: Path) -> None:
    polars = pytest.importorskip("polars", reason="the core is tested without Polars here; known values need it")
    table = polars.read_parquet(data / "attempts.parquet").filter(polars.col("family") == "best_of_n_jailbreak")
    for _, rows in table.group_by("model"):
        n, c = rows["attempts"].to_numpy(), rows["successes"].to_numpy()
        assert likely_batch(n, c) == 60
    rows = table.filter(polars.col("model") == "Gemini 1.5 Flash")
    n, c = rows["attempts"].to_numpy(), rows["successes"].to_numpy()
    got = first_success_at_k(n, c, [60, 1000, 10_000], batch=60)
    np.testing.assert_allclose(got, [0.075, 0.371, 0.654], atol=0.006)  # at 1000 the source knows the order
    chen = pass_at_k(n, c, 60, stopping="fixed").mean()
    assert chen == pytest.approx(0.172, abs=1e-3)
    with pytest.warns(UserWarning, match="first_success_at_k"):
        assert pass_at_k(n, c, 60).mean() == pytest.approx(got[0])


def test_numbers_set_beforehand_do_not_look_stopped() -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(90, 111, 40)
    c = rng.binomial(n, rng.beta(0.5, 0.5, 40))
    assert likely_batch(n, c) is None
    assert likely_batch(np.array([5, 5]), np.array([1, 0])) is None
    assert likely_batch(np.array([5, 10]), np.array([0, 0])) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: first_success_at_k([4, 8], [1, 5], [4], batch=4), "question 1 has 5 successes"),
        (lambda: first_success_at_k([9], [2], [4], batch=4), "only 1 attempts"),
        (lambda: first_success_at_k([4], [1], [4], batch=0), "batch is 0"),
        (lambda: first_success_at_k([4], [1], [5], batch=4), "k is 5"),
        (lambda: first_success_at_k([4], [1, 0], [4], batch=4), "one of each per question"),
    ],
)
def test_what_did_not_stop_at_a_success_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
