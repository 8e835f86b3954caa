"""Sizes of the largest rise and the largest fall of a curve, wherever on the ladder they are.

Over all pairs of rungs i < j, the rise is the largest m_j - m_i and the drawdown the largest m_i - m_j, at least 0.
Both are maxima over a search, so their estimates are too high on average: a flat curve has both. Their intervals
account for the search. A band that holds for all pairs at once holds for the largest of them, too, so the interval is
[largest lower end, largest upper end], floored at 0. It says that a fall is shown only where its lower end is above 0.

Between two rungs where no question changed (all traces had ended, say), at most a share 1 - (α/2)^(1/n) of all
questions changes. The size of such a change is pooled over the other pairs of the curve; where nothing changed
anywhere, it is as large as a value allows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import CHANGE, SAME
from overthink.stats.multiplier_bootstrap import all_pairs, unseen_size


@dataclass(frozen=True, slots=True)
class TurnSize:
    """Size of a rise or of a fall, in the units of the values.

    Attributes:
        estimate: The largest over all pairs of rungs, at least 0; biased upward.
        low: Lower end of its interval, at least 0; the change is shown where it is above 0.
        high: Upper end.
        from_rung: Where the widest pair begins, position on the ladder.
        rung: Where it ends.
    """

    estimate: float
    low: float
    high: float
    from_rung: int
    rung: int

    @property
    def is_shown(self) -> bool:
        """Whether some change in this direction is shown."""
        return self.low > 0


def turn_sizes(
    cells: NDArray[np.float64], *, level: float, rng: np.random.Generator, clusters: object = None
) -> tuple[TurnSize, TurnSize]:
    """Return the rise and the drawdown of the mean over questions along the ladder.

    Args:
        cells: (question, rung) numbers, none missing; at least two of each.
        level: Confidence that the interval holds the true size.
        rng: Source of randomness.
        clusters: (question,) labels of groups of questions that are alike; None for none.

    Raises:
        ValueError: There are fewer than two rungs or questions, or a value is missing.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> cells = (rng.random((200, 4, 3)) < [0.5, 0.9, 0.6]).mean(axis=1)
        >>> rise, drawdown = turn_sizes(cells, level=0.95, rng=rng)
        >>> (rise.from_rung, rise.rung), (drawdown.from_rung, drawdown.rung), drawdown.is_shown
        ((0, 1), (1, 2), True)
    """
    table = np.asarray(cells, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or np.isnan(table).any():
        raise ValueError(f"cells has shape {table.shape}; needed: two questions and two rungs or more, none missing")
    later, earlier = all_pairs(table.shape[1])
    changes = table[:, later] - table[:, earlier]
    changes = np.where(np.abs(changes) <= SAME, 0.0, changes)
    band = simultaneous_bands(changes, level=level, rng=rng, clusters=clusters, support=CHANGE)
    scale = np.where(changes.any(axis=0), 1.0, unseen_size(changes / len(changes)))
    low, high = band.low * scale, band.high * scale
    return _largest(band.estimate, low, high, earlier, later), _largest(-band.estimate, -high, -low, earlier, later)


def _largest(
    estimate: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    earlier: NDArray[np.int64],
    later: NDArray[np.int64],
) -> TurnSize:
    widest = int(np.argmax(estimate))
    return TurnSize(
        estimate=max(float(estimate[widest]), 0.0),
        low=max(float(low.max()), 0.0),
        high=max(float(high.max()), 0.0),
        from_rung=int(earlier[widest]),
        rung=int(later[widest]),
    )
