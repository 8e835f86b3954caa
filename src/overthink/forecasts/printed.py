"""Shares as they are printed, what they leave open at other numbers of tries, and forecasts from them as results.

".2 %" is any share from .15 % to .25 %. Over the same questions the share at k tries is the mean of 1 - (1-p)^k,
linear in how the chances p are distributed. So the range that printed shares allow at another k is a linear program
over all distributions; no family of distributions is assumed, and attempts are taken as independent.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy import optimize, special

from overthink.data.arrays import Array
from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis
from overthink.data.results.forecast import PrintedCrossing, PrintedResult
from overthink.data.selectors import Selector
from overthink.data.verdict_labels import ForecastLabel
from overthink.forecasts.counts import forecast_sizes
from overthink.forecasts.findings import AT_K, INDEPENDENT, NO_ESTIMATE, OPEN_ENDED, threshold_words
from overthink.forecasts.result import NEVER, crossing_label, first_reaching

NUMBER = re.compile(r"\s*(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?\s*(%?)\s*")
"""Digits, decimals, exponent and percent sign; JSON writes shares below a ten-thousandth with an exponent."""

POINTS = special.expit(np.linspace(-30.0, 15.0, 2251))
"""Chances whose mixtures stand for all distributions, 0 and 1 added: within 2 % of each other in odds."""
ROUNDING = 1e-9
"""Tolerance of the linear program, as a share."""

NO_DISTRIBUTION = (
    "no distribution of chances between questions gives the shares {shares}; needed: shares of independent tries on "
    "the same questions, each as it was printed"
)


@dataclass(frozen=True, slots=True)
class PrintedShare:
    """A share that was rounded for print.

    Attributes:
        low: Smallest share that is printed so.
        high: Largest share that is printed so.
        text: The share as it was printed.
    """

    low: float
    high: float
    text: str


def printed_share(text: str) -> PrintedShare:
    """Return the shares that a printed one may stand for: half a unit of its last digit to either side, within [0, 1].

    Args:
        text: A percentage with a sign, or a share without one; an exponent moves its last digit.

    Raises:
        ValueError: The text is no share, or beyond 100 %.

    Example:
        >>> share = printed_share(".2 %")
        >>> share.low, share.high
        (0.0015, 0.0025)
        >>> printed_share("0.20").high, printed_share("2e-05").high
        (0.205, 2.5e-05)
    """
    match = NUMBER.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise ValueError(f"{text!r} is no printed share; needed: a percentage as 0.2%, or a share as 0.002")
    whole, decimals, exponent, percent = match[1] or "0", match[2] or "", match[3] or "0", match[4]
    unit = Fraction(10) ** (int(exponent) - len(decimals)) / (100 if percent else 1)
    value = int(whole + decimals) * unit
    if value > 1:
        raise ValueError(f"{text!r} is more than all; needed: at most 100%, or a share of at most 1")
    low, high = max(value - unit / 2, Fraction(0)), min(value + unit / 2, Fraction(1))
    return PrintedShare(float(low), float(high), text.strip())


def printed_band(shares: Mapping[int, PrintedShare], k: Sequence[int]) -> tuple[Array, Array]:
    """Return the lowest and the highest share at each k that the printed shares allow, (k,) each.

    Args:
        shares: The printed share at each number of tries; one or more.
        k: Tries.

    Raises:
        ValueError: No distribution of chances gives these shares.

    Example:
        >>> low, high = printed_band({1: printed_share(".2 %")}, [100])
        >>> high.round(3).tolist()
        [0.221]
    """
    low, high = (np.array([printed_end(shares, tries, highest=end) for tries in k]) for end in (False, True))
    return low, high


def printed_end(shares: Mapping[int, PrintedShare], tries: int, *, highest: bool) -> float:
    """Return one end of :func:`printed_band` at one number of tries.

    Args:
        shares: The printed share at each number of tries; one or more.
        tries: The number of tries.
        highest: Whether it is the highest share that the printed ones allow, or the lowest.

    Raises:
        ValueError: No distribution of chances gives these shares.
    """
    chances = np.concatenate([[0.0], POINTS, [1.0]])
    rows = np.stack([_hit(chances, tries) for tries in shares])
    limits = np.concatenate([[share.high for share in shares.values()], [-share.low for share in shares.values()]])
    sign = -1.0 if highest else 1.0
    solution = optimize.linprog(
        sign * _hit(chances, tries),
        A_ub=np.concatenate([rows, -rows]),
        b_ub=limits + ROUNDING,
        A_eq=np.ones((1, len(chances))),
        b_eq=[1.0],
        method="highs",
    )
    if solution.fun is None:
        raise ValueError(NO_DISTRIBUTION.format(shares=", ".join(f"{s.text} at k = {n:,}" for n, s in shares.items())))
    return float(np.clip(sign * float(solution.fun), 0.0, 1.0))


def _hit(chances: Array, tries: int) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(tries * np.log1p(-chances)))


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
