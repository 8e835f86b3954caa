"""The forecast: pass@k, or attack success at k, at budgets beyond those that were measured.

A crossing K*(τ) of a threshold has an interval that may be open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.arrays import Array
from overthink.data.parameters import generator, instance
from overthink.data.verdict_labels import CrossingLabel
from overthink.forecasts.counts import MOST_TRIES, NO_SUCCESSES, check_share, forecast_sizes, read_bank
from overthink.forecasts.layers import FalsePositives, Layers, build_layers
from overthink.stats.subsets import Counts

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
        label: By the model band: "resolved"; "open" where the upper end is open; "not resolved" where the interval
            excludes no k, or nothing is extrapolated.
    """

    threshold: float
    estimate: float
    low: float
    high: float
    bound_low: float
    bound_high: float
    label: CrossingLabel

    @property
    def bound_label(self) -> CrossingLabel:
        """The same by the assumption-free band, which has an interval and no estimate."""
        return crossing_label(self.bound_low, self.bound_high, self.bound_low)


def crossing_label(low: float, high: float, estimate: float) -> CrossingLabel:
    """Return the label of an interval of K*."""
    if estimate != estimate or (low <= 1 and high == NEVER):
        return CrossingLabel.NOT_RESOLVED
    return CrossingLabel.OPEN if high == NEVER else CrossingLabel.RESOLVED


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


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Mean over the questions of the chance that at least one of k tries succeeds, in three layers.

    Attributes:
        k: (k,) tries.
        estimate: (k,) exact and unbiased where ``exact``, else the median of the model band; NaN, with a ``reason``,
            beyond the attempts where nothing succeeded, as nothing is extrapolated then. The bands are never NaN.
        low: (k,) lower end of the model band.
        high: (k,) upper end of the model band.
        bound_low: (k,) lower end of the assumption-free band, which is never narrower.
        bound_high: (k,) upper end of the assumption-free band.
        level: Confidence level of each band, at each k.
        exact: (k,) whether the estimate needs no model.
        n_questions: Number of questions with an attempt.
        batch: Attempts between looks at the outcome if sampling stopped at the first success; else None.
        notes: Notes for the reader.
        layers: The layers, to evaluate at other k.
    """

    k: Counts
    estimate: Array
    low: Array
    high: Array
    bound_low: Array
    bound_high: Array
    level: float
    exact: NDArray[np.bool_]
    n_questions: int
    batch: int | None
    notes: tuple[str, ...]
    layers: Layers = field(repr=False)

    @property
    def reason(self) -> str | None:
        """Reason of a missing estimate at some k; None where every k has one."""
        return NO_SUCCESSES if np.isnan(self.estimate).any() else None

    def at(self, k: ArrayLike) -> "Forecast":
        """Return the same forecast at other k, from the same draws.

        Raises:
            ValueError: A k is not a whole number from 1 to a billion.
        """
        return _read_off(self.layers, forecast_sizes(k), self.notes)

    def crossing(self, threshold: float) -> Crossing:
        """Return K*(τ), the smallest k at which the threshold is reached.

        Args:
            threshold: τ, between 0 and 1.

        Returns:
            Estimate and both intervals, each the first crossing of the curve or of an end of its band.

        Raises:
            ValueError: The threshold is not between 0 and 1.

        Example:
            >>> rng = np.random.default_rng(1)
            >>> forecast([100] * 50, [0] * 25 + [1] * 15 + [9] * 10, k=1000, rng=rng).crossing(0.5).label
            'resolved'
        """
        threshold = check_share(threshold, "threshold")
        layers = self.layers

        def first_crossing(which: int) -> float:
            return first_reaching(lambda k: layers.at(k)[which], threshold)

        has_model = layers.model is not None
        low, high = first_crossing(2), first_crossing(1) if has_model else NEVER
        estimate = first_crossing(0) if has_model else float("nan")
        bound = (low, high)
        if has_model:
            bound = (
                first_reaching(layers.bound_high, threshold, ratio=1.02),
                first_reaching(layers.bound_low, threshold, ratio=1.02),
            )
        return Crossing(threshold, estimate, low, high, *bound, crossing_label(low, high, estimate))


def forecast(
    attempts: ArrayLike,
    successes: ArrayLike,
    *,
    k: ArrayLike,
    level: float = 0.9,
    stopping: str | None = None,
    judge: FalsePositives | None = None,
    rng: np.random.Generator,
) -> Forecast:
    """Forecast the mean over questions of 1-(1-p)^k from few attempts.

    The forecast has three layers. For k within the attempts the estimate is unbiased and needs no model (Chen et al.
    2021; the product-limit estimator where sampling stopped at the first success). Beyond them it depends on
    assumptions: the model band pools three families of how chances differ between questions, and their log-log
    continuation as far as the attempts show a bend; its ends allow that a share of the questions has no chance, which
    the estimate does not. The assumption-free band covers all distributions of chances compatible with the counts.
    Attempts are assumed to be independent: attacks that adapt to earlier failures are not.

    On public banks of 10,000 attempts per question the model band has its nominal coverage up to k = 10,000 from 50 to
    200 attempts; beyond that it has not been checked.

    Args:
        attempts: (question,) number of attempts; they may differ. Questions with none are left out, with a warning.
        successes: (question,) number of successes: right answers, or harmful ones on a safety axis.
        k: (k,) tries to forecast, from 1 to a billion; a single number counts as one.
        level: Confidence level of the bands, at each k.
        stopping: "fixed" if the number of tries was set beforehand; "first_success" if sampling stopped at a
            success; "adaptive" if the number of attempts of a question depended on its earlier outcomes, and then no
            k is exact; None infers it where attempts differ, and warns.
        judge: Human labels of the judge's false positives, to correct the forecast for them. None makes no
            correction.
        rng: Random generator of the draws; the same state gives the same forecast.

    Returns:
        The forecast. Without any success: 0 to the model-free bound, and beyond the attempts no estimate (NaN) but a
        ``reason``.

    Raises:
        ValueError: The counts are no counts or there are none, a k is not a whole number from 1 to a billion, the
            level is not between 0 and 1, or ``stopping`` is unknown or does not fit the counts.

    Example:
        >>> result = forecast([100] * 50, [0] * 40 + [1] * 10, k=[100, 10_000], rng=np.random.default_rng(1))
        >>> result.exact.tolist(), result.estimate[:1].round(3).tolist()
        ([True, False], [0.2])
        >>> forecast([100] * 50, [0] * 50, k=10_000, rng=np.random.default_rng(1)).reason
        'nothing succeeded: only the bound that needs no model is given, and nothing is extrapolated'
    """
    generator(rng)
    if judge is not None:
        instance(judge, "judge", FalsePositives)
    sizes = forecast_sizes(k)
    level = check_share(level, "level")
    bank = read_bank(attempts, successes, stopping)
    return _read_off(build_layers(bank, level=level, judge=judge, rng=rng), sizes, bank.notes)


def _read_off(layers: Layers, k: Counts, notes: tuple[str, ...]) -> Forecast:
    bank = layers.bank
    return Forecast(
        k,
        *layers.band(k),
        *layers.bounds(k),
        level=layers.level,
        exact=layers.is_exact(k),
        n_questions=len(bank.attempts),
        batch=bank.batch,
        notes=notes,
        layers=layers,
    )
