"""Crossing of a threshold by a forecast: K*(τ), with an interval that may be open."""

from collections.abc import Callable
from dataclasses import dataclass

from overthink.forecasts.counts import MOST_TRIES

RESOLVED, OPEN, NOT_RESOLVED = "resolved", "open", "not resolved"

NEVER = float("inf")
"""Open end of an interval: no k up to ``MOST_TRIES`` reaches the threshold."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The smallest k at which pass@k reaches the threshold. Infinity stands for an open end.

    Attributes:
        threshold: The threshold τ.
        estimate: K*; infinity if the forecast does not reach τ at any k, NaN if nothing is extrapolated.
        low: Lower end by the model band.
        high: Upper end by the model band.
        bound_low: Lower end by the assumption-free band, to within 2 %.
        bound_high: Upper end by the assumption-free band, to within 2 %.
        label: "resolved"; "open" where the upper end is open; "not resolved" where the interval excludes no k.
    """

    threshold: float
    estimate: float
    low: float
    high: float
    bound_low: float
    bound_high: float
    label: str


def crossing_label(low: float, high: float, estimate: float) -> str:
    """Return the label of an interval of K*."""
    if estimate != estimate or (low <= 1 and high == NEVER):
        return NOT_RESOLVED
    return OPEN if high == NEVER else RESOLVED


def first_reaching(curve: Callable[[int], float], threshold: float, *, ratio: float = 1.0) -> float:
    """Return the smallest k with curve(k) ≥ threshold, by bisection in log k; infinity if there is none.

    Args:
        curve: Function of k that does not decrease.
        threshold: Value to reach.
        ratio: Largest ratio of the returned k to the exact one; 1 for the exact one.
    """
    if curve(1) >= threshold:
        return 1.0
    low, high = 1, MOST_TRIES
    if curve(high) < threshold:
        return NEVER
    while high - low > 1 and high > low * ratio:
        middle = min(max(round((low * high) ** 0.5), low + 1), high - 1)
        if curve(middle) >= threshold:
            high = middle
        else:
            low = middle
    return float(high)
