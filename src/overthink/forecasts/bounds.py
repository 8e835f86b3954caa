"""The assumption-free band: range of pass@k over all distributions of chances between questions that fit the counts.

With w_j the share of questions in cell j, pass@k is linear in w and the log-likelihood of the counts concave. The band
is the range of pass@k over all w whose log-likelihood is within χ²/2 of the largest (profile likelihood over all
mixing distributions; Kiefer and Wolfowitz 1956 for the maximum). n attempts identify only n moments of the chances, so
beyond some multiple of the attempts the counts allow nearly every value.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from overthink.data.arrays import Array
from overthink.forecasts.prior import chance_grid
from overthink.stats.subsets import Counts

BAND_TOLERANCE = 1e-4
"""Largest duality gap at convergence; it is added to the band, so that the band is not too narrow."""
NEWTON_STEPS = 80
"""Maximum number of Newton steps; about 20 are needed."""
CENTRING = 0.15
"""Centring parameter: share of the mean product of values and dual prices that each step aims for."""
STEP_SHARE = 0.95
"""Share of the step to the boundary that is taken."""
NEGLIGIBLE_DIRECTION = 1e-12
"""Relative singular value below which a direction of the likelihood is left out of the curvature."""


@dataclass(frozen=True, slots=True, eq=False)
class MixingSet:
    """All distributions of chances that the counts allow.

    Attributes:
        likelihood: (distinct, cell) likelihood of the distinct pairs of attempts and successes.
        rows: Its factorisation with fewer rows, for the curvature.
        times: (distinct,) number of questions with that pair.
        best: (cell,) maximum-likelihood distribution.
        drop: Largest difference of an allowed log-likelihood from the maximum, more than 0.
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

        value + λ∇l + z = t, w·z = 0, λ·room = 0, where w ≥ 0 are the shares, z their dual prices, λ ≥ 0 the dual price
        of the likelihood and room ≥ 0 its distance from the lowest allowed value.
        """
        cells = len(value)
        floor = float(self.times @ np.log(self.likelihood @ self.best)) - self.drop
        w = 0.9 * self.best + 0.1 / cells
        z, rate, room, level = np.full(cells, 1.0), 1.0 / self.drop, self.drop, 1.0
        for _ in range(NEWTON_STEPS):
            probability = self.likelihood @ w
            slope = self.likelihood.T @ (self.times / probability)
            product = (w @ z + rate * room) / (cells + 1)
            shortfall = float(self.times @ np.log(probability)) - room - floor
            residual = value + rate * slope - level + z
            if (
                product * (cells + 1) < BAND_TOLERANCE
                and abs(shortfall) < BAND_TOLERANCE
                and np.abs(residual).max() < BAND_TOLERANCE
            ):
                break
            target = CENTRING * product
            system = _System(self.rows.weighted_rows(rate * self.times / probability**2), z / w)
            pull, along, even = system(np.stack([residual + target / w - z, slope, np.ones(cells)], axis=1)).T
            d_rate, d_level = np.linalg.solve(
                [[along.sum(), -even.sum()], [slope @ along + room / rate, -slope @ even]],
                [1.0 - w.sum() - pull.sum(), target / rate - room - shortfall - slope @ pull],
            )
            d_w = pull + along * d_rate - even * d_level
            d_z = (target - w * z - z * d_w) / w
            d_room = (target - rate * room - room * d_rate) / rate
            step = min(_step_length(w, d_w), _step_length(z, d_z), _step_length([rate, room], [d_rate, d_room]))
            w, z, level = w + step * d_w, z + step * d_z, level + step * d_level
            rate, room = rate + step * d_rate, room + step * d_room
        return float(min(value @ w / w.sum() + BAND_TOLERANCE, 1.0))


def mixing_set(likelihood: Array, times: Counts, *, level: float) -> MixingSet:
    """Return the set of distributions whose log-likelihood is within χ²/2 of the maximum.

    Args:
        likelihood: (distinct, cell) likelihood of the distinct pairs of attempts and successes.
        times: (distinct,) number of questions with that pair.
        level: Confidence level.
    """
    relative = likelihood / likelihood.max(axis=1, keepdims=True)
    rows = _Rows(relative)
    return MixingSet(relative, rows, times, _likeliest(relative, rows, times), float(special.chdtri(1, 1 - level)) / 2)


def _likeliest(likelihood: Array, rows: "_Rows", times: Counts) -> Array:
    """Return the maximum-likelihood distribution, (cell,): ∇l + z = t, w·z = 0, by the same interior-point method."""
    cells = likelihood.shape[1]
    total = float(times.sum())
    w, z, level = np.full(cells, 1 / cells), np.full(cells, total), 2 * total
    for _ in range(NEWTON_STEPS):
        probability = likelihood @ w
        slope = likelihood.T @ (times / probability)
        product = w @ z / cells
        residual = slope - level + z
        if product * cells < BAND_TOLERANCE and np.abs(residual).max() < BAND_TOLERANCE * total:
            break
        target = CENTRING * product
        pull, even = _System(rows.weighted_rows(times / probability**2), z / w)(
            np.stack([residual + target / w - z, np.ones(cells)], axis=1)
        ).T
        d_level = (pull.sum() + w.sum() - 1.0) / even.sum()
        d_w = pull - even * d_level
        d_z = (target - w * z - z * d_w) / w
        step = min(_step_length(w, d_w), _step_length(z, d_z))
        w, z, level = w + step * d_w, z + step * d_z, level + step * d_level
    return np.asarray(w / w.sum())


class _Rows:
    """The likelihood as a product of two thin matrices, where it has more rows than directions.

    Thousands of questions with different counts still span few directions: a binomial likelihood is smooth along the
    grid. Only the curvature uses this, so the solution is the same.
    """

    def __init__(self, likelihood: Array) -> None:
        factor, strength, basis = linalg.svd(likelihood, full_matrices=False, check_finite=False)
        keep = strength > NEGLIGIBLE_DIRECTION * strength[0]
        self.left, self.basis = factor[:, keep] * strength[keep], basis[keep]
        self.likelihood = likelihood
        self.few = len(likelihood) <= keep.sum()

    def weighted_rows(self, weight: Array) -> Array:
        """Return a matrix R with few rows such that RᵀR = likelihoodᵀ diag(weight) likelihood."""
        root = np.sqrt(weight)[:, None]
        if self.few:
            return np.asarray(self.likelihood * root)
        return np.asarray(np.linalg.qr(self.left * root, mode="r") @ self.basis)


class _System:
    """Solver of (diag(price) + lowᵀ low) x = b: a diagonal plus a matrix of low rank."""

    def __init__(self, low: Array, price: Array) -> None:
        self.price, self.low = price, low
        half = low / np.sqrt(price)
        self.factor = linalg.cho_factor(np.eye(len(half)) + half @ half.T, check_finite=False)

    def __call__(self, right: Array) -> Array:
        plain = right / self.price[:, None]
        inner = linalg.cho_solve(self.factor, self.low @ plain, check_finite=False)
        return np.asarray(plain - (self.low.T @ inner) / self.price[:, None])


def _step_length(values: Array | list[float], changes: Array | list[float]) -> float:
    """Return the largest step, at most 1, along the changes that keeps the values positive."""
    value, change = np.asarray(values), np.asarray(changes)
    falls = change < 0
    return float(min(1.0, STEP_SHARE * (value[falls] / -change[falls]).min(initial=np.inf)))
