"""Turning points: tests of a hump or a dip, and the sizes of the largest rise and fall wherever they are.

Each is an intersection-union test: both halves must be significant, each at the full α. No curve is fitted; a
quadratic or a broken stick finds a turn in any curve that saturates.

Minimum detectable effect of the test for turns.

Over all pairs of rungs i < j, the rise is the largest m_j - m_i and the drawdown the largest m_i - m_j, at least 0.
Both are maxima over a search, so their estimates are too high on average: a flat curve has both. Their intervals
account for the search. A band that holds for all pairs at once holds for the largest of them, too, so the interval is
[largest lower end, largest upper end], floored at 0. It says that a fall is shown only where its lower end is above 0.

Between two rungs where no question changed (all traces had ended, say), at most a share 1 - (α/2)^(1/n) of all
questions changes. The size of such a change is pooled over the other pairs of the curve; where nothing changed
anywhere, it is as large as a value allows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.data.arrays import Signs
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import CHANGE, SAME
from overthink.stats.multiplier_bootstrap import (
    Units,
    all_pairs,
    attainable_p,
    critical_value,
    errors,
    p_searched,
    sign_flip_sums,
    student_t,
    unseen_size,
    with_pseudo_units,
)
from overthink.stats.testing import p_equivalent

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""(later, earlier), each (pair,): indices of the compared stretches."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Stretches of the ladder and the pairs of them that can show a turn.

    Attributes:
        units: Parts of the stretches' means; its levels are the stretches.
        start: (stretch,) first level of each.
        end: (stretch,) last level of each.
        toward: Pairs whose later stretch may be a peak or trough.
        away: Pairs whose earlier stretch may be one.
    """

    units: Units
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    toward: Pairs
    away: Pairs


@dataclass(frozen=True, slots=True)
class Turns:
    """p-values of the two turns, and the critical value of one half of a turn.

    Attributes:
        hump: p-value of "the curve does not rise and then fall"; 1 with fewer than three levels.
        dip: p-value of "the curve does not fall and then rise"; 1 with fewer than three levels.
        critical: Critical Student's t of one half; infinite with too few units.
    """

    hump: float
    dip: float
    critical: float


