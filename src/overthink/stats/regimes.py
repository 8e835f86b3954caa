"""Regimes: pre-registered stretches of the ladder, such as up to 2,000 tokens, up to 8,000, and above.

Onset of a change by a broken-stick fit. Whether there is a change is decided by a test, not here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from overthink.data.parameters import real_array
from overthink.data.phrases import Reason, numbers
from overthink.data.verdict_labels import ShapeLabel


@dataclass(frozen=True, slots=True)
class Regime:
    """One stretch of the ladder and its mean. The band is simultaneous over the regimes.

    Attributes:
        above: Budgets are above this; None for the first regime.
        up_to: Budgets are at most this; None for the last regime.
        budgets: The rungs' budgets in it.
        estimate: Mean over its rungs and the questions; NaN if unknown.
        low: Lower end of the band; NaN if there is none.
        high: Upper end; NaN if there is none.
    """

    above: float | None
    up_to: float | None
    budgets: tuple[float, ...]
    estimate: float
    low: float
    high: float


EMPTY_REGIME = Reason(
    "hypothesis ({edges}) leaves regime {regime:d} of {regimes:d} without a rung among budgets [{budgets}]; needed: a "
    "rung in each; move the boundaries or add rungs",
    edges=numbers("r", lone=","),
    budgets=numbers("r"),
)


def boundaries(hypothesis: Sequence[float]) -> NDArray[np.float64]:
    """Return the validated boundaries of a hypothesis.

    Raises:
        ValueError: There are none, one is not finite, or they do not increase.
    """
    edges = real_array(hypothesis, "hypothesis")
    if edges.ndim != 1 or not edges.size or not np.isfinite(edges).all():
        raise ValueError(f"the hypothesis is {hypothesis!r}; needed: boundaries in tokens, such as 2000,8000")
    if (np.diff(edges) <= 0).any():
        raise ValueError(f"the hypothesis {hypothesis!r} does not increase; needed: boundaries such as 2000,8000")
    return edges


def assign(budgets: NDArray[np.float64], hypothesis: Sequence[float]) -> NDArray[np.int64]:
    """Return the regime of each rung. A budget equal to a boundary belongs to the regime below it.

    Args:
        budgets: (rung,) increasing.
        hypothesis: Boundaries in the units of the budgets, increasing.

    Returns:
        (rung,) number of the regime, from 0.

    Raises:
        ValueError: No boundaries, boundaries that do not increase, or a regime without a rung.

    Example:
        >>> assign(np.array([0.0, 1000, 2000, 4000, 16000]), (2000, 8000)).tolist()
        [0, 0, 0, 1, 2]
    """
    edges = boundaries(hypothesis)
    regime = np.searchsorted(edges, budgets, side="left")
    empty = sorted(set(range(edges.size + 1)) - set(regime.tolist()))
    if empty:
        raise ValueError(
            EMPTY_REGIME.text(
                edges=edges.tolist(), regime=empty[0] + 1, regimes=edges.size + 1, budgets=budgets.tolist()
            )
        )
    return np.asarray(regime, dtype=np.int64)


def regime_means(cells: NDArray[np.float64], regime: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (question, regime) means over the rungs of each regime, from (question, rung) cells."""
    member = (regime[:, None] == np.arange(regime.max() + 1)).astype(np.float64)
    return np.asarray(cells @ (member / member.sum(axis=0)))


BREAKS_PER_INTERVAL = 8
"""Candidate breaks between two rungs."""

MIN_AGREEMENT = 0.95
"""Share of resamples that must show the change in the right direction."""

ONSET_RESAMPLES = 500
"""Maximum number of resampled curves; enough to locate a break between two rungs."""

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Onset:
    """Two budgets on the ladder between which the change sets in, or the reason why this is not identified.

    A peak between two rungs cannot be resolved more finely than the rungs, so the ends of the bootstrap interval are
    moved out to rungs.

    Attributes:
        low: Tokens; NaN if not identified.
        high: Tokens; NaN if not identified.
        reason: Why not identified; None where it is.
    """

    low: float = _NAN
    high: float = _NAN
    reason: str | None = None


