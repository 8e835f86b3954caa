"""The commitment step: the step after which resampling a trace no longer changes its outcome.

At each step of a trace, the rest is resampled ``draws`` times from the prefix that ends there, and the resamples with
the outcome of interest (safe, say) are counted. The field's other name is decision-locking point.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.stats.changepoint import log_likelihoods, no_jump_p, posterior
from overthink.stats.ramp import ramp_width

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
