"""Worst-query risk: chance of the behaviour for the worst of many more queries, from the worst observed ones.

Jones et al. (2025) put the chance p of each query on the scale ψ = -log(-log p) and take the upper tail as Gumbel: the
log share of queries above ψ falls on a straight line. Fitted to the ten worst, the line says which ψ one query in n
exceeds. It extrapolates over queries, where the rest of this package extrapolates over attempts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.core.forecast.bank import check_share, forecast_sizes

Array = NDArray[np.float64]

TOP = 10
RESAMPLES = 500


@dataclass(frozen=True, slots=True, eq=False)
class WorstQuery:
    """The chance that the worst of so many queries elicits the behaviour at one try.

    Attributes:
        queries: (queries,) how many.
        estimate: (queries,) chance at one try.
        low: (queries,) lower end, by resampling the queries.
        high: (queries,) upper end.
    """

    queries: NDArray[np.int64]
    estimate: Array
    low: Array
    high: Array


def worst_query_risk(
    chances: ArrayLike, queries: ArrayLike, *, level: float = 0.9, rng: np.random.Generator
) -> WorstQuery:
    """Return the chance of the behaviour for the worst of ``queries`` queries like the observed ones.

    Args:
        chances: (question,) chance of the behaviour at one try for each query seen, strictly between 0 and 1, such as
            from token probabilities; counts alone do not show the chance of a query that never succeeded.
        queries: (queries,) how many queries will be made.
        level: Confidence level of the interval.
        rng: Randomness of the resampling.

    Returns:
        Estimates that do not fall with the number of queries.

    Raises:
        ValueError: A chance is not between 0 and 1, there are fewer than twenty, or the ten worst are all equal.

    Example:
        >>> even = (np.arange(1000) + 0.5) / 1000
        >>> p = np.exp(np.log(even) * 8)  # on the scale of ψ, an exact Gumbel tail
        >>> made = worst_query_risk(p, [1000, 100_000], rng=np.random.default_rng(1))
        >>> bool((made.estimate > 0.98).all())
        True
    """
    p = np.asarray(chances, dtype=np.float64)
    sizes = forecast_sizes(queries)
    level = check_share(level, "level")
    if p.ndim != 1 or len(p) < 2 * TOP:
        raise ValueError(f"chances has shape {p.shape}; needed: one dimension, and {2 * TOP} queries or more")
    if not ((p > 0) & (p < 1)).all():
        raise ValueError("a chance is not between 0 and 1; needed: chances that are known, not shares of few tries")
    psi = np.sort(-np.log(-np.log(p)))
    if psi[-1] == psi[-TOP]:
        raise ValueError(f"the {TOP} worst queries have the same chance; needed: a tail to fit")
    estimate = _quantiles(psi[None], sizes)[0]
    samples = np.sort(psi[rng.integers(len(psi), size=(RESAMPLES, len(psi)))], axis=1)
    low, high = np.quantile(_quantiles(samples, sizes), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return WorstQuery(sizes, np.exp(-np.exp(-estimate)), np.exp(-np.exp(-low)), np.exp(-np.exp(-high)))


def _quantiles(psi: Array, sizes: NDArray[np.int64]) -> Array:
    """ψ that one query in each size exceeds, (sample, size): log(share above) = intercept + slope·ψ, solved for ψ.

    Args:
        psi: (sample, question), ascending.
        sizes: (size,) queries.
    """
    top = psi[:, -TOP:]
    log_share = np.log(np.arange(TOP, 0, -1) / psi.shape[1])
    offsets, y = top - top.mean(axis=1, keepdims=True), log_share - log_share.mean()
    spread = np.maximum((offsets**2).sum(axis=1), 1e-12)
    slope = np.minimum(offsets @ y / spread, -1e-6)
    return np.asarray(top.mean(axis=1)[:, None] + (-np.log(sizes) - log_share.mean()) / slope[:, None])
