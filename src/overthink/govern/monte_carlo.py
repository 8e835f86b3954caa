"""Stated ranges of inputs, carried through a formula by drawing: ranges in, intervals out.

A range is drawn evenly in its logarithm, since most inputs are uncertain by a factor; evenly where it is
not above 0. Inputs are drawn independently of each other.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from overthink.errors import InputError
from overthink.govern.calculation import Result
from overthink.govern.inputs import Range

DRAWS = 2000
LEVEL = 0.9

Formula = Callable[[Mapping[str, float]], Mapping[str, float]]
"""Inputs by name to results by name; NaN where a result is unknown."""


def propagate(
    formula: Formula,
    inputs: Mapping[str, Range],
    *,
    units: Mapping[str, str],
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> tuple[Result, ...]:
    """The results of a formula over the ranges of its inputs.

    Args:
        formula: The formula.
        inputs: Range of each input; where all are points the results are exact and have no interval.
        units: Unit of each result, in the order they are shown.
        rng: Randomness.
        draws: Draws.
        level: Share of the draws between the ends of an interval.

    Returns:
        Per result, the median of the draws and their central quantiles.

    Raises:
        InputError: There is no draw, or the level is not between 0 and 1; or what the formula raises.

    Example:
        >>> twice = lambda given: {"twice": 2 * given["x"]}
        >>> rng = np.random.default_rng(0)
        >>> propagate(twice, {"x": Range(3, 3)}, units={"twice": "m"}, rng=rng)[0].estimate
        6.0
    """
    if draws < 1 or not 0 < level < 1:
        raise InputError(f"{draws} draws at level {level:g}; needed: at least one draw and a level between 0 and 1")
    if all(given.is_point for given in inputs.values()):
        found = formula({name: float(given.low) for name, given in inputs.items()})
        return tuple(Result(name, found[name], None, None, unit) for name, unit in units.items())
    columns = {name: _draw(given, rng=rng, draws=draws) for name, given in inputs.items()}
    rows = [formula({name: float(column[i]) for name, column in columns.items()}) for i in range(draws)]
    tail = (1 - level) / 2
    results = []
    for name, unit in units.items():
        drawn = np.array([row[name] for row in rows])
        low, middle, high = np.quantile(drawn, [tail, 0.5, 1 - tail], method="inverted_cdf")
        results.append(Result(name, float(middle), float(low), float(high), unit))
    return tuple(results)


def _draw(given: Range, *, rng: np.random.Generator, draws: int) -> np.ndarray:
    if given.is_point:
        return np.full(draws, given.low)
    if given.low > 0:
        return np.exp(rng.uniform(math.log(given.low), math.log(given.high), draws)).clip(given.low, given.high)
    return rng.uniform(given.low, given.high, draws)
