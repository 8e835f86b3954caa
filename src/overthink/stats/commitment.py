"""The commitment step: the step after which resampling a trace no longer changes its outcome.

At each step of a trace, the rest is resampled ``draws`` times from the prefix that ends there, and the resamples with
the outcome of interest (safe, say) are counted. The field's other name is decision-locking point.

Width of a change of a success rate, in steps.

Exact change-point inference for a success rate along a sequence of counts: no resampling, no asymptotics.

The model: successes out of ``draws`` at each step, one rate before the jump, another from it on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

WIDTH_PER_SCALE = 2 * float(np.log(9))
"""Width from 10 to 90 % of a logistic curve, in units of its scale."""

EDGE = 1e-4
"""Minimum distance of fitted rates from 0 and 1."""

STARTS = 4
"""Number of starting scales of the fit, from the narrowest to the widest; the best fit is used."""


def ramp_width(successes: NDArray[np.int64], draws: int, *, step: int) -> float | None:
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


def log_likelihoods(successes: NDArray[np.int64], draws: int) -> NDArray[np.float64]:
    """Log-likelihood of a jump at step 1, 2, ..., the two rates maximised; (step - 1,)."""
    total = int(successes.sum())
    before = np.cumsum(successes)[:-1]
    return _fit(before, draws * np.arange(1, len(successes)), total, draws * len(successes))


def posterior(successes: NDArray[np.int64], draws: int) -> NDArray[np.float64]:
    """Probability that the jump is at step 1, 2, ..., given that there is one; (step - 1,).

    All steps equally likely beforehand, the rates integrated out under Jeffreys' prior.
    """
    steps = len(successes)
    before = np.cumsum(successes)[:-1]
    after = int(successes.sum()) - before
    trials = draws * np.arange(1, steps)
    log = special.betaln(before + JEFFREYS, trials - before + JEFFREYS)
    log = log + special.betaln(after + JEFFREYS, draws * steps - trials - after + JEFFREYS)
    chance = np.exp(log - log.max())
    return np.asarray(chance / chance.sum())


def no_jump_p(successes: NDArray[np.int64], draws: int) -> float:
    """Exact p-value of one rate throughout, by the largest likelihood ratio of a jump.

    Given their total, the counts then have a known distribution. Walk through all of them step by step and add up
    the chance of every walk that at some step supports a jump at least as well as the best one observed.
    """
    steps, total = len(successes), int(successes.sum())
    everything = draws * steps
    if total in (0, everything):
        return 1.0
    # Equal likelihoods can differ in the last digit.
    threshold = float(log_likelihoods(successes, draws).max()) - 1e-9
    rate = total / everything
    one_step = _binomial(draws, np.arange(draws + 1), rate)
    count = np.arange(total + 1)
    below, tail = np.zeros(total + 1), 0.0
    below[0] = 1.0
    for step in range(1, steps):
        below = np.convolve(below, one_step)[: total + 1]
        trials_left = draws * (steps - step)
        possible = (count <= draws * step) & (total - count <= trials_left)
        is_crossing = np.zeros(total + 1, dtype=np.bool_)
        is_crossing[possible] = _fit(count[possible], draws * step, total, everything) >= threshold
        tail += float(below[is_crossing] @ _binomial(trials_left, total - count[is_crossing], rate))
        below[is_crossing] = 0.0
    return min(tail / float(_binomial(everything, np.array(total), rate)), 1.0)


def _fit(
    before: NDArray[np.int64], trials: NDArray[np.int64] | int, total: int, everything: int
) -> NDArray[np.float64]:
    after, trials_after = total - before, everything - trials
    return np.asarray(_log_best(before, trials) + _log_best(after, trials_after), dtype=np.float64)


def _log_best(successes: NDArray[np.int64], trials: NDArray[np.int64] | int) -> NDArray[np.float64]:
    share = successes / trials
    return np.asarray(special.xlogy(successes, share) + special.xlogy(trials - successes, 1 - share))


def _binomial(n: int, count: NDArray[np.int64], p: float) -> NDArray[np.float64]:
    choose = special.gammaln(n + 1) - special.gammaln(count + 1) - special.gammaln(n - count + 1)
    return np.asarray(np.exp(choose + special.xlogy(count, p) + special.xlog1py(n - count, -p)))


COMMITMENT_ALPHA = 0.05
"""Level of the test: share of the traces without a change in which one is found."""


@dataclass(frozen=True, slots=True)
class CommitmentStep:
    """Commitment step of a trace. Steps count from 0; a step is the first one at the new rate.

    Attributes:
        step: Most likely step; None where no change was found.
        low: Lower end of its interval, inclusive.
        high: Upper end, inclusive.
        committed: Whether a change was found. "Never committed" is an outcome.
        ramp: Steps in which the rate covers 10 to 90 % of the change; 0 where within one step. On a gradual change
            ``step`` marks the middle, and its interval, made for a jump, is too narrow. None where unknown.
        before: Share of successes before the step; the overall share where no change was found.
        after: Share of successes from the step on; far from 0 and 1, the outcome is still open after the change.
        p: Exact p-value of no change; None with fewer than two steps.
        reason: Why there is no step.
    """

    step: int | None
    low: int | None
    high: int | None
    committed: bool
    ramp: float | None
    before: float
    after: float
    p: float | None
    reason: str | None = None


def commitment_step(
    successes: ArrayLike, draws: int, *, level: float = 0.95, alpha: float = COMMITMENT_ALPHA
) -> CommitmentStep:
    """The step at which the rate of an outcome changes, by a binomial change-point.

    Whether there is a change is an exact test. Where it is: maximum likelihood, with the equal-tailed interval of
    its exact posterior (steps equally likely beforehand, Jeffreys' prior for both rates). No randomness.

    Args:
        successes: (step,) resamples with the outcome, at each step in order.
        draws: Resamples at each step.
        level: Level of the interval.
        alpha: Level of the test.

    Returns:
        The step. One change is looked for: of several, the largest is found.

    Raises:
        ValueError: A count is not a whole number from 0 to ``draws``, there is no step, ``draws`` is less than 1, or
            a level is not in (0, 1).

    Example:
        >>> found = commitment_step([4, 3, 5, 4, 6, 8, 7, 8, 8, 8], 8)
        >>> found.committed, found.step, found.low, found.high
        (True, 5, 4, 6)
    """
    counts = _counts(successes, draws)
    if not (0 < level < 1 and 0 < alpha < 1):
        raise ValueError(f"level is {level}, alpha {alpha}; needed: both between 0 and 1")
    share = float(counts.mean() / draws)
    if len(counts) < 2:
        return CommitmentStep(None, None, None, False, None, share, share, None, "one step only: nothing can change")
    p = no_jump_p(counts, draws)
    if p >= alpha:
        reason = f"no change found (p = {p:.2g}): the outcome comes up in {share:.0%} of resamples throughout"
        return CommitmentStep(None, None, None, False, None, share, share, p, reason)
    step = 1 + int(log_likelihoods(counts, draws).argmax())
    cumulative = np.cumsum(posterior(counts, draws))
    tail = (1 - level) / 2
    low, high = (1 + int(np.searchsorted(cumulative, t)) for t in (tail, min(1 - tail, cumulative[-1])))
    return CommitmentStep(
        step=step,
        low=min(low, step),
        high=max(high, step),
        committed=True,
        ramp=ramp_width(counts, draws, step=step),
        before=float(counts[:step].mean() / draws),
        after=float(counts[step:].mean() / draws),
        p=p,
    )


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


def _counts(successes: ArrayLike, draws: int) -> NDArray[np.int64]:
    array = np.asarray(successes, dtype=np.float64)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"successes has shape {array.shape}; needed: (step,), at least one")
    if draws < 1 or draws != int(draws):
        raise ValueError(f"draws is {draws}; needed: a whole number, 1 or more")
    wrong = array[~((array >= 0) & (array <= draws) & (array == np.floor(array)))]
    if wrong.size:
        raise ValueError(f"successes holds {wrong[0]:g}; needed: whole numbers from 0 to {draws}, the draws")
    return array.astype(np.int64)
