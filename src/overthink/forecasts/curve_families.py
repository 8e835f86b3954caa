"""Families of curves in thinking tokens, fitted to many resampled curves at once.

Every family is ``low·(1 - g) + high·g`` with its rise function g, two levels within [0, 1], and at most two shape
parameters of g. Those come from a small grid, so a fit is one matrix product for all resamples and always converges. No
family is a quadratic: it would fit a curve that levels off as a falling one.

Budgets are on a logarithmic axis and counted from the lowest rung, so the unit of a budget does not matter.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from overthink.data.arrays import Array

Rise = Callable[[Array, Array], Array]
"""Maps rungs and points in doublings to the values of g, (shape, rung and point)."""

POWER_EXPONENTS = np.geomspace(0.15, 3, 14)
"""Exponents of the power family: from nearly log-linear to levelling off within an octave."""

STEEPNESS = (0.5, 0.8, 1.2)
"""Scales of the logistic in octaves; a ladder of octaves cannot resolve a step within an octave."""

BEYOND_TOP = 1.5
"""Largest distance of the middle of the logistic above the top rung, in octaves."""

FALLS = (1 / 3, 1 / 2, 1.0, 2.0, 3.0)
"""Slope after the turn of a hump, relative to the slope before it."""

SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class CurveFamily:
    """A family of curves.

    Attributes:
        name: Name in the metrics of findings.
        parameters: Number of fitted parameters; at least as many rungs are needed.
        rise: The function g; None where the family is fitted to the rungs of the top octave only.
    """

    name: str
    parameters: int
    rise: Rise | None

    @property
    def words(self) -> str:
        """Name for display."""
        return {"log_linear": "log-linear", "power_ceiling": "power with ceiling"}.get(self.name, self.name)


def _power(rungs: Array, points: Array) -> Array:
    return np.asarray(1 - 2.0 ** (-POWER_EXPONENTS[:, None] * (points - rungs[0])), dtype=np.float64)


def _logistic(rungs: Array, points: Array) -> Array:
    middles, scales = _grid(np.linspace(rungs[0], rungs[-1] + BEYOND_TOP, 8), np.array(STEEPNESS))
    return np.asarray(special.expit((points - middles) / scales))


def _hump(rungs: Array, points: Array) -> Array:
    """Return a straight line up to an inner rung and another one down from it; with levels swapped, a dip."""
    turns, falls = _grid(rungs[1:-1], np.array(FALLS))
    before = (points - rungs[0]) / (turns - rungs[0])
    after = 1 - falls * (points - turns) / (turns - rungs[0])
    return np.asarray(np.where(points <= turns, before, after))


def _grid(first: Array, second: Array) -> tuple[Array, Array]:
    columns, rows = np.meshgrid(first, second)
    return columns.reshape(-1, 1), rows.reshape(-1, 1)


FLAT_FAMILY = CurveFamily("flat", 1, None)
LOG_LINEAR = CurveFamily("log_linear", 2, None)
HUMP = CurveFamily("hump", 4, _hump)
CURVE_FAMILIES = (
    FLAT_FAMILY,
    LOG_LINEAR,
    CurveFamily("power_ceiling", 3, _power),
    CurveFamily("logistic", 4, _logistic),
    HUMP,
)


def predict(family: CurveFamily, curves: Array, rungs: Array, point: float) -> Array:
    """Fit a family to every curve by least squares and return its predictions at one point.

    Flat and log-linear are the mean of, and the straight line through, the rungs of the top octave, at least two rungs:
    a forecast only needs the curve to be flat or straight there.

    Args:
        family: The family.
        curves: (resample, rung) means in [0, 1].
        rungs: (rung,) budgets in doublings, increasing; at least two, and as many as the family has parameters.
        point: Position of the prediction, in doublings.

    Returns:
        (resample,) predictions in [0, 1].

    Example:
        >>> predict(LOG_LINEAR, np.array([[0.2, 0.3, 0.4]]), np.array([9.0, 10, 11]), 12.0).round(6).tolist()
        [0.5]
    """
    if family.rise is None:
        return np.clip(_of_top_octave(family, curves, rungs, point), 0, 1)
    rise = family.rise(rungs, np.append(rungs, point))
    basis = np.stack([1 - rise, rise], axis=-1)  # (bend, rung and point, level)
    inverse = np.linalg.pinv(basis[:, :-1])
    levels = np.clip(np.tensordot(curves, inverse, axes=([1], [2])), 0, 1)  # (resample, bend, level)
    fit = np.einsum("rbl,bpl->rbp", levels, basis)
    misfit = ((fit[:, :, :-1] - curves[:, None, :]) ** 2).sum(axis=2)
    best = np.argmin(np.round(misfit, 12), axis=1)  # rounding must not decide between fits that are equally good
    return np.asarray(np.clip(fit[np.arange(len(curves)), best, -1], 0, 1))


def _of_top_octave(family: CurveFamily, curves: Array, rungs: Array, point: float) -> Array:
    first = min(int(np.searchsorted(rungs, rungs[-1] - 1 - SLACK)), len(rungs) - 2)
    top, level = rungs[first:], curves[:, first:].mean(axis=1)
    if family is FLAT_FAMILY:
        return np.asarray(level)
    offsets = top - top.mean()
    slope = curves[:, first:] @ offsets / (offsets @ offsets)
    return np.asarray(level + slope * (point - top.mean()))


def has_turn(curve: Array, resamples: Array, *, errors: float) -> bool:
    """Return whether an inner rung lies above (or below) both ends of the ladder by a number of standard errors.

    Without this check a hump would be fitted to the noise of every curve that levels off.

    Args:
        curve: (rung,) means.
        resamples: (resample, rung) means of the resamples.
        errors: Number of standard errors, paired by question.

    Returns:
        Whether there is such a turn; False without an inner rung.
    """
    inside, ends = slice(1, -1), [0, -1]
    height = curve[inside] - curve[ends][:, None]  # (end, rung)
    standard_error = (resamples[:, None, inside] - resamples[:, ends][:, :, None]).std(axis=0)
    significant = np.abs(height) > errors * standard_error + SLACK
    return bool((significant.all(axis=0) & (np.sign(height[0]) == np.sign(height[1]))).any())