def anywhere(units: Units) -> Comparisons:
    """Return run-ups and drawdowns between any two stretches: rungs, or means of 2, 4, ... neighbouring rungs.

    A hump is seldom one rung wide, and a mean over its width has less noise.
    """
    n = units.n_levels
    widths = [2**i for i in range(n.bit_length()) if 2**i <= max(n // 2, 1)]
    start = np.array([s for width in widths for s in range(n - width + 1)], dtype=np.int64)
    end = np.array([s + width - 1 for width in widths for s in range(n - width + 1)], dtype=np.int64)
    sums = np.concatenate([np.zeros((units.n_units, 1)), units.parts.cumsum(axis=1)], axis=1)
    means = Units((sums[:, end + 1] - sums[:, start]) / (end - start + 1))
    earlier, later = np.nonzero(end[:, None] < start[None, :])
    if n == 2:
        return Comparisons(means, start, end, (later, earlier), (later, earlier))
    # No turn is on the first or the last rung.
    toward, away = end[later] < n - 1, start[earlier] > 0
    return Comparisons(means, start, end, (later[toward], earlier[toward]), (later[away], earlier[away]))


def between_ends(units: Units) -> Comparisons:
    """Return each inner level against the first, and the last against it: no search with three levels."""
    level = np.arange(units.n_levels)
    inner, last = level[1:-1], units.n_levels - 1
    if not inner.size:
        pair = (np.array([last]), np.array([0]))
        return Comparisons(units, level, level, pair, pair)
    return Comparisons(units, level, level, (inner, np.zeros_like(inner)), (np.full_like(inner, last), inner))


def find_turns(comparisons: Comparisons, flips: Signs, *, alpha: float) -> Turns:
    """Return the tests of both turns.

    A half's p-value is the share of random signs under which the largest of its pairs moves as much (max-t), which
    accounts for the choice of the best pair. Rises into one stretch and falls out of the same or a later one make a
    hump: a curve that only falls and then rises cannot have both.

    Args:
        comparisons: From :func:`anywhere` or :func:`between_ends`.
        flips: (half, unit) from :func:`~overthink.stats.multiplier_bootstrap.signs`.
        alpha: Level of the test, corrected for the family; only the critical value depends on it.
    """
    rises, falls, critical = [], [], 0.0
    null_means = np.ascontiguousarray(sign_flip_sums(comparisons.units.parts, flips).T)
    for later, earlier in (comparisons.toward, comparisons.away):
        statistic, null = comparisons.units.standardise(later, earlier, null_means)
        largest = null.max(axis=0)
        rises.append(p_searched(statistic, largest, n_pairs=len(later)))
        falls.append(p_searched(-statistic, largest, n_pairs=len(later)))
        critical = max(critical, _critical(largest, len(later), comparisons.units.n_units, alpha))
    if comparisons.end.max() < 2:
        return Turns(1.0, 1.0, critical)
    return Turns(
        hump=_both(comparisons, rises[0], falls[1]), dip=_both(comparisons, falls[0], rises[1]), critical=critical
    )


def _critical(largest: NDArray[np.float64], n_pairs: int, n_units: int, alpha: float) -> float:
    """Return Student's t at which a half is shown at α; Bonferroni's if no unit changed anywhere."""
    if not largest.any():
        return float(special.stdtrit(n_units - 1, 1 - alpha / n_pairs))
    return float(student_t(np.asarray(critical_value(largest, n_pairs=n_pairs, alpha=alpha)), n_units))


def _both(comparisons: Comparisons, toward: NDArray[np.float64], away: NDArray[np.float64]) -> float:
    """Return the p-value of a move into a stretch together with a move out of it or of a later one."""
    into, out = np.ones(len(comparisons.start)), np.ones(len(comparisons.start))
    np.minimum.at(into, comparisons.toward[0], toward)
    np.minimum.at(out, comparisons.away[1], away)
    same = float(np.maximum(into, out).min())
    at_or_before = [into[comparisons.end <= s].min(initial=1.0) for s in range(int(comparisons.end.max()) + 1)]
    at_or_after = [out[comparisons.start >= s].min(initial=1.0) for s in range(len(at_or_before))]
    return min(same, float(np.maximum(at_or_before, at_or_after).min()))


def smallest_p(n_units: int, n_levels: int, *, margin: float, resamples: int) -> float:
    """Return the smallest p-value that the verdict on any shape can have with so many questions.

    Args:
        n_units: Questions, or clusters of them.
        n_levels: Rungs.
        margin: Largest difference that does not matter.
        resamples: Resamples of the test.
    """
    if n_units < 2 or n_levels < 2:
        return 1.0
    comparisons = anywhere(Units(np.zeros((n_units, n_levels))))
    n_pairs = max(len(comparisons.toward[0]), len(comparisons.away[0]))
    p_flat = p_equivalent(comparisons.units.differences(*all_pairs(n_levels)), margin=margin)
    return attainable_p(n_units, n_levels, n_pairs=n_pairs, p_flat=p_flat, resamples=resamples)


TURN_POWER = 0.8


def minimum_detectable_effect(comparisons: Comparisons, flips: Signs, *, critical: float) -> float:
    """Return the height of the smallest tent that the test calls a hump with a power of 80 % (inverted: a dip).

    The tent rises evenly from the first level to the middle one and falls back to the last. Under random signs the
    stretches stray by z; with height h, a rise between stretches at relative heights g is shown where its change in
    z + h·g reaches the critical value times its standard error. The h that each resample needs follows in closed
    form, and 80 % of the resamples need at most the effect. With two levels there is no tent: it is the smallest
    change.

    Args:
        comparisons: Comparisons of the test.
        flips: (half, unit) from :func:`~overthink.stats.multiplier_bootstrap.signs`.
        critical: Student's t that a rise or a fall must reach.

    Returns:
        The effect, in the units of the values; NaN where even a change from 0 to 1 would be missed.
    """
    tent = _tent(comparisons)
    parts = comparisons.units.parts
    null_means = sign_flip_sums(parts - parts.mean(axis=0), flips)

    def required_height(upper: NDArray[np.int64], lower: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (resample,) the height at which the best pair reaches significance; infinite where none can."""
        up = tent[upper] > tent[lower]
        upper, lower = upper[up], lower[up]
        short = critical * errors(with_pseudo_units(parts[:, upper] - parts[:, lower]))
        heights = (short - null_means[:, upper] + null_means[:, lower]) / (tent[upper] - tent[lower])
        return np.asarray(heights.min(axis=1, initial=np.inf))

    (later, before), (after, earlier) = comparisons.toward, comparisons.away
    if comparisons.end.max() < 2:
        heights = required_height(later, before)
    else:
        into, out = np.full((2, len(null_means), len(comparisons.start)), np.inf)
        for c in np.unique(later):
            into[:, c] = required_height(later[later == c], before[later == c])
        for c in np.unique(earlier):
            out[:, c] = required_height(earlier[earlier == c], after[earlier == c])
        heights = np.maximum(into, out).min(axis=1)
        for level in range(int(comparisons.end.max()) + 1):  # the fall may start after the stretch that was risen into
            risen = into[:, comparisons.end <= level].min(axis=1, initial=np.inf)
            heights = np.minimum(
                heights, np.maximum(risen, out[:, comparisons.start >= level].min(axis=1, initial=np.inf))
            )
    effect = float(np.quantile(heights, TURN_POWER, method="higher"))
    return effect if effect <= 1 else float("nan")


def _tent(comparisons: Comparisons) -> NDArray[np.float64]:
    """Return (stretch,) the mean height of the tent over each stretch; its top is 1."""
    last = int(comparisons.end.max())
    if last == 1:
        return np.array([0.0, 1.0])
    level = np.arange(last + 1)
    height = np.minimum(level, last - level) / (last // 2)
    return np.array([height[s : e + 1].mean() for s, e in zip(comparisons.start, comparisons.end, strict=True)])


@dataclass(frozen=True, slots=True)
class TurnSize:
    """Size of a rise or of a fall, in the units of the values.

    Attributes:
        estimate: The largest over all pairs of rungs, at least 0; biased upward.
        low: Lower end of its interval, at least 0; the change is shown where it is above 0.
        high: Upper end.
        from_rung: Where the widest pair begins, position on the ladder.
        rung: Where it ends.
    """

    estimate: float
    low: float
    high: float
    from_rung: int
    rung: int

    @property
    def is_shown(self) -> bool:
        """Whether some change in this direction is shown."""
        return self.low > 0


def turn_sizes(
    cells: NDArray[np.float64], *, level: float, rng: np.random.Generator, clusters: object = None
) -> tuple[TurnSize, TurnSize]:
    """Return the rise and the drawdown of the mean over questions along the ladder.

    Args:
        cells: (question, rung) numbers, none missing; at least two of each.
        level: Confidence that the interval holds the true size.
        rng: Source of randomness.
        clusters: (question,) labels of groups of questions that are alike; None for none.

    Raises:
        ValueError: There are fewer than two rungs or questions, or a value is missing.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> cells = (rng.random((200, 4, 3)) < [0.5, 0.9, 0.6]).mean(axis=1)
        >>> rise, drawdown = turn_sizes(cells, level=0.95, rng=rng)
        >>> (rise.from_rung, rise.rung), (drawdown.from_rung, drawdown.rung), drawdown.is_shown
        ((0, 1), (1, 2), True)
    """
    table = np.asarray(cells, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or np.isnan(table).any():
        raise ValueError(f"cells has shape {table.shape}; needed: two questions and two rungs or more, none missing")
    later, earlier = all_pairs(table.shape[1])
    changes = table[:, later] - table[:, earlier]
    changes = np.where(np.abs(changes) <= SAME, 0.0, changes)
    band = simultaneous_bands(changes, level=level, rng=rng, clusters=clusters, support=CHANGE)
    scale = np.where(changes.any(axis=0), 1.0, unseen_size(changes / len(changes)))
    low, high = band.low * scale, band.high * scale
    return _largest(band.estimate, low, high, earlier, later), _largest(-band.estimate, -high, -low, earlier, later)


def _largest(
    estimate: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    earlier: NDArray[np.int64],
    later: NDArray[np.int64],
) -> TurnSize:
    widest = int(np.argmax(estimate))
    return TurnSize(
        estimate=max(float(estimate[widest]), 0.0),
        low=max(float(low.max()), 0.0),
        high=max(float(high.max()), 0.0),
        from_rung=int(earlier[widest]),
        rung=int(later[widest]),
    )
