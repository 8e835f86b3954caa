"""Result types of the calculators: inputs, results, formula, source, range and limitations."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from overthink.governance.inputs import Range

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


@dataclass(frozen=True, slots=True)
class Calculation:
    """Result of a calculator.

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

    def result(self, name: str) -> Result:
        """Return the result with a name."""
        return next(result for result in self.results if result.name == name)

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
