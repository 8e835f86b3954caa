"""The assumption-free band: what any distribution of chances between questions could give, if the counts allow it.

With w_j the share of questions in cell j, pass@k is linear in w and the log-likelihood of the counts concave. The band
is the range of pass@k over all w whose log-likelihood is within χ²/2 of the largest (profile likelihood over all
mixing distributions; Kiefer and Wolfowitz 1956 for the maximum). n attempts identify n moments of the chances and no
more, so that beyond some multiple of the attempts the counts leave nearly everything possible.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from overthink.core.counts import Counts
from overthink.core.forecast.chances import chance_grid

Array = NDArray[np.float64]

GAP = 1e-4
"""What the band may still be short of its true end; it is added, so that the band is not too narrow."""
STEPS = 80
"""Newton steps at most; about 20 are needed."""
CLOSER = 0.15
"""The products of values and their prices are brought to this share of their mean with each step."""
TO_THE_WALL = 0.95
SAME = 1e-12
"""Directions of the likelihood this much weaker than the strongest do not count in the curvature."""


@dataclass(frozen=True, slots=True, eq=False)
class MixingSet:
    """All distributions of chances that the counts allow.

    Attributes:
        likelihood: (distinct, cell) of the distinct pairs of attempts and successes.
        rows: The same in fewer rows, for the curvature.
        times: (distinct,) questions with that pair.
        best: (cell,) the likeliest distribution.
        drop: How far below its log-likelihood an allowed distribution may be, more than 0.
    """

    likelihood: Array
    rows: "_Rows"
    times: Counts
    best: Array
    drop: float

    def low(self, k: int) -> float:
        """Lowest pass@k that the counts allow."""
        return 1.0 - self._highest(chance_grid().miss(k)[:, 0])

    def high(self, k: int) -> float:
        """Highest pass@k that the counts allow."""
        return self._highest(chance_grid().hit(k)[:, 0])

    def _highest(self, value: Array) -> float:
        """Largest value·w: a primal-dual interior-point method on the conditions of Karush, Kuhn and Tucker.

        value + λ∇l + z = t, w·z = 0, λ·room = 0, where w ≥ 0 are the shares, z their prices, λ ≥ 0 the price of the
        likelihood and room ≥ 0 how far it is above the least allowed.
        """
        cells = len(value)
        least = float(self.times @ np.log(self.likelihood @ self.best)) - self.drop
        w = 0.9 * self.best + 0.1 / cells
        z, rate, room, level = np.full(cells, 1.0), 1.0 / self.drop, self.drop, 1.0
        for _ in range(STEPS):
            seen = self.likelihood @ w
            slope = self.likelihood.T @ (self.times / seen)
            product = (w @ z + rate * room) / (cells + 1)
            short = float(self.times @ np.log(seen)) - room - least
            stray = value + rate * slope - level + z
            if product * (cells + 1) < GAP and abs(short) < GAP and np.abs(stray).max() < GAP:
                break
            aim = CLOSER * product
            system = _System(self.rows.weighed(rate * self.times / seen**2), z / w)
            pull, along, even = system(np.stack([stray + aim / w - z, slope, np.ones(cells)], axis=1)).T
            d_rate, d_level = np.linalg.solve(
                [[along.sum(), -even.sum()], [slope @ along + room / rate, -slope @ even]],
                [1.0 - w.sum() - pull.sum(), aim / rate - room - short - slope @ pull],
            )
            d_w = pull + along * d_rate - even * d_level
            d_z = (aim - w * z - z * d_w) / w
            d_room = (aim - rate * room - room * d_rate) / rate
            far = min(_reach(w, d_w), _reach(z, d_z), _reach([rate, room], [d_rate, d_room]))
            w, z, level = w + far * d_w, z + far * d_z, level + far * d_level
            rate, room = rate + far * d_rate, room + far * d_room
        return float(min(value @ w / w.sum() + GAP, 1.0))


def mixing_set(likelihood: Array, times: Counts, *, level: float) -> MixingSet:
    """The distributions within χ²/2 of the largest likelihood.

    Args:
        likelihood: (distinct, cell) of the distinct pairs of attempts and successes.
        times: (distinct,) questions with that pair.
        level: Confidence level.
    """
    scaled = likelihood / likelihood.max(axis=1, keepdims=True)
    rows = _Rows(scaled)
    return MixingSet(scaled, rows, times, _likeliest(scaled, rows, times), float(special.chdtri(1, 1 - level)) / 2)


def _likeliest(likelihood: Array, rows: "_Rows", times: Counts) -> Array:
    """The distribution with the largest likelihood: ∇l + z = t, w·z = 0, solved likewise."""
    cells = likelihood.shape[1]
    total = float(times.sum())
    w, z, level = np.full(cells, 1 / cells), np.full(cells, total), 2 * total
    for _ in range(STEPS):
        seen = likelihood @ w
        slope = likelihood.T @ (times / seen)
        product = w @ z / cells
        stray = slope - level + z
        if product * cells < GAP and np.abs(stray).max() < GAP * total:
            break
        aim = CLOSER * product
        pull, even = _System(rows.weighed(times / seen**2), z / w)(
            np.stack([stray + aim / w - z, np.ones(cells)], axis=1)
        ).T
        d_level = (pull.sum() + w.sum() - 1.0) / even.sum()
        d_w = pull - even * d_level
        d_z = (aim - w * z - z * d_w) / w
        far = min(_reach(w, d_w), _reach(z, d_z))
        w, z, level = w + far * d_w, z + far * d_z, level + far * d_level
    return np.asarray(w / w.sum())


class _Rows:
    """The likelihood as a product of two thin matrices, where it has more rows than directions.

    Thousands of questions with different counts still span few directions: a binomial likelihood is smooth along the
    grid. Only the curvature uses this, so the solution is the same.
    """

    def __init__(self, likelihood: Array) -> None:
        left, strength, basis = linalg.svd(likelihood, full_matrices=False, check_finite=False)
        kept = strength > SAME * strength[0]
        self.left, self.basis = left[:, kept] * strength[kept], basis[kept]
        self.likelihood = likelihood
        self.few = len(likelihood) <= kept.sum()

    def weighed(self, weight: Array) -> Array:
        """A matrix of as few rows as can be, with likelihoodᵀ diag(weight) likelihood as its own square."""
        root = np.sqrt(weight)[:, None]
        if self.few:
            return np.asarray(self.likelihood * root)
        return np.asarray(np.linalg.qr(self.left * root, mode="r") @ self.basis)


class _System:
    """Solves (diag(price) + lowᵀ low) x = b: a diagonal and a matrix of low rank."""

    def __init__(self, low: Array, price: Array) -> None:
        self.price, self.low = price, low
        scaled = low / np.sqrt(price)
        self.factor = linalg.cho_factor(np.eye(len(scaled)) + scaled @ scaled.T, check_finite=False)

    def __call__(self, right: Array) -> Array:
        plain = right / self.price[:, None]
        inner = linalg.cho_solve(self.factor, self.low @ plain, check_finite=False)
        return np.asarray(plain - (self.low.T @ inner) / self.price[:, None])


def _reach(values: Array | list[float], changes: Array | list[float]) -> float:
    """How much of the changes keeps the values positive, at most all of them."""
    value, change = np.asarray(values), np.asarray(changes)
    falls = change < 0
    return float(min(1.0, TO_THE_WALL * (value[falls] / -change[falls]).min(initial=np.inf)))
