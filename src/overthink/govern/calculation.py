"""What every calculator answers with: inputs, results, formula, source, range, and what it leaves out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from overthink.govern.inputs import Range

Cell = str | float | bool | None
Value = Range | str | float
ANALYSIS = "analysis under stated assumptions, not a measurement and not legal status"
POINTS = "all inputs are points, so the results have no interval"


@dataclass(frozen=True, slots=True)
class Result:
    """One result.

    Attributes:
        name: What it is, with underscores.
        estimate: The value, or the median over the ranges of the inputs; not finite where there is none.
        low: Lower end; None where all inputs are points.
        high: Upper end.
        unit: Its unit.
        reason: Why there is no finite value.
    """

    name: str
    estimate: float
    low: float | None
    high: float | None
    unit: str
    reason: str | None = None

    def as_dict(self) -> dict[str, Cell]:
        """For JSON: what is not finite becomes null, with a reason."""
        ends = {"estimate": finite(self.estimate), "low": finite(self.low), "high": finite(self.high)}
        reason = self.reason or (None if ends["estimate"] is not None else "no finite value under these inputs")
        return {**ends, "unit": self.unit, "reason": reason}


@dataclass(frozen=True, slots=True)
class Calculation:
    """An answer of a calculator.

    Attributes:
        results: The results.
        formula: In words and symbols.
        source: Where the formula and the defaults are from.
        spread: What the intervals span.
        leaves_out: What the calculation does not consider.
        tables: By name, rows beside the results, such as one per instrument; the rows of a table have the same keys.
        label: What the answer is, and is not.
        warnings: What a reader has to know first, such as a registry that was last checked long ago.
        calculator: Its name; the calculator fills it in.
        inputs: Each input as (name, value or range, what it is); the calculator fills them in.
    """

    results: Sequence[Result]
    formula: str
    source: str
    spread: str
    leaves_out: str
    tables: Mapping[str, Sequence[Mapping[str, Cell]]] = field(default_factory=dict)
    label: str = ANALYSIS
    warnings: Sequence[str] = ()
    calculator: str = ""
    inputs: Sequence[tuple[str, Value, str]] = ()

    def result(self, name: str) -> Result:
        """The result of a name."""
        return next(result for result in self.results if result.name == name)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
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
            "range": self.spread,
            "leaves_out": self.leaves_out,
        }


def finite(cell: Any) -> Any:
    """The cell; None for a number that JSON has no word for."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _input(value: Value, meaning: str) -> dict[str, Cell]:
    if isinstance(value, Range):
        return {"low": value.low, "high": value.high, "meaning": meaning}
    return {"value": value, "meaning": meaning}
