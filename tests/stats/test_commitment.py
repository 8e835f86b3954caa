"""The change-point against enumeration and planted changes; ``benchmarks/commitment.py`` with fewer traces."""

import numpy as np
import pytest
from benchmark import load_benchmark

from overthink.stats import commitment as core
from overthink.stats.commitment import commitment_step, first_passage_step, posterior

bench = load_benchmark("commitment")
RNG = np.random.default_rng


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


def test_the_posterior_counts_over_dispersed_resamples_as_fewer() -> None:
    counts = np.array([4.0, 8.0, 4.0, 16.0, 20.0, 16.0])
    np.testing.assert_allclose(posterior(counts, 20, scale=4.0), posterior(counts / 4, 5))
    assert posterior(counts, 20, scale=4.0).max() < posterior(counts, 20).max()


@pytest.fixture
def no_ramp(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ramp takes most of the time of a trace, and neither step nor interval depends on it."""
    monkeypatch.setattr(core, "ramp_width", lambda *counts, step: None)


@pytest.mark.usefixtures("no_ramp")
def test_the_bar_is_met_and_first_passage_is_late() -> None:
    results, passages = bench.simulate(bench.BAR, runs=60, seed=3)
    steps = [c.step for c in results]
    assert None not in steps
    assert abs(np.mean(steps) - 5) < 0.7
    assert np.mean([c.low <= 5 <= c.high for c in results]) > 0.9
    assert passages.mean() == pytest.approx(27.7, abs=1), "the published bias"


@pytest.mark.simulation
@pytest.mark.usefixtures("no_ramp")
def test_the_bar_catches_an_index_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: the last step at the old rate."""
    import overthink.stats.overdispersed as module

    original = module.gains
    monkeypatch.setattr(module, "gains", lambda counts, draws: original(counts, draws)[..., 1:])
    results, _ = bench.simulate(bench.BAR, runs=30, seed=3)
    assert abs(np.mean([c.step for c in results]) - 5) > 0.7


@pytest.mark.simulation
@pytest.mark.parametrize("rate", [0.5, 0.95])
def test_traces_without_a_change_do_not_commit(rate: float) -> None:
    results, _ = bench.simulate(bench.Design(8, rate, rate), runs=200, seed=5)
    never = [c for c in results if c.label == "no change shown"]
    assert 1 - len(never) / 200 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert all(c.step is c.low is c.high is c.ramp is None and "no change shown" in (c.reason or "") for c in never)


def test_a_fall_is_a_change_too() -> None:
    up = commitment_step([1, 2, 1, 2, 7, 8, 8, 7], 8, rng=RNG(1))
    down = commitment_step([7, 6, 7, 6, 1, 0, 0, 1], 8, rng=RNG(1))
    assert (up.step, up.low, up.high) == (down.step, down.low, down.high)
    assert up.p == pytest.approx(down.p, abs=0.01)
    assert up.committed
    assert down.committed
    assert up.before == pytest.approx(1 - down.before)
    assert up.after == 30 / 32


@pytest.mark.simulation
def test_the_ramp_is_the_planted_width() -> None:
    for width, slack in ((0, 1.0), (4, 1.5), (9, 2.5)):
        design = bench.Design(50, 0.2, 0.95, step=13, ramp=width)
        found, _ = bench.simulate(design, runs=30, seed=2)
        assert np.median([c.ramp for c in found]) == pytest.approx(width, abs=slack)


def test_a_change_wider_than_the_trace_has_no_ramp() -> None:
    counts = np.linspace(10, 40, 30).round().astype(int)
    found = commitment_step(counts, 50, rng=RNG(1))
    assert found.committed
    assert found.ramp is None


def test_one_step_says_nothing() -> None:
    found = commitment_step([8], 8, rng=RNG(1))
    assert not found.committed
    assert found.p is None
    assert found.reason == "one step only: nothing can change"


@pytest.mark.parametrize("counts", [[0] * 12, [8] * 12])
def test_certain_from_the_start_is_no_change(counts: list[int]) -> None:
    found = commitment_step(counts, 8, rng=RNG(1))
    assert not found.committed
    assert found.p == 1
    assert found.before == counts[0] / 8


@pytest.mark.parametrize(
    ("counts", "draws"),
    [([9, 1], 8), ([-1, 1], 8), ([0.5, 1], 8), ([np.nan, 1], 8), ([], 8), ([[1, 2]], 8), ([0, 0], 0), ([1, 1], 1.5)],
)
def test_impossible_counts_are_refused(counts: list[float], draws: int) -> None:
    with pytest.raises(ValueError, match="needed"):
        commitment_step(counts, draws, rng=RNG(1))
    with pytest.raises(ValueError, match="needed"):
        first_passage_step(counts, draws)


def test_levels_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        commitment_step([1, 2], 8, rng=RNG(1), level=95)