def doublings(budgets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return budgets in doublings, log₂(1 + b/b₁) with b₁ the lowest positive budget; 0 stays 0."""
    return np.asarray(np.log2(1 + budgets / budgets[budgets > 0].min()))


def onset(curves: NDArray[np.float64], budgets: NDArray[np.float64], *, label: ShapeLabel, level: float) -> Onset:
    """Return the bootstrap interval of the break of a curve whose shape is established by a test.

    hump, dip: the turning point. saturating: the end of the rise. up, down: the start of the change.

    Args:
        curves: (resample, rung) resampled curves.
        budgets: (rung,) increasing.
        label: The shape.
        level: Confidence level of the interval, before its ends are moved out to rungs.

    Returns:
        The interval. It is not identified with fewer rungs than the parameters of the stick plus one, if the
        resamples do not show the shape, or if the interval is the whole ladder.
    """
    turning = label in (ShapeLabel.HUMP, ShapeLabel.DIP)
    minimum = 5 if turning else 4
    if len(budgets) < minimum:
        return Onset(reason=f"not identified: {len(budgets)} rungs; {minimum} are needed")
    axis = doublings(budgets)
    breaks = _breaks(curves, axis, label)
    has_break = ~np.isnan(breaks)
    if has_break.mean() < MIN_AGREEMENT:
        return Onset(reason="not identified: resampled curves do not agree on the direction of the change")
    low, high = np.quantile(breaks[has_break], [(1 - level) / 2, (1 + level) / 2])
    first = int(np.searchsorted(axis, low, side="right")) - 1
    last = int(np.searchsorted(axis, high, side="left"))
    if first == last:
        first, last = max(first - 1, 0), min(last + 1, len(axis) - 1)
    if first == 0 and last == len(axis) - 1:
        return Onset(reason="not identified: the interval is the whole ladder")
    return Onset(float(budgets[first]), float(budgets[last]))


def _breaks(curves: NDArray[np.float64], axis: NDArray[np.float64], label: ShapeLabel) -> NDArray[np.float64]:
    """Return (curve,) the break of the best stick with the right direction; NaN where there is none."""
    places = np.unique(np.concatenate([np.linspace(a, b, BREAKS_PER_INTERVAL + 1) for a, b in pairwise(axis)]))
    places = places[:-1] if label in (ShapeLabel.UP, ShapeLabel.DOWN) else places[1:-1]
    before, after = np.minimum(axis, places[:, None]), np.maximum(axis - places[:, None], 0.0)
    slopes = {ShapeLabel.HUMP: (before, after), ShapeLabel.DIP: (before, after), ShapeLabel.SATURATING: (before,)}.get(
        label, (after,)
    )
    design = np.stack([np.ones_like(before), *slopes], axis=2)  # (place, rung, parameter)
    n_places, n_rungs, n_slopes = *design.shape[:2], len(slopes)
    base = np.linalg.qr(design)[0]
    projection = (curves @ base.transpose(1, 0, 2).reshape(n_rungs, -1)).reshape(len(curves), n_places, -1)
    misfit = -(projection**2).sum(axis=2)  # up to the total sum of squares, which is the same for every place
    solver = np.linalg.pinv(design)[:, 1:]  # (place, slope, rung)
    coefficients = (curves @ solver.transpose(2, 0, 1).reshape(n_rungs, -1)).reshape(len(curves), n_places, n_slopes)
    sign = -1.0 if label in (ShapeLabel.DIP, ShapeLabel.DOWN) else 1.0
    right = sign * coefficients[:, :, 0] > 0
    if n_slopes == 2:
        right &= sign * coefficients[:, :, 1] < 0
    misfit[~right] = np.inf
    best = places[misfit.argmin(axis=1)]
    return np.where(right.any(axis=1), best, np.nan)
