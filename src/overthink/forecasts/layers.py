"""The three layers of a forecast, evaluated at any k.

False positives of the judge: at large k they alone produce a success.

A judge that flags a share ε of failures finds a success among k failures with chance 1-(1-ε)^k: at ε = 1e-4 and k =
10,000 this is 63 %. With human labels of failures, ε is estimated with an error and the counts are taken as flags: a
try is flagged with chance p + (1-p)·ε. The forecast is then of p, the true chance.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from overthink.data.arrays import Array
from overthink.data.parameters import whole
from overthink.forecasts.bounds import MixingSet, mixing_set
from overthink.forecasts.counts import Bank
from overthink.forecasts.model_band import ModelBand, model_band
from overthink.forecasts.posterior import Posterior, posterior
from overthink.forecasts.prior import (
    DOUBT_FAMILY,
    MIXING_FAMILIES,
    UNSOLVABLE,
    ChanceGrid,
    chance_grid,
    zero_success_bound,
)
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


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Everything of a forecast that does not depend on k.

    Attributes:
        bank: The counts.
        level: Confidence level of the bands.
        posteriors: Posteriors of the families given the counts; empty where nothing succeeded.
        model: Draws of the model band; None where nothing succeeded.
        least: Distributions compatible with the counts, for the lower end; None where nothing succeeded.
        most: The same for the upper end; differs from ``least`` only if the judge's errors are corrected.
        corrects_judge: Whether the counts are treated as flags of an imperfect judge.
    """

    bank: Bank
    level: float
    posteriors: tuple[Posterior, ...]
    model: ModelBand | None
    least: MixingSet | None
    most: MixingSet | None
    corrects_judge: bool
    _at: dict[int, tuple[float, float, float]] = field(default_factory=dict, init=False, repr=False)

    @property
    def tail(self) -> float:
        """Chance beyond each end of the bands."""
        return (1 - self.level) / 2

    def is_exact(self, k: Counts) -> NDArray[np.bool_]:
        """Return whether the estimate needs no model, (k,)."""
        return np.asarray((k <= self.bank.exact_to) & (not self.corrects_judge))

    def band(self, k: Counts) -> tuple[Array, Array, Array]:
        """Return estimate, low and high, (k,) each, none decreasing with k."""
        exact = self.is_exact(k)
        unbiased = np.full(len(k), np.nan)
        unbiased[exact] = self.bank.exact(k[exact]) if exact.any() else []
        if self.model is None:
            return unbiased, np.zeros(len(k)), zero_success_bound(self.bank.attempts, k, tail=self.tail)
        low, middle, high = self.model.quantiles(k, tail=self.tail)
        needs_model = self.corrects_judge or self.bank.adaptive
        floor = 0.0 if needs_model else float(self.bank.exact(np.array([self.bank.exact_to]))[0])
        estimate = np.where(exact, unbiased, np.maximum(middle, floor))
        low, high = np.minimum(low, estimate), np.maximum(high, estimate)
        if self.bank.batch is not None:
            # Such a run ends with a whole number of solved questions: the band is rounded outwards to whole questions.
            low, high = _round_outwards(low, high, len(self.bank.attempts))
        return estimate, low, high

    def at(self, k: int) -> tuple[float, float, float]:
        """Return estimate, low and high at one k; a search for crossings comes back to the same k, which is kept."""
        if k not in self._at:
            estimate, low, high = self.band(np.array([k]))
            self._at[k] = float(estimate[0]), float(low[0]), float(high[0])
        return self._at[k]

    def bounds(self, k: Counts) -> tuple[Array, Array]:
        """Return the ends of the assumption-free band, (k,) each; never narrower than the model band."""
        _, low, high = self.band(k)
        if self.least is None or self.most is None:
            return low, high
        low = np.minimum(low, [max(self.least.low(int(tries)), 0.0) for tries in k])
        high = np.maximum(high, [self.most.high(int(tries)) for tries in k])
        # Each end is accurate to a ten-thousandth; a decrease with k within that error is removed by rounding outwards.
        order = np.argsort(k)
        low[order] = np.minimum.accumulate(low[order][::-1])[::-1]
        high[order] = np.maximum.accumulate(high[order])
        return low, high

    def bound_low(self, k: int) -> float:
        """Return the lower end of the assumption-free band at k."""
        low = self.at(k)[1]
        return low if self.least is None else min(low, max(self.least.low(k), 0.0))

    def bound_high(self, k: int) -> float:
        """Return the upper end of the assumption-free band at k."""
        high = self.at(k)[2]
        return high if self.most is None else max(high, self.most.high(k))


def build_layers(bank: Bank, *, level: float, judge: FalsePositives | None, rng: np.random.Generator) -> Layers:
    """Compute everything that does not depend on k.

    Args:
        bank: The counts.
        level: Confidence level of the bands.
        judge: Human labels of the judge's false positives, to correct for them; None for no correction.
        rng: Random generator of the draws.
    """
    corrects_judge = judge is not None
    if not bank.successes.any():
        return Layers(bank, level, (), None, None, None, corrects_judge)
    n, c, times, _ = bank.distinct()
    grid = chance_grid()
    if judge is None:
        likelihoods = [grid.likelihood(n, c)]
        ends = [likelihoods[0], likelihoods[0]]
    else:
        likelihoods = [flag_likelihood(grid, n, c, float(rate)) for rate in judge.nodes()]
        tail = (1 - level) / 2
        ends = [flag_likelihood(grid, n, c, float(rate)) for rate in judge.quantiles([1 - tail, tail])]
    posteriors = tuple(posterior(family, likelihood, times) for likelihood in likelihoods for family in MIXING_FAMILIES)
    doubts = [posterior(DOUBT_FAMILY, likelihood, times, unsolvable=UNSOLVABLE) for likelihood in likelihoods]
    mixing_sets = [mixing_set(likelihood, times, level=level) for likelihood in (ends if corrects_judge else ends[:1])]
    return Layers(
        bank,
        level,
        posteriors,
        model_band(posteriors, doubts, attempts=bank.typical_attempts, rng=rng),
        mixing_sets[0],
        mixing_sets[-1],
        corrects_judge,
    )


def _round_outwards(low: Array, high: Array, questions: int) -> tuple[Array, Array]:
    close = 1e-9
    return np.floor(low * questions + close) / questions, np.minimum(np.ceil(high * questions - close) / questions, 1.0)
