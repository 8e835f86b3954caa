"""Exact change-point inference for a success rate along a sequence of counts: no resampling, no asymptotics.

The model: successes out of ``draws`` at each step, one rate before the jump, another from it on.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

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
