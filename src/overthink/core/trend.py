"""The Cochran–Armitage test of a linear trend of a share over ordered groups without common questions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special


@dataclass(frozen=True, slots=True)
class Trend:
    """A trend and its test; NaN with a reason where it is undefined.

    Attributes:
        slope: Change of the share per unit of score.
        z: Standardised trend; its sign is the direction.
        p: Two-sided p-value, by the normal distribution.
        reason: Why they are NaN.
    """

    slope: float
    z: float
    p: float
    reason: str | None = None


def cochran_armitage(successes: ArrayLike, trials: ArrayLike, scores: ArrayLike) -> Trend:
    """Return the test of a linear trend of success over scores (Cochran 1954, Armitage 1955), uncorrected.

    Assumes independent trials, without continuity correction. The same questions at every rung are not independent:
    use a paired contrast there.

    Args:
        successes: (group,) successes.
        trials: (group,) trials; a group without one adds nothing.
        scores: (group,) position of each group, such as the log of its budget.

    Returns:
        The trend.

    Raises:
        ValueError: Shapes differ, a count is not a whole number or is impossible, or a score is not finite.

    Example:
        >>> trend = cochran_armitage([100, 63, 64, 57, 64], [260] * 5, [0, 0.2, 0.7, 0.9, 0.99])
        >>> round(trend.z, 3), round(trend.p, 4)
        (-3.547, 0.0004)
    """
    k, n, s = (np.asarray(a, dtype=np.float64) for a in (successes, trials, scores))
    if k.ndim != 1 or k.shape != n.shape or k.shape != s.shape:
        raise ValueError(f"shapes are {k.shape}, {n.shape} and {s.shape}; needed: the same (group,)")
    if not ((k >= 0) & (k <= n) & (k == np.floor(k)) & (n == np.floor(n)) & np.isfinite(n)).all():
        raise ValueError(f"successes {k.tolist()} of {n.tolist()}; needed: whole numbers, 0 ≤ successes ≤ trials")
    if not np.isfinite(s).all():
        raise ValueError(f"scores are {s.tolist()}; needed: finite numbers")
    unknown = float("nan")
    total = float(n.sum())
    if np.unique(s[n > 0]).size < 2:
        return Trend(unknown, unknown, unknown, "trials at fewer than two scores")
    deviation = s - float(n @ s) / total
    variation = float(n @ deviation**2)
    share = float(k.sum()) / total
    covariance = float(deviation @ k)
    if share in (0.0, 1.0):
        return Trend(0.0, unknown, unknown, "every trial has the same outcome")
    z = covariance / float(np.sqrt(share * (1 - share) * variation))
    return Trend(covariance / variation, z, float(2 * special.ndtr(-abs(z))))
