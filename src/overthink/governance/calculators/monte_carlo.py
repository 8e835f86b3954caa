"""Monte Carlo propagation of input ranges through a formula, to intervals of the results.

A range is sampled uniformly in its logarithm, since most inputs are uncertain by a factor; uniformly where it is not
above 0. Inputs are sampled independently of each other.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from overthink.errors import InputError
from overthink.governance.calculators.result import Result
from overthink.governance.inputs import Range

DRAWS = 2000
INTERVAL_LEVEL = 0.9

Formula = Callable[[Mapping[str, float]], Mapping[str, float]]
"""Maps inputs by name to results by name; NaN where a result is unknown."""


def propagate(
    formula: Formula,
    inputs: Mapping[str, Range],
    *,
    units: Mapping[str, str],
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = INTERVAL_LEVEL,
) -> tuple[Result, ...]:
    """Return the results of a formula over the ranges of its inputs.

    Args:
        formula: The formula.
        inputs: Range of each input; where all are points the results are exact and have no interval.
        units: Unit of each result, in display order.
        rng: Random generator.
        draws: Number of draws.
        level: Share of the draws between the ends of an interval.

    Returns:
        Per result, the median of the draws and their central quantiles.

    Raises:
        InputError: There is no draw, the level is not between 0 and 1, or the formula raises it.

    Example:
        >>> twice = lambda values: {"twice": 2 * values["x"]}
        >>> rng = np.random.default_rng(0)
        >>> propagate(twice, {"x": Range(3, 3)}, units={"twice": "m"}, rng=rng)[0].estimate
        6.0
    """
    if draws < 1 or not 0 < level < 1:
        raise InputError(f"{draws} draws at level {level:g}; needed: at least one draw and a level between 0 and 1")
    if all(values.is_point for values in inputs.values()):
        results_at_points = formula({name: float(values.low) for name, values in inputs.items()})
        return tuple(Result(name, results_at_points[name], None, None, unit) for name, unit in units.items())
    columns = {name: _sample(values, rng=rng, draws=draws) for name, values in inputs.items()}
    rows = [formula({name: float(column[i]) for name, column in columns.items()}) for i in range(draws)]
    tail = (1 - level) / 2
    results = []
    for name, unit in units.items():
        samples = np.array([row[name] for row in rows])
        low, middle, high = np.quantile(samples, [tail, 0.5, 1 - tail], method="inverted_cdf")
        results.append(Result(name, float(middle), float(low), float(high), unit))
    return tuple(results)


def _sample(values: Range, *, rng: np.random.Generator, draws: int) -> np.ndarray:
    if values.is_point:
        return np.full(draws, values.low)
    if values.low > 0:
        return np.exp(rng.uniform(math.log(values.low), math.log(values.high), draws)).clip(values.low, values.high)
    return rng.uniform(values.low, values.high, draws)
