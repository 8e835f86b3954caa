"""Steps that wobble by more than their resamples explain: no jump from wobble, jumps through it, and returns."""

import numpy as np
import pytest
from numpy.typing import NDArray

from overthink.data.verdict_labels import CommitmentLabel
from overthink.stats import commitment as module
from overthink.stats.commitment import commitment_step, commitment_steps
from overthink.stats.departure import departures, largest_run, within_runs
from overthink.stats.overdispersed import JumpTest, best_splits, gains, jump_test, wobble

RNG = np.random.default_rng
JUMP = [0.3] * 7 + [0.95] * 13
RETURN = [0.1] * 6 + [0.95] * 6 + [0.2] * 3 + [0.95] * 5


def sample(rates: list[float], *, icc: float, draws: int, traces: int, seed: int) -> list[NDArray[np.float64]]:
    """(step,) counts of each trace of a study."""
    rng = RNG(seed)
    return list(np.stack([wobble(rate, icc, draws, (traces,), rng=rng) for rate in rates], axis=1))


def share(label: CommitmentLabel, studies: int, rates: list[float], *, icc: float, draws: int) -> float:
    """Share of the traces of studies of 24 that get a label."""
    every = [sample(rates, icc=icc, draws=draws, traces=24, seed=seed) for seed in range(studies)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ramp_width", lambda *counts, step: None)  # most of the time, and no label depends on it
        results = [r for seed, traces in enumerate(every) for r in commitment_steps(traces, draws, rng=RNG(seed))]
    return float(np.mean([result.label is label for result in results]))


def test_the_wobble_is_beta_binomial() -> None:
    counts = wobble(0.3, 0.1, 20, (40_000,), rng=RNG(1))
    assert counts.mean() == pytest.approx(6, abs=0.05)
    assert counts.var() == pytest.approx(20 * 0.3 * 0.7 * (1 + 19 * 0.1), rel=0.03)
    assert wobble(0.3, 0.0, 20, (40_000,), rng=RNG(1)).var() == pytest.approx(20 * 0.3 * 0.7, rel=0.03)


def test_the_gain_is_the_binomial_likelihood_ratio() -> None:
    counts = np.array([1.0, 2.0, 4.0, 4.0, 3.0])

    def best(part: NDArray[np.float64]) -> float:
        rate = part.mean() / 5
        return float((part * np.log(rate) + (5 - part) * np.log(1 - rate)).sum())

    by_hand = [best(counts[:step]) + best(counts[step:]) - best(counts) for step in range(1, 5)]
    np.testing.assert_allclose(gains(counts, 5), by_hand)
    split = best_splits(counts, 5)
    assert int(split.step) == 1 + int(np.argmax(by_hand)) == 2
    parts = (counts[:2], counts[2:])
    chi = sum(float(((p - p.mean()) ** 2 / (p.mean() * (1 - p.mean() / 5))).sum()) for p in parts)
    assert float(split.squares) == pytest.approx(chi)
    assert float(split.freedom) == 3


@pytest.mark.parametrize(
    ("steps", "draws", "icc"),
    [
        *(
            pytest.param(*case, marks=pytest.mark.simulation)
            for case in ((20, 50, 0.1), (20, 8, 0.0), (20, 8, 0.1), (6, 12, 0.1))
        ),
        (4, 12, 0.1),
    ],
)
def test_wobble_is_no_jump(steps: int, draws: int, icc: float) -> None:
    none = share(CommitmentLabel.NO_CHANGE, 6, [0.6] * steps, icc=icc, draws=draws)
    assert 1 - none <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 144)


