"""The fan of a forecast: its layers at so many k that a chart can join them by lines."""

from collections.abc import Iterator

import numpy as np

from overthink.core.counts import Counts
from overthink.core.finding import Finding
from overthink.core.forecast.findings import Asked, Bank, curve_findings
from overthink.core.forecast.result import Forecast

PER_DECADE = 6
"""Points of the fan in each decade of k."""


def fan_sizes(made: Forecast) -> Counts:
    """The k of the fan, ascending: evenly spaced in log k from 1 to the largest that was asked, and those asked.

    The largest k that is exact is among them, so that a chart shows where the model takes over.

    Args:
        made: The forecast.

    Example:
        >>> from overthink import forecast
        >>> made = forecast([20] * 5, [0, 0, 1, 3, 9], k=[1, 100], rng=np.random.default_rng(1))
        >>> fan_sizes(made).tolist()
        [1, 2, 3, 5, 7, 10, 15, 20, 22, 32, 46, 68, 100]
    """
    last = int(made.k.max())
    steps = 1 + int(np.ceil(PER_DECADE * np.log10(last)))
    even = np.geomspace(1, last, steps).round().astype(np.int64)
    exact = np.clip(made.layers.bank.exact_to, 1, last)
    return np.unique(np.concatenate([even, made.k, [exact]]))


def fan_findings(bank: Bank, made: Forecast, asked: Asked, *, prefix: str) -> Iterator[Finding]:
    """The findings of the fan: what :func:`~overthink.core.forecast.findings.curve_findings` says at every k of it.

    Args:
        bank: What was forecast.
        made: The forecast.
        asked: What was asked of it.
        prefix: Begins the ids of its findings; those of the fan have ``fan`` behind it.
    """
    yield from curve_findings(bank, made.at(fan_sizes(made)), asked, prefix=f"{prefix}/fan")
