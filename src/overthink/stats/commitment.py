"""The commitment step: the step after which resampling a trace no longer changes its outcome.

At each step of a trace, the rest is resampled ``draws`` times from the prefix that ends there, and the resamples with
the outcome of interest (safe, say) are counted. The field's other name is decision-locking point.

Width of a change of a success rate, in steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.data.parameters import generator, real, real_array, whole
from overthink.data.verdict_labels import CommitmentLabel
from overthink.stats.departure import departures
from overthink.stats.overdispersed import jump_test

WIDTH_PER_SCALE = 2 * float(np.log(9))
"""Width from 10 to 90 % of a logistic curve, in units of its scale."""

EDGE = 1e-4
"""Minimum distance of fitted rates from 0 and 1."""

STARTS = 4
"""Number of starting scales of the fit, from the narrowest to the widest; the best fit is used."""


def ramp_width(successes: NDArray[np.float64], draws: int, *, step: int) -> float | None:
    """Return the steps over which the rate covers 10 to 90 % of its change, by a maximum-likelihood logistic curve.

    Args:
        successes: (step,) counts.
        draws: Resamples at each step.
        step: The change-point, where the fit starts.

    Returns:
        The width; 0 where it is within one step, the resolution of the data. None where it is wider than the observed
        steps, so that the levels on both sides are unknown.
    """
    # Imported here, because it loads as slowly as the rest of the core.
    from scipy.optimize import minimize

    steps = len(successes)
    axis = np.arange(steps)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the negative log-likelihood and its gradient."""
        before, after, middle, log_scale = parameters
        position = (axis - middle) / np.exp(log_scale)
        fraction = special.expit(position)
        rate = before + (after - before) * fraction
        log = special.xlogy(successes, rate) + special.xlog1py(draws - successes, -rate)
        slope = successes / rate - (draws - successes) / (1 - rate)
        steep = (after - before) * fraction * (1 - fraction) * slope
        gradient = [slope @ (1 - fraction), slope @ fraction, -steep.sum() / np.exp(log_scale), -steep @ position]
        return -float(log.sum()), -np.array(gradient)

    levels = [float(np.clip(part.mean() / draws, EDGE, 1 - EDGE)) for part in (successes[:step], successes[step:])]
    narrow, wide = np.log(0.1), np.log(steps)
    bounds = [(EDGE, 1 - EDGE), (EDGE, 1 - EDGE), (0, steps - 1), (narrow, wide)]
    fits: list[Any] = [
        minimize(loss, [*levels, step - 0.5, start], jac=True, bounds=bounds, method="TNC")
        for start in np.linspace(narrow, wide, STARTS)
    ]
    width = WIDTH_PER_SCALE * float(np.exp(min(fits, key=lambda fit: float(fit.fun)).x[3]))
    if width > steps:
        return None
    return width if width >= 1 else 0.0


JEFFREYS = 0.5
"""Both parameters of the prior of either rate."""


def posterior(successes: NDArray[np.float64], draws: int, *, scale: float = 1.0) -> NDArray[np.float64]:
    """Probability that the jump is at step 1, 2, ..., given that there is one; (step - 1,).

    All steps equally likely beforehand, the rates integrated out under Jeffreys' prior. Over-dispersed resamples count
    for as many independent ones as say as much: their number over the over-dispersion.

    Args:
        successes: (step,) counts.
        draws: Resamples at each step.
        scale: Over-dispersion, 1 or more.
    """
    steps = len(successes)
    before = np.cumsum(successes)[:-1]
    after = successes.sum() - before
    trials = draws * np.arange(1, steps)
    rest = draws * steps - trials
    log = special.betaln(before / scale + JEFFREYS, (trials - before) / scale + JEFFREYS)
    log = log + special.betaln(after / scale + JEFFREYS, (rest - after) / scale + JEFFREYS)
    chance = np.exp(log - log.max())
    return np.asarray(chance / chance.sum())


MOST_RESAMPLES = 10**6
"""Most resamples of a step; their counts are simulated one by one."""

COMMITMENT_ALPHA = 0.05
"""Level of both tests: share of the traces without a change in which a change is shown."""

DEPARTURE = 0.2
"""Largest difference between the rate of a later step and the mean after the change, for a trace to be committed."""