def test_without_over_dispersion_wobble_is_a_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: steps taken for binomial."""

    def binomial(
        traces: list[NDArray[np.float64]], draws: int, *, simulations: int, rng: np.random.Generator
    ) -> JumpTest:
        splits = [best_splits(counts, draws) for counts in traces]
        fakes = [
            best_splits(wobble(t.mean() / draws, 0.0, draws, (simulations, len(t)), rng=rng), draws) for t in traces
        ]
        p = [np.mean(fake.gain >= split.gain) for fake, split in zip(fakes, splits, strict=True)]
        return JumpTest(np.array(p), np.array([split.step for split in splits]), 1.0)

    monkeypatch.setattr(module, "jump_test", binomial)
    assert share(CommitmentLabel.NO_CHANGE, 2, [0.6] * 20, icc=0.1, draws=50) < 0.3


@pytest.mark.simulation
def test_jumps_show_through_the_wobble() -> None:
    assert share(CommitmentLabel.COMMITTED, 2, JUMP, icc=0.1, draws=50) >= 0.9
    assert share(CommitmentLabel.COMMITTED, 2, JUMP, icc=0.1, draws=8) >= 0.9
    assert share(CommitmentLabel.COMMITTED, 2, [0.5] * 7 + [0.8] * 13, icc=0.1, draws=50) >= 0.8


def test_few_rungs_can_show_a_jump() -> None:
    assert share(CommitmentLabel.COMMITTED, 3, [0.1, 0.1, 0.95, 0.95], icc=0.05, draws=12) >= 0.8


def test_a_jump_that_goes_back_later_is_not_settled() -> None:
    assert share(CommitmentLabel.NOT_SETTLED, 2, RETURN, icc=0.05, draws=50) >= 0.85
    counts = [5, 6, 4, 5, 6, 5, 48, 47, 49, 48, 47, 48, 10, 9, 11, 48, 47, 48, 48, 47]
    result = commitment_step(counts, 50, rng=RNG(1))
    assert result.label == "changes, not settled"
    assert not result.committed
    assert (result.step, result.leaves) == (6, 12)


@pytest.mark.simulation
def test_steps_within_twenty_points_are_settled() -> None:
    """The null of the departure: the later steps are exactly 20 points from the mean after the change."""
    near = [0.1] * 6 + [0.95] * 7 + [0.55] * 7
    assert share(CommitmentLabel.NOT_SETTLED, 3, near, icc=0.05, draws=50) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 72)


def test_the_departure_is_a_run_of_either_side() -> None:
    trace = np.array([20.0, 20, 19, 4, 3, 5, 20, 19, 20, 20])
    ((below,), (start,)) = largest_run(trace[None, :], 20, 0.55)
    assert (start, below) == (3, pytest.approx((0.55 - 0.2) * np.sqrt(3)))
    squares, freedom = within_runs(trace[None, :], 20)
    rest = np.delete(trace, [3, 4, 5])
    variance = (3 * 0.2 * 0.8 + 7 * (rest.mean() / 20) * (1 - rest.mean() / 20)) * 20 / 10
    assert squares[0] == pytest.approx((2 + ((rest - rest.mean()) ** 2).sum()) / variance)
    assert freedom[0] == 8
    (down,) = departures([trace], 20, tolerance=0.2, simulations=399, rng=RNG(1))
    (up,) = departures([20 - trace], 20, tolerance=0.2, simulations=399, rng=RNG(1))
    assert down.step == up.step == 3
    assert max(down.p, up.p) < 0.05
    (level,) = departures([np.full(8, 19.0)], 20, tolerance=0.2, simulations=99, rng=RNG(1))
    assert (level.step, level.p) == (None, 1.0)


def test_the_wobble_of_the_study_is_pooled() -> None:
    """Four steps that a calm study shows to differ, and a study that wobbles as much does not."""
    trace = [3, 4, 11, 12]
    calm = sample([0.5] * 4, icc=0.0, draws=20, traces=30, seed=1)
    wild = sample([0.5] * 4, icc=0.3, draws=20, traces=30, seed=1)
    assert commitment_step(trace, 20, rng=RNG(2), study=calm).committed
    result = commitment_step(trace, 20, rng=RNG(2), study=wild)
    assert result.label == "no change shown"
    assert result.scale == pytest.approx(1 + 19 * 0.3, rel=0.4)


def test_the_same_seed_gives_the_same_answer() -> None:
    traces = sample(JUMP, icc=0.1, draws=20, traces=3, seed=4)
    assert commitment_steps(traces, 20, rng=RNG(7)) == commitment_steps(traces, 20, rng=RNG(7))
    assert jump_test(traces, 20, simulations=99, rng=RNG(7)).scale > 1
