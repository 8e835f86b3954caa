"""Departures from a level: is some step of a trace shown to be farther than a tolerance from the mean of all?

Steps wobble here too. The over-dispersion is that within two groups, the run of steps that differs most from the others
and these others, pooled over the traces: a stretch on another level is what is looked for, and must not pass for
wobble.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.stats.overdispersed import correlation, matched_scale, pooled_scale, wobble


@dataclass(frozen=True, slots=True)
class Departure:
    """Run of steps that is farthest outside a tolerance of the mean of all.

    Attributes:
        step: Its first step; None where no run is outside.
        p: p-value of every step being within the tolerance; 1 where no run is outside.
    """

    step: int | None
    p: float


def departures(
    traces: Sequence[NDArray[np.float64]],
    draws: int,
    *,
    tolerance: float,
    simulations: int,
    rng: np.random.Generator,
) -> tuple[Departure, ...]:
    """Return the departure of each trace from its mean, by the largest over all runs of steps, on either side.

    Where the mean of a run is outside the tolerance, so is a step of it. The reference has every step exactly at the
    tolerance, on one side, which makes the largest run larger than any other rates that are within it; the mean counts
    as exact, which errs to the same side, because the run is a part of it.

    Args:
        traces: (step,) successes of each trace.
        draws: Resamples at each step.
        tolerance: Largest difference of a rate from the mean, in (0, 1).
        simulations: Simulated traces behind a p-value.
        rng: Source of randomness.
    """
    if not traces:
        return ()
    means = [float(counts.mean()) / draws for counts in traces]

    def pool(scale: float, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        icc = correlation(scale, draws)
        groups = [
            within_runs(wobble(mean, icc, draws, (number, len(counts)), rng=rng), draws)
            for mean, counts in zip(means, traces, strict=True)
        ]
        squares, freedom = (np.stack(arrays, axis=-1) for arrays in zip(*groups, strict=True))
        return squares, freedom

    own = [within_runs(counts[None, :], draws) for counts in traces]
    apparent = float(pooled_scale(*(np.concatenate(arrays) for arrays in zip(*own, strict=True))))
    scale = matched_scale(apparent, lambda scale: pooled_scale(*pool(scale, max(simulations // 5, 1))))
    squares, freedom = pool(scale, simulations)
    results = []
    for number, counts in enumerate(traces):
        others = (np.delete(array, number, axis=-1) for array in (squares, freedom))
        side = _Side(draws, correlation(scale, draws), apparent, *others)
        sides = [
            side.of(counts, means[number] - tolerance, rng),
            side.of(draws - counts, 1 - means[number] - tolerance, rng),
        ]
        results.append(min(sides, key=lambda one: one.p))
    return tuple(results)


@dataclass(frozen=True, slots=True)
class _Side:
    """Test of one trace on one side, with the (simulation, trace) wobble of the others."""

    draws: int
    icc: float
    apparent: float
    squares: NDArray[np.float64]
    freedom: NDArray[np.float64]

    def of(self, counts: NDArray[np.float64], edge: float, rng: np.random.Generator) -> Departure:
        """Return the departure of a trace below a rate."""
        depth, start = (array[0] for array in largest_run(counts[None, :], self.draws, edge))
        if edge <= 0 or depth <= 1e-9:
            return Departure(None, 1.0)
        simulations = len(self.squares)
        fakes = wobble(edge, self.icc, self.draws, (simulations, len(counts)), rng=rng)
        own = within_runs(fakes, self.draws)
        squares, freedom = (
            np.concatenate([others, array[:, None]], axis=-1)
            for others, array in zip((self.squares, self.freedom), own, strict=True)
        )
        fake_depth = largest_run(fakes, self.draws, edge)[0] / np.sqrt(pooled_scale(squares, freedom))
        as_deep = int((fake_depth >= depth / np.sqrt(self.apparent) - 1e-9).sum())
        return Departure(int(start), min(2 * (1 + as_deep) / (1 + simulations), 1.0))


def largest_run(counts: NDArray[np.float64], draws: int, edge: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return how far the farthest run of each trace is below a rate, in standard errors times a constant, and where.

    Args:
        counts: (trace, step) successes.
        draws: Resamples at each step.
        edge: The rate.
    """
    depth, start = np.full(len(counts), -np.inf), np.zeros(len(counts), dtype=np.int64)
    for length, sums in _runs(counts):
        every = (edge - sums / (draws * length)) * np.sqrt(length)
        best = every.argmax(axis=-1)
        value = every[np.arange(len(counts)), best]
        start = np.where(value > depth, best, start)
        depth = np.maximum(depth, value)
    return depth, start


def within_runs(counts: NDArray[np.float64], draws: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Pearson's chi-squared of each trace within its most different run and the other steps, and its freedom.

    Args:
        counts: (trace, step) successes.
        draws: Resamples at each step.
    """
    traces, steps = counts.shape
    if steps < 3:
        return np.zeros(traces), np.zeros(traces)
    total, of_squares = counts.sum(axis=-1), (counts**2).sum(axis=-1)
    gain, chosen, size = np.full(traces, -np.inf), np.zeros(traces), np.ones(traces)
    for length, sums in _runs(counts)[:-1]:
        every = (sums - total[:, None] * length / steps) ** 2 / (length * (steps - length))
        best = every.argmax(axis=-1)
        value = every[np.arange(traces), best]
        is_better = value > gain
        chosen, size = np.where(is_better, sums[np.arange(traces), best], chosen), np.where(is_better, length, size)
        gain = np.maximum(gain, value)
    within = of_squares - chosen**2 / size - (total - chosen) ** 2 / (steps - size)
    # One variance for both groups: a run of one step has none of its own.
    variance = draws * (
        size * _spread(chosen / (draws * size)) + (steps - size) * _spread((total - chosen) / (draws * (steps - size)))
    )
    varies = variance > 0
    chi = np.where(varies, np.maximum(within, 0.0) * steps / np.where(varies, variance, 1.0), 0.0)
    return chi, np.where(varies, steps - 2.0, 0.0)


def _spread(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(share * (1 - share))


def _runs(counts: NDArray[np.float64]) -> list[tuple[int, NDArray[np.float64]]]:
    """Return every length of a run, with the (trace, start) sums of its runs."""
    steps = counts.shape[-1]
    sums = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=-1)], axis=-1)
    return [(length, sums[:, length:] - sums[:, :-length]) for length in range(1, steps + 1)]
