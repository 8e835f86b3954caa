"""The fan of a forecast: its layers on a grid of k that is dense enough for a line chart."""

from collections.abc import Iterator

import numpy as np

from overthink.stats.counts import Counts
from overthink.data.finding import Finding
from overthink.forecasts.findings import CurveBank, ForecastOptions, curve_findings
from overthink.forecasts.result import Forecast

PER_DECADE = 6
"""Points of the fan in each decade of k."""


def fan_sizes(forecast: Forecast) -> Counts:
    """Return the k of the fan, ascending: evenly spaced in log k up to the largest k of the forecast, and its own k.

    The largest exact k is one of them, so that a chart shows where the model takes over.

    Args:
        forecast: The forecast.

    Example:
        >>> from overthink import forecast
        >>> result = forecast([20] * 5, [0, 0, 1, 3, 9], k=[1, 100], rng=np.random.default_rng(1))
        >>> fan_sizes(result).tolist()
        [1, 2, 3, 5, 7, 10, 15, 20, 22, 32, 46, 68, 100]
    """
    last = int(forecast.k.max())
    steps = 1 + int(np.ceil(PER_DECADE * np.log10(last)))
    even = np.geomspace(1, last, steps).round().astype(np.int64)
    exact = np.clip(forecast.layers.bank.exact_to, 1, last)
    return np.unique(np.concatenate([even, forecast.k, [exact]]))


def fan_findings(bank: CurveBank, forecast: Forecast, options: ForecastOptions, *, prefix: str) -> Iterator[Finding]:
    """Return the findings of :func:`~overthink.forecasts.findings.curve_findings` at every k of the fan.

    Args:
        bank: The counts that were forecast.
        forecast: The forecast.
        options: Options of the forecast findings.
        prefix: Prefix of the ids; the findings of the fan add ``/fan``.
    """
    yield from curve_findings(bank, forecast.at(fan_sizes(forecast)), options, prefix=f"{prefix}/fan")
