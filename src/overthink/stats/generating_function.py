"""Many coefficients of a generating function from its values on one circle.

A uniform subset of k out of n draws is a set of independent binomials conditioned on their sum being k, whatever the
success chance p. A probability over subsets is therefore a coefficient of a polynomial, divided by b(k), the chance
that a binomial of n trials makes k. The polynomial is evaluated at points of the unit circle; p puts its mass near the
requested k, so that few points are enough, and they serve every k nearby.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

PROBABILITY_TOLERANCE = 1e-13
"""Truncation changes no probability by more than a few times this. A bound, not an estimate."""

CIRCLE_REACH = 3.0
"""A circle serves sizes within this many standard deviations; further off, rounding errors grow as the chance falls."""


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """One circle and the subset sizes computed from it.

    Attributes:
        p: Success chance of the binomials.
        sizes: (k,) subset sizes, ascending.
        chance: (k,) b(k), the chance that the n draws make k; every error is divided by it.
        points: Points on the whole circle. Coefficients this far apart are aliased; the others
            together are below the tolerance.
    """

    p: float
    sizes: NDArray[np.int64]
    chance: NDArray[np.float64]
    points: int

    @property
    def negligible(self) -> float:
        """Maximum truncation error of the polynomial, summed over its coefficients."""
        return PROBABILITY_TOLERANCE * float(self.chance.min())

    def coefficients(self, values: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Probabilities at the sizes, (..., k), from values at the first points of the upper half circle, (..., point).

        The lower half is the conjugate of the upper one, as the coefficients are real.
        """
        every = np.fft.irfft(values.conj(), n=self.points)
        return np.asarray(every[..., self.sizes % self.points] / self.chance)

    def powers(self, exponents: NDArray[np.int64], count: int) -> NDArray[np.complex128]:
        """(exponent, point): the first ``count`` points of the circle, raised to each exponent."""
        return _roots(self.points)[np.outer(exponents, np.arange(count)) % self.points]


@lru_cache(maxsize=256)
def contours(n: int, sizes: tuple[int, ...]) -> tuple[Contour, ...]:
    """The circles from which all sizes can be computed.

    Args:
        n: Number of draws.
        sizes: Subset sizes, ascending, each from 1 to n-1.

    Returns:
        One circle per group of nearby sizes, in order.
    """
    # On this scale the number of draws that succeed has a standard deviation of one, whatever p.
    scale = 2 * np.sqrt(n) * np.arcsin(np.sqrt(np.array(sizes) / n))
    circles = []
    start = 0
    while start < len(sizes):
        stop = int(np.searchsorted(scale, scale[start] + 2 * CIRCLE_REACH, side="right"))
        middle = (scale[start] + scale[stop - 1]) / 2
        p = float(np.sin(middle / (2 * np.sqrt(n))) ** 2)
        circles.append(_contour(n, np.array(sizes[start:stop]), p))
        start = stop
    return tuple(circles)


def _contour(n: int, sizes: NDArray[np.int64], p: float) -> Contour:
    b = binomials(np.array([n]), np.arange(n + 1), p)[0]
    negligible = PROBABILITY_TOLERANCE * b[sizes].min()
    # The nearest sums above and below whose tails, and all beyond them, cannot be mistaken for a size.
    above = int(np.count_nonzero(b[::-1].cumsum()[::-1] > negligible))
    below = int(np.count_nonzero(b.cumsum() <= negligible)) - 1
    points = max(above - int(sizes[0]), int(sizes[-1]) - below, 1)
    return Contour(p=p, sizes=sizes, chance=b[sizes], points=min(points, n + 1))


def binomials(n: NDArray[np.int64], counts: NDArray[np.int64], p: float) -> NDArray[np.float64]:
    """Chance of each count under each number of trials, (n, count); 0 where a count exceeds the trials."""
    failures = n[:, None] - counts
    log = _log_factorials(int(max(n.max(), counts.max(initial=0))))
    ways = log[n][:, None] - log[counts] - log[np.maximum(failures, 0)]
    log_chance = ways + (counts * np.log(p) + failures * np.log1p(-p))
    log_chance[failures < 0] = -np.inf
    return np.asarray(np.exp(log_chance), dtype=np.float64)


@lru_cache(maxsize=64)
def _log_factorials(n: int) -> NDArray[np.float64]:
    return np.asarray(special.gammaln(np.arange(n + 1) + 1.0), dtype=np.float64)


@lru_cache(maxsize=64)
def _roots(points: int) -> NDArray[np.complex128]:
    return np.asarray(np.exp(2j * np.pi * np.arange(points) / points), dtype=np.complex128)
