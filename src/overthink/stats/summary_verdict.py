"""Verdicts from summary numbers: two estimates with half widths, two counts or effects, or counts at several levels.

Questions are not paired, since a summary has none: where both measurements share their prompts and these are positively
correlated, every p-value here is too large (conservative). Direction and equivalence are two labels, since a small
change can be certain.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

UP, DOWN, NOT_SHOWN = "up", "down", "not shown"
WITHIN, BEYOND = "within the margin", "beyond the margin"
GATED = "gated"

_TIE = 1e-9  # tables whose chances differ by rounding alone are equally likely


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate as it is printed, in any unit.

    Attributes:
        value: The estimate.
        half_width: Half the width of its symmetric interval, above 0.
        level: Level of the interval.
    """

    value: float
    half_width: float
    level: float = 0.95

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and 0 < self.half_width < math.inf and 0 < self.level < 1):
            raise ValueError(f"{self}; needed: a finite value, a half width above 0, a level in (0, 1)")


@dataclass(frozen=True, slots=True)
class Counts:
    """Successes among independent trials; its estimate is their share."""

    successes: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.trials or self.trials < 1:
            raise ValueError(f"{self}; needed: at least 1 trial, and from 0 to all of them successes")


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect between two counts; its estimate is the share with it minus the share without it."""

    treated: Counts
    control: Counts


Summary = Estimate | Counts | Effect


@dataclass(frozen=True, slots=True)
class SummaryVerdict:
    """What two or more summaries show about the change from the first to the last.

    Attributes:
        difference: Last minus first, in the unit of the summaries; shares for counts.
        low: Lower end of its interval at level 1 - alpha.
        high: Upper end.
        p: Two-sided p-value of no change.
        p_within: P-value of a change of the margin or more (two one-sided tests).
        p_beyond: P-value of a change of at most the margin.
        direction: "up", "down", "not shown", or "gated".
        equivalence: "within the margin", "beyond the margin", "not shown", or "gated".
        gates_failed: Names of the gates that withhold both labels.
        z: Normal score of the change; NaN where there is none.
    """

    difference: float
    low: float
    high: float
    p: float
    p_within: float
    p_beyond: float
    direction: str
    equivalence: str
    gates_failed: tuple[str, ...] = ()
    z: float = math.nan


def summary_verdict(first: Summary, second: Summary, *, margin: float, alpha: float = 0.05) -> SummaryVerdict:
    """Return direction and equivalence of two summaries, taken as independent.

    Direction: the normal test for estimates with half widths, Fisher's exact test for counts, and for effects the
    level at which the interval reaches 0. Intervals and equivalence: Newcombe's hybrid of the two intervals (Wilson's
    for counts); for estimates that is the normal interval.

    Args:
        first: The earlier, or the reference.
        second: The later; of the same kind and unit.
        margin: Change that counts as none, in the unit of the estimates; as a share for counts.
        alpha: Error rate of either label, in (0, 0.5).

    Raises:
        ValueError: The two are not of the same kind, or margin or alpha are out of range.

    Example:
        >>> verdict = summary_verdict(Estimate(99.70, 0.05), Estimate(99.85, 0.04), margin=1)
        >>> verdict.direction, verdict.equivalence
        ('up', 'within the margin')
    """
    _check(margin, alpha)
    if type(first) is not type(second):
        raise ValueError(f"{first} and {second} are not of the same kind; needed: two estimates, counts or effects")
    difference, z = _limits(second, 0.0)[0] - _limits(first, 0.0)[0], math.nan
    if isinstance(first, Counts) and isinstance(second, Counts):
        p = fisher_p(first, second)
    elif isinstance(first, Estimate) and isinstance(second, Estimate):
        z = difference / math.hypot(_error(first), _error(second))
        p = float(special.erfc(abs(z) / math.sqrt(2)))
    else:
        p = 2 * float(special.ndtr(-abs(_z_to(first, second, 0.0))))
    low, high = newcombe(first, second, float(special.ndtri(1 - alpha / 2)))
    p_within, p_beyond = _equivalence_p(min(_z_to(first, second, margin), _z_to(second, first, margin)))
    return _verdict((difference, low, high), (p, p_within, p_beyond), z=z, alpha=alpha)


def trend_verdict(
    successes: ArrayLike,
    trials: ArrayLike,
    scores: ArrayLike,
    *,
    margin: float,
    alpha: float = 0.05,
    judge_errors: ArrayLike | None = None,
) -> SummaryVerdict:
    """Return direction and equivalence of a linear trend of shares over scores (Cochran 1954, Armitage 1955).

    The change is the slope times the range of the scores. Where the judge's errors are known, a share of errors that
    differs between levels (chi-squared test at alpha) withholds both labels: the trend may be the judge's.

    Args:
        successes: (level,) successes.
        trials: (level,) independent trials.
        scores: (level,) position of each level, rising.
        margin: Change, as a share, that counts as none.
        alpha: Error rate of either label, in (0, 0.5).
        judge_errors: (level,) answers among the trials that the judge marks wrongly; None if unknown.

    Raises:
        ValueError: Shapes do not match, fewer than two levels, a count is beyond its trials, or scores do not rise.

    Example:
        >>> trend_verdict([10, 20, 30], [100, 100, 100], [0, 1, 2], margin=0.05).direction
        'up'
        >>> judged = trend_verdict([10, 20, 30], [100, 100, 100], [0, 1, 2], margin=0.05, judge_errors=[0, 10, 20])
        >>> judged.direction, judged.gates_failed
        ('gated', ('judge_drift',))
    """
    _check(margin, alpha)
    k, n, x = _levels(successes, trials, scores)
    share, centre = k.sum() / n.sum(), (n * x).sum() / n.sum()
    square = (n * (x - centre) ** 2).sum()
    spread = float(x[-1] - x[0])
    change = float((k * (x - centre)).sum() / square * spread)
    # Under no trend the pooled variance holds; the interval, which is also about trends, takes each level's own.
    null_error = math.sqrt(share * (1 - share) / square) * spread
    own = (k + 1) / (n + 2)
    error = float(np.sqrt((n * own * (1 - own) * (x - centre) ** 2).sum()) / square) * spread
    z = change / null_error if null_error > 0 else 0.0
    p = float(special.erfc(abs(z) / math.sqrt(2)))
    reach = float(special.ndtri(1 - alpha / 2)) * error
    p_within, p_beyond = _equivalence_p((margin - abs(change)) / error)
    drifts = judge_errors is not None and unequal_shares_p(judge_errors, trials) < alpha
    numbers = (change, change - reach, change + reach)
    return _verdict(numbers, (p, p_within, p_beyond), z=z, alpha=alpha, gates=("judge_drift",) if drifts else ())


def unequal_shares_p(counts: ArrayLike, trials: ArrayLike) -> float:
    """Return Pearson's chi-squared p-value of equal shares at all levels; 1 where all or none are counted.

    Example:
        >>> round(unequal_shares_p([10, 20, 30], [100, 100, 100]), 4)
        0.0019
    """
    k, n, _ = _levels(counts, trials, np.arange(np.size(trials)))
    share = k.sum() / n.sum()
    if not 0 < share < 1:
        return 1.0
    statistic = ((k - n * share) ** 2 / (n * share * (1 - share))).sum()
    return float(special.chdtrc(len(k) - 1, statistic))


def fisher_p(first: Counts, second: Counts) -> float:
    """Return Fisher's exact two-sided p-value of equal shares: tables at most as likely as the observed table.

    Example:
        >>> round(fisher_p(Counts(24, 40), Counts(37, 40)), 3)
        0.001
    """
    total = first.successes + second.successes
    k = np.arange(max(0, total - second.trials), min(total, first.trials) + 1)
    log_chance = _log_choose(first.trials, k) + _log_choose(second.trials, total - k)
    chance = np.exp(log_chance - log_chance.max())
    observed = chance[k == first.successes][0]
    return float(min(1.0, chance[chance <= observed * (1 + _TIE)].sum() / chance.sum()))


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def _check(margin: float, alpha: float) -> None:
    if not (0 < margin < math.inf and 0 < alpha < 0.5):
        raise ValueError(f"margin is {margin}, alpha {alpha}; needed: a margin above 0, alpha in (0, 0.5)")


def _levels(
    successes: ArrayLike, trials: ArrayLike, scores: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    k, n, x = (np.asarray(values, dtype=np.float64) for values in (successes, trials, scores))
    if not k.shape == n.shape == x.shape or k.ndim != 1 or len(k) < 2:
        raise ValueError(
            f"shapes are {k.shape}, {n.shape}, {x.shape}; needed: one number per level, two levels or more"
        )
    if not ((n >= 1) & (k >= 0) & (k <= n)).all() or not (np.diff(x) > 0).all():
        raise ValueError("needed: from 0 to all trials are counted at each level, and scores rise")
    return k, n, x


def _error(summary: Estimate) -> float:
    return summary.half_width / float(special.ndtri((1 + summary.level) / 2))


def _limits(summary: Summary, z: float) -> tuple[float, float, float]:
    """Estimate with both limits at z standard errors: normal, Wilson's, or the interval of the effect."""
    if isinstance(summary, Estimate):
        reach = z * _error(summary)
        return summary.value, summary.value - reach, summary.value + reach
    if isinstance(summary, Effect):
        effect = _limits(summary.treated, 0.0)[0] - _limits(summary.control, 0.0)[0]
        return effect, *newcombe(summary.control, summary.treated, z)
    n = summary.trials
    share = summary.successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return share, centre - reach, centre + reach


