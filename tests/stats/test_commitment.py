"""The change-point against enumeration and planted changes; ``benchmarks/commitment.py`` with fewer traces."""

from itertools import product

import numpy as np
import pytest
from benchmark import load_benchmark
from scipy import special

from overthink.stats import commitment
from overthink.stats.commitment import commitment_step, first_passage_step, log_likelihoods, no_jump_p, posterior

bench = load_benchmark("commitment")


def enumerated_p(counts: tuple[int, ...], draws: int) -> float:
    """The p-value by listing every sequence with the same total."""
    best = log_likelihoods(np.array(counts), draws).max()
    chance = as_good = 0.0
    for other in product(range(draws + 1), repeat=len(counts)):
        if sum(other) == sum(counts):
            weight = float(special.comb(draws, np.array(other)).prod())
            chance += weight
            as_good += weight * (log_likelihoods(np.array(other), draws).max() >= best - 1e-9)
    return as_good / chance


@pytest.mark.parametrize("counts", [(0, 0, 3, 3), (1, 2, 0, 3), (3, 1, 1, 0, 1), (0, 3), (2, 2, 2, 2)])
def test_the_test_is_exact(counts: tuple[int, ...]) -> None:
    assert no_jump_p(np.array(counts), 3) == pytest.approx(enumerated_p(counts, 3), abs=1e-12)


def test_the_likelihood_is_the_binomials() -> None:
    counts, draws = np.array([1, 2, 4, 4]), 4
    parts = (counts[:2], counts[2:])
    shares = [part.mean() / draws for part in parts]
    by_hand = sum(
        float((special.xlogy(part, p) + special.xlogy(draws - part, 1 - p)).sum())
        for part, p in zip(parts, shares, strict=True)
    )
    assert log_likelihoods(counts, draws)[1] == pytest.approx(by_hand)


def test_the_posterior_integrates_the_rates_out() -> None:
    """By quadrature of the likelihood under Jeffreys' prior, sin²-transformed."""
    counts, draws = np.array([0, 1, 3, 2, 3]), 3
    angle = (np.arange(4000) + 0.5) * np.pi / 8000
    rate = np.sin(angle) ** 2
    marginal = []
    for step in range(1, 5):
        parts = counts[:step], counts[step:]
        marginal.append(np.prod([np.mean(rate ** p.sum() * (1 - rate) ** (draws * len(p) - p.sum())) for p in parts]))
    np.testing.assert_allclose(posterior(counts, draws), np.array(marginal) / sum(marginal), rtol=1e-5)


def test_the_bar_is_met_and_first_passage_is_late() -> None:
    found, passages = bench.simulate(bench.BAR, runs=150, seed=3)
    steps = [c.step for c in found]
    assert None not in steps
    assert abs(np.mean(steps) - 5) < 0.7
    assert np.mean([c.low <= 5 <= c.high for c in found]) > 0.93
    assert passages.mean() == pytest.approx(27.7, abs=1), "the published bias"


def test_the_bar_catches_an_index_that_is_one_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: the last step at the old rate."""
    import overthink.stats.commitment as module

    original = log_likelihoods
    monkeypatch.setattr(module, "log_likelihoods", lambda counts, draws: original(counts, draws)[1:])
    found, _ = bench.simulate(bench.BAR, runs=60, seed=3)
    assert abs(np.mean([c.step for c in found]) - 5) > 0.7


@pytest.mark.parametrize("rate", [0.5, 0.95])
def test_traces_that_never_commit_are_said_to_never_commit(rate: float) -> None:
    found, _ = bench.simulate(bench.Design(8, rate, rate), runs=400, seed=5)
    share = np.mean([c.committed for c in found])
    assert share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    never = [c for c in found if not c.committed]
    assert all(c.step is c.low is c.high is c.ramp is None and "no change found" in (c.reason or "") for c in never)


def test_the_check_catches_an_asymptotic_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: twice the largest log-likelihood ratio read as chi-squared, as if the step were known."""
    import overthink.stats.commitment as module

    def asymptotic(counts: np.ndarray, draws: int) -> float:
        p = counts.mean() / draws
        one_rate = (special.xlogy(counts, p) + special.xlogy(draws - counts, 1 - p)).sum()
        return float(special.chdtrc(1, 2 * max(log_likelihoods(counts, draws).max() - one_rate, 0)))

    monkeypatch.setattr(module, "no_jump_p", asymptotic)
    found, _ = bench.simulate(bench.Design(8, 0.5, 0.5), runs=200, seed=5)
    assert np.mean([c.committed for c in found]) > 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_fall_is_a_change_too() -> None:
    up = commitment_step([1, 2, 1, 2, 7, 8, 8, 7], 8)
    down = commitment_step([7, 6, 7, 6, 1, 0, 0, 1], 8)
    assert (up.step, up.low, up.high, up.p) == (down.step, down.low, down.high, pytest.approx(down.p))
    assert up.before == pytest.approx(1 - down.before)
    assert up.after == 30 / 32


def test_the_ramp_is_the_planted_width() -> None:
    for width, slack in ((0, 1.0), (4, 1.5), (9, 2.5)):
        design = bench.Design(50, 0.2, 0.95, step=13, ramp=width)
        found, _ = bench.simulate(design, runs=30, seed=2)
        assert np.median([c.ramp for c in found]) == pytest.approx(width, abs=slack)


def test_a_change_wider_than_the_trace_has_no_ramp() -> None:
    counts = np.linspace(10, 40, 30).round().astype(int)
    found = commitment_step(counts, 50)
    assert found.committed
    assert found.ramp is None


def test_one_step_says_nothing() -> None:
    found = commitment_step([8], 8)
    assert not found.committed
    assert found.p is None
    assert found.reason == "one step only: nothing can change"


@pytest.mark.parametrize("counts", [[0] * 12, [8] * 12])
def test_certain_from_the_start_is_no_change(counts: list[int]) -> None:
    found = commitment_step(counts, 8)
    assert not found.committed
    assert found.p == 1
    assert found.before == counts[0] / 8


@pytest.mark.parametrize(
    ("counts", "draws"),
    [([9, 1], 8), ([-1, 1], 8), ([0.5, 1], 8), ([np.nan, 1], 8), ([], 8), ([[1, 2]], 8), ([0, 0], 0), ([1, 1], 1.5)],
)
def test_impossible_counts_are_refused(counts: list[float], draws: int) -> None:
    for function in (commitment_step, first_passage_step):
        with pytest.raises(ValueError, match="needed"):
            function(counts, draws)


def test_levels_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        commitment_step([1, 2], 8, level=95)


def test_small_p_values_keep_their_digits() -> None:
    p = no_jump_p(np.repeat([0, 20], 20), 20)
    assert 0 < p < 1e-200
    assert p == pytest.approx(2 / float(special.comb(800, 400, exact=False)), rel=1e-6)
    assert commitment.no_jump_p(np.repeat([0, 20], 20)[::-1], 20) == pytest.approx(p, rel=1e-6)