SIMULATIONS = 999
"""Simulated traces behind each p-value."""


@dataclass(frozen=True, slots=True)
class CommitmentStep:
    """Commitment step of a trace. Steps count from 0; a step is the first at the new rate.

    Attributes:
        label: Committed; changes, not settled: a jump is shown, and so is a later step more than 20 points from the
            mean after it; or no change shown, which does not show that there is none.
        step: Most likely step of the largest change, settled or not; None where no change is shown.
        low: Lower end of its interval, inclusive.
        high: Upper end, inclusive.
        ramp: Steps in which the rate covers 10 to 90 % of the change; 0 where within one step. On a gradual change
            ``step`` marks the middle, and its interval, made for a jump, is too narrow. None where unknown.
        before: Share of successes before the step; the overall share where no change is shown.
        after: Share of successes from the step on; far from 0 and 1, the outcome is still open after the change.
        p: p-value of no change; None with fewer than two steps.
        leaves: First step of the later run that departs most from ``after``; None unless a departure is shown.
        p_leaves: p-value of staying within 20 points of ``after``; None where no change is shown.
        scale: Over-dispersion of the steps that both tests allow for; 1: as binomial counts.
        reason: Why there is no step.
    """

    label: CommitmentLabel
    step: int | None
    low: int | None
    high: int | None
    ramp: float | None
    before: float
    after: float
    p: float | None
    leaves: int | None = None
    p_leaves: float | None = None
    scale: float = 1.0
    reason: str | None = None

    @property
    def committed(self) -> bool:
        """Whether a change is shown and no departure after it."""
        return self.label is CommitmentLabel.COMMITTED


def commitment_step(
    successes: ArrayLike,
    draws: int,
    *,
    rng: np.random.Generator,
    study: Sequence[ArrayLike] = (),
    level: float = 0.95,
    alpha: float = COMMITMENT_ALPHA,
) -> CommitmentStep:
    """The step at which the rate of an outcome changes for good, by a change-point.

    The steps of a trace wobble by more than chance; how much is estimated within the fitted parts. Whether there is a
    change is tested by the largest likelihood ratio of a jump against traces of one rate that wobble as much. Where it
    is: maximum likelihood, with the equal-tailed interval of its posterior (steps equally likely beforehand, Jeffreys'
    prior for both rates). Committed is a trace with a change after which no step is shown to be more than 20 points
    from the mean.

    Args:
        successes: (step,) resamples with the outcome, at each step in order.
        draws: Resamples at each step.
        rng: Source of randomness of the simulated traces.
        study: Counts of further traces with as many draws, whose wobble is pooled with that of this trace. A trace of
            four or six steps hardly shows its own.
        level: Level of the interval.
        alpha: Level of either test.

    Returns:
        The step. One change is looked for: of several, the largest.

    Raises:
        ValueError: A count is not a whole number from 0 to ``draws``, there is no step, ``draws`` is less than 1, or
            a level is not in (0, 1).

    Example:
        >>> result = commitment_step([4, 3, 5, 4, 6, 8, 7, 8, 8, 8], 8, rng=np.random.default_rng(1))
        >>> str(result.label), result.step, result.low, result.high
        ('committed', 5, 4, 6)
    """
    if not isinstance(study, list | tuple):
        raise TypeError(f"study is {str(study)[:40]}, a {type(study).__name__}; needed: a list of counts of traces")
    return commitment_steps([successes, *study], draws, rng=rng, level=level, alpha=alpha)[0]