def newcombe(first: Summary, second: Summary, z: float) -> tuple[float, float]:
    """Return the ends of second minus first, each at z standard errors (Newcombe 1998, method 10).

    Example:
        >>> [round(end, 4) for end in newcombe(Counts(48, 80), Counts(56, 70), 1.959964)]
        [0.0524, 0.3339]
    """
    (a, a_low, a_high), (b, b_low, b_high) = _limits(first, z), _limits(second, z)
    return b - a - math.hypot(b - b_low, a_high - a), b - a + math.hypot(b_high - b, a - a_low)


def _z_to(first: Summary, second: Summary, target: float) -> float:
    """Standard errors by which ``second - first`` lies below the target, negative above it.

    That is the z at which an end of the interval reaches the target. Ends move outward with z, so it is bisected.
    """
    is_below = _limits(second, 0.0)[0] - _limits(first, 0.0)[0] < target
    near, far = 0.0, 38.0  # beyond it the normal tail is 0 in a float
    for _ in range(60):
        middle = (near + far) / 2
        low, high = newcombe(first, second, middle)
        is_short = high < target if is_below else low > target
        near, far = (middle, far) if is_short else (near, middle)
    return near if is_below else -near


def _equivalence_p(z: float) -> tuple[float, float]:
    """P-values of a change of the margin or more and of at most the margin; z standard errors lie up to the margin.

    The second has two sides and gives each half the error, which is right for any margin.
    """
    return float(special.ndtr(-z)), min(1.0, 2 * float(special.ndtr(z)))


def _verdict(
    numbers: tuple[float, float, float],
    p_values: tuple[float, float, float],
    *,
    z: float,
    alpha: float,
    gates: tuple[str, ...] = (),
) -> SummaryVerdict:
    difference, low, high = numbers
    p, p_within, p_beyond = p_values
    direction, equivalence = NOT_SHOWN, NOT_SHOWN
    if p <= alpha:
        direction = UP if difference > 0 else DOWN
    if p_within <= alpha:
        equivalence = WITHIN
    elif p_beyond <= alpha:
        equivalence = BEYOND
    if gates:
        direction = equivalence = GATED
    return SummaryVerdict(difference, low, high, p, p_within, p_beyond, direction, equivalence, gates, z)
