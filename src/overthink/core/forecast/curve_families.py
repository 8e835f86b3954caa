"""Families of curves in thinking tokens, fitted to many resampled curves at once.

Every family is ``low·(1 - g) + high·g`` with a rise g of its own, two levels within [0, 1], and at most two numbers
that bend g. Those come from a small grid, so a fit is one matrix product for all resamples and always converges. No
family is a quadratic: it calls a curve that levels off a falling one.

Budgets are on a logarithmic axis and counted from the lowest rung, so the unit of a budget does not matter.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Rise = Callable[[Array, Array], Array]
"""From rungs and points in doublings to (bend, rung and point) values of g."""

EXPONENTS = np.geomspace(0.15, 3, 14)
"""Of the power family: from nearly log-linear to levelling off within an octave."""

STEEPNESS = (0.5, 0.8, 1.2)
"""Scales of the logistic in octaves; a step within an octave is nothing that a ladder of octaves could show."""

BEYOND_TOP = 1.5
"""How many octaves above the top rung the middle of the logistic may lie."""

FALLS = (1 / 3, 1 / 2, 1.0, 2.0, 3.0)
"""Slope after the turn of a hump, relative to the slope before it."""

SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Family:
    """A family of curves.

    Attributes:
        name: As in the metrics of findings.
        parameters: Numbers that are fitted; at least as many rungs are needed.
        rise: Its g; None where it is laid through the upper rungs alone.
    """

    name: str
    parameters: int
    rise: Rise | None

    @property
    def words(self) -> str:
        """The name as it is read."""
        return {"log_linear": "log-linear", "power_ceiling": "power with ceiling"}.get(self.name, self.name)


def _power(rungs: Array, points: Array) -> Array:
    return np.asarray(1 - 2.0 ** (-EXPONENTS[:, None] * (points - rungs[0])), dtype=np.float64)


def _logistic(rungs: Array, points: Array) -> Array:
    middles, scales = _grid(np.linspace(rungs[0], rungs[-1] + BEYOND_TOP, 8), np.array(STEEPNESS))
    return np.asarray(special.expit((points - middles) / scales))


def _hump(rungs: Array, points: Array) -> Array:
    """A straight line up to a rung inside, and another down from it; upside down, a dip."""
    turns, falls = _grid(rungs[1:-1], np.array(FALLS))
    before = (points - rungs[0]) / (turns - rungs[0])
    after = 1 - falls * (points - turns) / (turns - rungs[0])
    return np.asarray(np.where(points <= turns, before, after))


def _grid(first: Array, second: Array) -> tuple[Array, Array]:
    one, two = np.meshgrid(first, second)
    return one.reshape(-1, 1), two.reshape(-1, 1)


FLAT = Family("flat", 1, None)
LOG_LINEAR = Family("log_linear", 2, None)
HUMP = Family("hump", 4, _hump)
FAMILIES = (FLAT, LOG_LINEAR, Family("power_ceiling", 3, _power), Family("logistic", 4, _logistic), HUMP)


def predict(family: Family, curves: Array, rungs: Array, point: float) -> Array:
    """Fit a family to every curve by least squares, and read it off at one more point.

    Flat and log-linear are the mean of, and the straight line through, the rungs of the top octave, two at least:
    that a curve is flat or straight where it is continued is all that a forecast needs of it.

    Args:
        family: Which family.
        curves: (resample, rung) means in [0, 1].
        rungs: (rung,) budgets in doublings, increasing; at least as many as the family has parameters, and two.
        point: Where to read it off, in doublings.

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
    solved = np.linalg.pinv(basis[:, :-1])
    levels = np.clip(np.tensordot(curves, solved, axes=([1], [2])), 0, 1)  # (resample, bend, level)
    fitted = np.einsum("rbl,bpl->rbp", levels, basis)
    misfit = ((fitted[:, :, :-1] - curves[:, None, :]) ** 2).sum(axis=2)
    best = np.argmin(np.round(misfit, 12), axis=1)  # rounding must not decide between fits that are equally good
    return np.asarray(np.clip(fitted[np.arange(len(curves)), best, -1], 0, 1))


def _of_top_octave(family: Family, curves: Array, rungs: Array, point: float) -> Array:
    first = min(int(np.searchsorted(rungs, rungs[-1] - 1 - SLACK)), len(rungs) - 2)
    top, level = rungs[first:], curves[:, first:].mean(axis=1)
    if family is FLAT:
        return np.asarray(level)
    centred = top - top.mean()
    slope = curves[:, first:] @ centred / (centred @ centred)
    return np.asarray(level + slope * (point - top.mean()))


def turn_is_shown(curve: Array, resampled: Array, *, errors: float) -> bool:
    """Whether some rung inside lies above (or below) both ends of the ladder, by so many standard errors each.

    Without this a hump would be fitted to every curve that levels off, by its noise.

    Args:
        curve: (rung,) means.
        resampled: (resample, rung) the same, resampled.
        errors: Standard errors, paired by question.

    Returns:
        False where there is no rung inside.
    """
    inside, ends = slice(1, -1), [0, -1]
    away = curve[inside] - curve[ends][:, None]  # (end, rung)
    spread = (resampled[:, None, inside] - resampled[:, ends][:, :, None]).std(axis=0)
    shown = np.abs(away) > errors * spread + SLACK
    return bool((shown.all(axis=0) & (np.sign(away[0]) == np.sign(away[1]))).any())