def commitment_steps(
    traces: Sequence[ArrayLike],
    draws: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    alpha: float = COMMITMENT_ALPHA,
) -> tuple[CommitmentStep, ...]:
    """The commitment step of every trace of a study, with the over-dispersion of all of them.

    Args:
        traces: (step,) counts of each trace; traces may differ in length.
        draws: Resamples at each step.
        rng: Source of randomness.
        level: Level of the intervals.
        alpha: Level of either test of each trace.

    Returns:
        The step of each trace, in order; errors as for :func:`commitment_step`.

    Example:
        >>> jump, none = commitment_steps([[1, 0, 1, 8, 8, 8], [4, 5, 4, 3, 5, 4]], 8, rng=np.random.default_rng(1))
        >>> str(jump.label), str(none.label)
        ('committed', 'no change shown')
    """
    generator(rng)
    every = [_counts(successes, draws) for successes in traces]
    level, alpha = real(level, "level"), real(alpha, "alpha")
    if not (0 < level < 1 and 0 < alpha < 1):
        raise ValueError(f"level is {level}, alpha {alpha}; needed: both between 0 and 1")
    results = [_no_change(counts, draws, None, "one step only: nothing can change") for counts in every]
    long = [number for number, counts in enumerate(every) if len(counts) > 1]
    if not long:
        return tuple(results)
    test = jump_test([every[number] for number in long], draws, simulations=SIMULATIONS, rng=rng)
    for number, p in zip(long, test.p.tolist(), strict=True):
        reason = (
            f"no change shown (p = {p:.2g}): the outcome comes up in {every[number].mean() / draws:.0%} of resamples"
        )
        results[number] = replace(_no_change(every[number], draws, p, reason), scale=test.scale)
    changed = {n: (p, step) for n, p, step in zip(long, test.p.tolist(), test.step.tolist(), strict=True) if p <= alpha}
    later = [every[number][step:] for number, (_, step) in changed.items()]
    left = departures(later, draws, tolerance=DEPARTURE, simulations=SIMULATIONS, rng=rng)
    for (number, (p, step)), leave in zip(changed.items(), left, strict=True):
        counts = every[number]
        leaves = step + leave.step if leave.step is not None and leave.p <= alpha else None
        low, high = _interval(posterior(counts, draws, scale=test.scale), step, level)
        results[number] = CommitmentStep(
            label=CommitmentLabel.COMMITTED if leaves is None else CommitmentLabel.NOT_SETTLED,
            step=step,
            low=low,
            high=high,
            ramp=ramp_width(counts, draws, step=step),
            before=float(counts[:step].mean() / draws),
            after=float(counts[step:].mean() / draws),
            p=p,
            leaves=leaves,
            p_leaves=leave.p,
            scale=test.scale,
        )
    return tuple(results)


def _no_change(counts: NDArray[np.float64], draws: int, p: float | None, reason: str) -> CommitmentStep:
    share = float(counts.mean() / draws)
    return CommitmentStep(CommitmentLabel.NO_CHANGE, None, None, None, None, share, share, p, reason=reason)


def _interval(chance: NDArray[np.float64], step: int, level: float) -> tuple[int, int]:
    cumulative = np.cumsum(chance)
    tail = (1 - level) / 2
    low, high = (1 + int(np.searchsorted(cumulative, t)) for t in (tail, min(1 - tail, cumulative[-1])))
    return min(low, step), max(high, step)


def first_passage_step(successes: ArrayLike, draws: int, *, tolerance: float = 0.1) -> int:
    """The first step from which every share stays within a tolerance of the last one. Biased; for comparison only.

    One unlucky resample late in the trace moves it there: with 8 draws and a true change at step 5 of 30, from .5 to
    .95, it is 27.5 on average.

    Args:
        successes: (step,) resamples with the outcome.
        draws: Resamples at each step.
        tolerance: Largest difference from the last share.

    Returns:
        The step, from 0.

    Raises:
        ValueError: As for :func:`commitment_step`.

    Example:
        >>> first_passage_step([4, 3, 5, 4, 8, 8, 7, 8, 8, 8], 8)
        7
    """
    counts = _counts(successes, draws)
    distant = np.flatnonzero(np.abs(counts - counts[-1]) / draws > tolerance)
    return int(distant[-1]) + 1 if distant.size else 0


def _counts(successes: ArrayLike, draws: int) -> NDArray[np.float64]:
    array = real_array(successes, "successes")
    if array.ndim != 1 or not array.size:
        raise ValueError(f"successes has shape {array.shape}; needed: (step,), at least one")
    whole(draws, "draws", least=1, most=MOST_RESAMPLES)
    wrong = array[~((array >= 0) & (array <= draws) & (array == np.floor(array)))]
    if wrong.size:
        raise ValueError(f"successes holds {wrong[0]:g}; needed: whole numbers from 0 to {draws}, the draws")
    return array
