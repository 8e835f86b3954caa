"""The three layers of a forecast, evaluated at any k."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array
from overthink.forecasts.bounds import MixingSet, mixing_set
from overthink.forecasts.counts import Bank
from overthink.forecasts.false_positives import FalsePositives, flag_likelihood
from overthink.forecasts.model_band import ModelBand, model_band
from overthink.forecasts.posterior import Posterior, posterior
from overthink.forecasts.prior import DOUBT_FAMILY, MIXING_FAMILIES, UNSOLVABLE, chance_grid, zero_success_bound
from overthink.stats.subsets import Counts


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
