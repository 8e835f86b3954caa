"""Width of a change of a success rate, in steps."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

WIDTH_PER_SCALE = 2 * float(np.log(9))
"""Width from 10 to 90 % of a logistic curve, in units of its scale."""

EDGE = 1e-4
"""Minimum distance of fitted rates from 0 and 1."""

STARTS = 4
"""Number of starting scales of the fit, from the narrowest to the widest; the best fit is used."""


def ramp_width(successes: NDArray[np.int64], draws: int, *, step: int) -> float | None:
    """Return the steps over which the rate covers 10 to 90 % of its change, by a maximum-likelihood logistic curve.

    Args:
        successes: (step,) counts.
        draws: Resamples at each step.
        step: The change-point, where the fit starts.

    Returns:
        The width; 0 where it is within one step, the resolution of the data. None where it is wider than the observed
        steps, so that the levels on both sides are unknown.
    """
    # Imported here, because it loads as slowly as the rest of the core.
    from scipy.optimize import minimize

    steps = len(successes)
    axis = np.arange(steps)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the negative log-likelihood and its gradient."""
        before, after, middle, log_scale = parameters
        position = (axis - middle) / np.exp(log_scale)
        fraction = special.expit(position)
        rate = before + (after - before) * fraction
        log = special.xlogy(successes, rate) + special.xlog1py(draws - successes, -rate)
        slope = successes / rate - (draws - successes) / (1 - rate)
        steep = (after - before) * fraction * (1 - fraction) * slope
        gradient = [slope @ (1 - fraction), slope @ fraction, -steep.sum() / np.exp(log_scale), -steep @ position]
        return -float(log.sum()), -np.array(gradient)

    levels = [float(np.clip(part.mean() / draws, EDGE, 1 - EDGE)) for part in (successes[:step], successes[step:])]
    narrow, wide = np.log(0.1), np.log(steps)
    bounds = [(EDGE, 1 - EDGE), (EDGE, 1 - EDGE), (0, steps - 1), (narrow, wide)]
    fits: list[Any] = [
        minimize(loss, [*levels, step - 0.5, start], jac=True, bounds=bounds, method="TNC")
        for start in np.linspace(narrow, wide, STARTS)
    ]
    width = WIDTH_PER_SCALE * float(np.exp(min(fits, key=lambda fit: float(fit.fun)).x[3]))
    if width > steps:
        return None
    return width if width >= 1 else 0.0
