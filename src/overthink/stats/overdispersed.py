"""Jumps of a success rate along traces whose steps wobble by more than chance.

The steps of a real trace differ by more than their resamples explain. Each trace is split where one jump fits best;
Pearson's chi-squared within the two parts, over its degrees of freedom and pooled over the traces, is the
over-dispersion. How large a jump such wobble fakes is simulated: traces of one rate, beta-binomial with that
over-dispersion, treated as the observed ones are, the estimate of the over-dispersion included. This works with few
steps too, where no permutation of them could ever be rare.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

WIDEST = 0.95
"""Largest correlation of two resamples of one step; at 1 there is no beta distribution."""

LEAST_SQUARES = 0.25
"""Added to the pooled chi-squared, so that no gain is divided by 0."""

MATCHES = 4
"""Number of corrections of the simulated over-dispersion."""


@dataclass(frozen=True, slots=True)
class Splits:
    """Best split of each trace into two parts; every array has the shape of the counts without the steps.

    Attributes:
        gain: Log-likelihood of two rates over that of one.
        step: First step of the second part.
        squares: Pearson's chi-squared within the parts.
        freedom: Its degrees of freedom; a part without a success, or without a failure, has none.
    """

    gain: NDArray[np.float64]
    step: NDArray[np.int64]
    squares: NDArray[np.float64]
    freedom: NDArray[np.float64]


def gains(counts: NDArray[np.float64], draws: int) -> NDArray[np.float64]:
    """Return (..., step - 1) the log-likelihood gained by a jump at step 1, 2, ... over one rate throughout.

    Args:
        counts: (..., step) successes.
        draws: Resamples at each step.
    """
    steps = counts.shape[-1]
    before = np.cumsum(counts, axis=-1)
    total, trials = before[..., -1:], draws * np.arange(1.0, steps)
    first, rest = before[..., :-1], draws * steps - trials
    two = _log_best(first, trials) + _log_best(total - first, rest)
    return np.asarray(two - _log_best(total, np.array([float(draws * steps)])))


def best_splits(counts: NDArray[np.float64], draws: int) -> Splits:
    """Return the best split of every trace.

    Args:
        counts: (..., step) successes, at least two steps.
        draws: Resamples at each step.
    """
    steps = counts.shape[-1]
    every = gains(counts, draws)
    step = every.argmax(axis=-1) + 1
    sums, squares = np.cumsum(counts, axis=-1), np.cumsum(counts**2, axis=-1)
    at = (step - 1)[..., None]
    first, first_squares = (np.take_along_axis(array, at, axis=-1)[..., 0] for array in (sums, squares))
    parts = ((first, first_squares, step), (sums[..., -1] - first, squares[..., -1] - first_squares, steps - step))
    chi, freedom = np.zeros(step.shape), np.zeros(step.shape)
    for total, of_squares, length in parts:
        share = total / (draws * length)
        varies = (total > 0) & (total < draws * length)
        variance = np.where(varies, draws * share * (1 - share), 1.0)
        chi += np.where(varies, (of_squares - total**2 / length) / variance, 0.0)
        freedom += np.where(varies, length - 1, 0)
    return Splits(every.max(axis=-1), step, np.maximum(chi, 0.0), freedom)


def pooled_scale(squares: NDArray[np.float64], freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the over-dispersion pooled over the last axis: chi-squared over its degrees of freedom.

    Never 0: steps that happen to be equal are no proof that the wobble is none.
    """
    return np.asarray((squares.sum(axis=-1) + LEAST_SQUARES) / np.maximum(freedom.sum(axis=-1), 1))


def correlation(scale: float, draws: int) -> float:
    """Return the correlation of two resamples of one step that makes this over-dispersion; 0 for a single draw."""
    return float(np.clip((scale - 1) / (draws - 1), 0, WIDEST)) if draws > 1 else 0.0


def wobble(
    rate: float, icc: float, draws: int, shape: tuple[int, ...], *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return beta-binomial counts of one rate.

    Args:
        rate: The mean rate, in [0, 1].
        icc: Correlation of two resamples of one step, in [0, 1).
        draws: Resamples at each step.
        shape: Shape of the counts.
        rng: Source of randomness.
    """
    if icc <= 0 or rate <= 0 or rate >= 1:
        return rng.binomial(draws, rate, size=shape).astype(np.float64)
    weight = 1 / icc - 1
    return rng.binomial(draws, rng.beta(rate * weight, (1 - rate) * weight, size=shape)).astype(np.float64)


@dataclass(frozen=True, slots=True)
class JumpTest:
    """Test of every trace against one rate throughout.

    Attributes:
        p: (trace,) p-values.
        step: (trace,) most likely first step at a new rate.
        scale: Over-dispersion pooled over the traces, the selection of the splits taken out; at least 1.
    """

    p: NDArray[np.float64]
    step: NDArray[np.int64]
    scale: float


def jump_test(
    traces: Sequence[NDArray[np.float64]], draws: int, *, simulations: int, rng: np.random.Generator
) -> JumpTest:
    """Return the test of every trace, with the over-dispersion of all of them.

    Args:
        traces: (step,) successes of each trace, at least two steps.
        draws: Resamples at each step.
        simulations: Simulated traces behind each p-value.
        rng: Source of randomness.
    """
    observed = [best_splits(counts, draws) for counts in traces]
    gain, squares, freedom, step = (
        np.array([getattr(split, name) for split in observed]) for name in ("gain", "squares", "freedom", "step")
    )
    apparent = float(pooled_scale(squares, freedom))
    few = max(simulations // 5, 1)
    scale = matched_scale(apparent, lambda scale: _one_rate(traces, draws, scale, few, rng)[1])
    fake_gain, scales = _one_rate(traces, draws, scale, simulations, rng)
    # Equal likelihoods can differ in the last digit.
    as_large = fake_gain / scales >= (gain / apparent)[:, None] - 1e-9
    p = np.where(gain > 1e-9, (1 + as_large.sum(axis=1)) / (1 + simulations), 1.0)
    return JumpTest(p, step, scale)


def matched_scale(apparent: float, scales: Callable[[float], NDArray[np.float64]]) -> float:
    """Return the over-dispersion, at least 1, with which simulated traces look as wobbly as the observed.

    A fitted part takes some of the wobble for a change, so that the rest understates it.

    Args:
        apparent: Over-dispersion of the observed traces, after fitting.
        scales: Returns simulated values of the same, by the over-dispersion of the simulation.
    """
    scale = max(apparent, 1.0)
    for _ in range(MATCHES):
        scale = max(scale * apparent / float(scales(scale).mean()), 1.0)
    return scale


def _one_rate(
    traces: Sequence[NDArray[np.float64]], draws: int, scale: float, simulations: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (trace, simulation) gains and the (simulation,) pooled over-dispersion of traces of one rate."""
    icc = correlation(scale, draws)
    fakes = [
        best_splits(wobble(float(counts.mean()) / draws, icc, draws, (simulations, len(counts)), rng=rng), draws)
        for counts in traces
    ]
    squares, freedom = (np.stack([getattr(fake, name) for fake in fakes], axis=-1) for name in ("squares", "freedom"))
    return np.stack([fake.gain for fake in fakes]), pooled_scale(squares, freedom)


def _log_best(successes: NDArray[np.float64], trials: NDArray[np.float64]) -> NDArray[np.float64]:
    share = successes / trials
    return np.asarray(special.xlogy(successes, share) + special.xlogy(trials - successes, 1 - share))
