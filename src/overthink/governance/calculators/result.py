"""Result types of the calculators: inputs, results, formula, source, range and limitations.

Input ranges are propagated through a formula by Monte Carlo, to intervals of the results. A range is sampled uniformly
in its logarithm, since most inputs are uncertain by a factor; uniformly where it is not above 0. Inputs are sampled
independently of each other.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from overthink.data.visible import visible_lines
from overthink.errors import InputError
from overthink.governance.inputs import Range, look_up
from overthink.governance.thresholds.lookup import calculation_text

TableValue = str | float | bool | None
InputValue = Range | str | float
ANALYSIS = "analysis under stated assumptions, not a measurement and not legal status"
POINTS = "all inputs are points, so the results have no interval"


@dataclass(frozen=True, slots=True)
class Result:
    """One result.

    Attributes:
        name: Name of the quantity, with underscores.
        estimate: The value, or the median over the ranges of the inputs; not finite where there is no value.
        low: Lower end; None where all inputs are points.
        high: Upper end.
        unit: Unit of the value.
        reason: Reason why there is no finite value.
    """

    name: str
    estimate: float
    low: float | None
    high: float | None
    unit: str
    reason: str | None = None

    def as_dict(self) -> dict[str, TableValue]:
        """Return a JSON object; values that are not finite become null, with a reason."""
        ends = {"estimate": finite(self.estimate), "low": finite(self.low), "high": finite(self.high)}
        reason = self.reason or (None if ends["estimate"] is not None else "no finite value under these inputs")
        return {**ends, "unit": self.unit, "reason": reason}


@dataclass(frozen=True, slots=True, repr=False)
class Calculation:
    """Result of a calculator; it shows itself as the text that the command prints.

    Attributes:
        results: The results.
        formula: Formula in words and symbols.
        source: Source of the formula and the defaults.
        interval_meaning: Meaning of the intervals.
        leaves_out: Limitations of the calculation.
        tables: Additional tables by name, such as one row per instrument; the rows of a table have the same keys.
        label: Nature of the result, such as analysis and not legal status.
        warnings: Warnings for the reader, such as a registry that was last checked long ago.
        calculator: Name of the calculator; the calculator fills it in.
        inputs: Each input as (name, value or range, help); the calculator fills them in.
    """

    results: Sequence[Result]
    formula: str
    source: str
    interval_meaning: str
    leaves_out: str
    tables: Mapping[str, Sequence[Mapping[str, TableValue]]] = field(default_factory=dict)
    label: str = ANALYSIS
    warnings: Sequence[str] = ()
    calculator: str = ""
    inputs: Sequence[tuple[str, InputValue, str]] = ()

    def __repr__(self) -> str:
        return visible_lines(self.text())

    def result(self, name: str) -> Result:
        """Return the result with a name.

        Raises:
            InputError: There is none of this name; the nearest names are suggested.
        """
        return look_up(name, {result.name: result for result in self.results}, what="result")

    def text(self) -> str:
        """Return the calculation as text: label, inputs, results, tables, formula, source, range, limitations."""
        return calculation_text(self)

    def json(self) -> str:
        """Return the calculation as a JSON document."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "calculator": self.calculator,
            "label": self.label,
            "warnings": list(self.warnings),
            "inputs": {name: _input(value, meaning) for name, value, meaning in self.inputs},
            "results": {result.name: result.as_dict() for result in self.results},
            "tables": {
                name: [{key: finite(cell) for key, cell in row.items()} for row in rows]
                for name, rows in self.tables.items()
            },
            "formula": self.formula,
            "source": self.source,
            "range": self.interval_meaning,
            "leaves_out": self.leaves_out,
        }


def finite(cell: Any) -> Any:
    """Return the cell; None for a number that is not finite."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _input(value: InputValue, meaning: str) -> dict[str, TableValue]:
    if isinstance(value, Range):
        return {"low": value.low, "high": value.high, "meaning": meaning}
    return {"value": value, "meaning": meaning}


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
