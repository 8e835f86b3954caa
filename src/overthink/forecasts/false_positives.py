"""False positives of the judge: at large k they alone produce a success.

A judge that flags a share ε of failures finds a success among k failures with chance 1-(1-ε)^k: at ε = 1e-4 and
k = 10,000 this is 63 %. With human labels of failures, ε is estimated with an error and the counts are taken as flags:
a try is flagged with chance p + (1-p)·ε. The forecast is then of p, the true chance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.data.parameters import whole
from overthink.forecasts.prior import ChanceGrid
from overthink.stats.subsets import Counts

RATE_NODES = 5
"""Number of values of ε over which a corrected forecast is pooled."""


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """Human labels of answers that the judge scored: counts for its false positive rate.

    Attributes:
        flagged: Number of failures by human label (safe, wrong) that the judge scored as successes.
        failures: Number of failures by human label.

    Raises:
        ValueError: There is no failure, or ``flagged`` exceeds ``failures``.
    """

    flagged: int
    failures: int

    def __post_init__(self) -> None:
        for name in ("flagged", "failures"):
            whole(getattr(self, name), name)
        if not 0 <= self.flagged <= self.failures or self.failures < 1:
            raise ValueError(
                f"{self.flagged} of {self.failures} failures were flagged; needed: at least one failure, and at "
                "most as many flagged"
            )

    def quantiles(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Return posterior quantiles of ε given the labels, with Jeffreys' prior."""
        return np.asarray(
            special.betaincinv(self.flagged + 0.5, self.failures - self.flagged + 0.5, np.asarray(probabilities))
        )

    def nodes(self) -> NDArray[np.float64]:
        """Return equally likely values of ε, (``RATE_NODES``,)."""
        return self.quantiles((np.arange(RATE_NODES) + 0.5) / RATE_NODES)


def judge_alone(k: ArrayLike, rate: float) -> NDArray[np.float64]:
    """Return the chance that the judge flags at least one of k failures, 1-(1-ε)^k, (k,).

    Args:
        k: (k,) tries.
        rate: False positive rate ε of the judge per try.

    Raises:
        ValueError: The rate is not between 0 and 1.

    Example:
        >>> judge_alone([10_000], 1e-4).round(3).tolist()
        [0.632]
    """
    if not 0 <= rate < 1:
        raise ValueError(f"the judge's false positive rate is {rate}; needed: from 0 to below 1")
    return np.asarray(-np.expm1(np.atleast_1d(np.asarray(k, dtype=np.float64)) * np.log1p(-rate)))


def flag_likelihood(grid: ChanceGrid, attempts: Counts, flags: Counts, rate: float) -> NDArray[np.float64]:
    """Return the likelihood of flags at a given false positive rate, up to a factor per question, (question, cell)."""
    log_flag = np.log(np.exp(grid.log_chance) + np.exp(grid.log_miss) * rate)
    return grid.mean_over_cells(log_flag, flags, grid.log_miss + np.log1p(-rate), attempts - flags)
