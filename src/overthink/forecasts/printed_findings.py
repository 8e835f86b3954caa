"""Forecasts from printed shares as results: a bound at each number of tries, and where it reaches a threshold."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from overthink.data.curve_key import CurveKey
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis
from overthink.data.results.forecast import PrintedCrossing, PrintedResult
from overthink.data.selectors import Selector
from overthink.data.verdict_labels import ForecastLabel
from overthink.forecasts.counts import forecast_sizes
from overthink.forecasts.findings import AT_K, INDEPENDENT, NO_ESTIMATE, OPEN_ENDED, threshold_words
from overthink.forecasts.printed import PrintedShare, printed_band, printed_end
from overthink.forecasts.result import NEVER, crossing_label, first_reaching

AS_PRINTED = "from shares as they are printed: {shares}; a printed share is any that rounds to it"
NO_SAMPLING = "the printed shares count as those of these questions: their sampling error is not in the band"


def printed_result(
    shares: Mapping[int, PrintedShare], k: Sequence[int], thresholds: Sequence[float], *, key: CurveKey, prefix: str
) -> PrintedResult:
    """Return what printed shares leave open at other numbers of tries.

    Args:
        shares: The printed share at each number of tries; one or more.
        k: Tries to forecast, from 1 to a billion.
        thresholds: Shares whose crossing is computed, each between 0 and 1.
        key: Names of the curve.
        prefix: Prefix of every id.

    Raises:
        ValueError: No distribution of chances gives these shares, or a k is out of range.

    Example:
        >>> from overthink.forecasts.printed import printed_share
        >>> key = CurveKey("safety", "card", "base", "", "natural")
        >>> result = printed_result({1: printed_share(".2 %")}, [100], [0.1], key=key, prefix="card")
        >>> result.crossings[0].words, result.crossings[0].verdict.value, result.crossings[0].bound.low
        ('threshold 0.1', 'open', 43.0)
    """
    sizes = forecast_sizes(k).tolist()
    low, high = printed_band(shares, sizes)
    texts = {tries: share.text for tries, share in shares.items()}
    as_printed = AS_PRINTED.format(shares=", ".join(f"{text} at k = {tries:,}" for tries, text in texts.items()))
    blank = Finding(
        id=prefix,
        kind=Kind.FORECAST,
        axis=key.axis,
        task=key.task,
        arm=key.arm,
        estimand=key.estimand,
        metric=Metric(f"{AT_K[Axis(key.axis)]}_bound"),
        at=At(selector=Selector.PASS if key.axis == Axis.CAPABILITY else Selector.WORST),
        label=ForecastLabel.BOUND,
        reason=NO_ESTIMATE,
        limits=(INDEPENDENT, as_printed, NO_SAMPLING),
    )
    bounds = {
        tries: replace(blank, id=f"{blank.id}/{blank.metric}/k{tries}", at=replace(blank.at, k=tries), low=a, high=b)
        for tries, a, b in zip(sizes, low.tolist(), high.tolist(), strict=True)
    }

    @functools.cache
    def end(tries: int, highest: bool) -> float:
        return printed_end(shares, tries, highest=highest)

    crossings = tuple(_crossing(blank, end, threshold) for threshold in thresholds)
    return PrintedResult(key, texts, blank.limits, bounds, crossings)


def _crossing(blank: Finding, end: Callable[[int, bool], float], threshold: float) -> PrintedCrossing:
    """Return the bound of K*: the first k that the upper end reaches, and the first that the lower end does."""

    def first(highest: bool) -> float:
        return first_reaching(lambda tries: end(tries, highest), threshold)

    low, high, words = first(True), first(False), threshold_words(threshold)
    bound = replace(
        blank,
        id=f"{blank.id}/at{threshold:g}/{Metric.CROSSING_BOUND}",
        metric=Metric.CROSSING_BOUND,
        low=None if low == NEVER else low,
        high=None if high == NEVER else high,
        limits=(*blank.limits, OPEN_ENDED.format(threshold=words)),
    )
    return PrintedCrossing(threshold, words, crossing_label(low, high, low), bound)
