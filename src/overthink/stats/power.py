"""Minimum detectable effect of the test for turns."""

import numpy as np
from numpy.typing import NDArray

from overthink.stats.multiplier_bootstrap import errors, sign_flip_sums, with_pseudo_units
from overthink.stats.turning_points import Comparisons

TURN_POWER = 0.8


def minimum_detectable_effect(comparisons: Comparisons, flips: NDArray[np.float64], *, critical: float) -> float:
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
        peaks = np.intersect1d(later, earlier)
        at = [
            np.maximum(
                required_height(later[later == c], before[later == c]),
                required_height(earlier[earlier == c], after[earlier == c]),
            )
            for c in peaks
        ]
        heights = np.min(at, axis=0)
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
