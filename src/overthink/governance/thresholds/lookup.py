"""The registry on a day, which the command and the function `thresholds` return; and calculations as text."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from overthink.data.parameters import instance
from overthink.governance.inputs import Range
from overthink.governance.thresholds.registry import (
    VERIFICATIONS,
    Event,
    Instrument,
    as_dict,
    day_of,
    instruments_on,
    stale,
)
from overthink.governance.thresholds.registry import instrument as instrument_of

if TYPE_CHECKING:
    from overthink.governance.calculators.result import Calculation, InputValue, Result, TableValue


NOT_LEGAL_ADVICE = "A reviewed list, not legal advice. No instrument counts deployment inference towards its number."
_PLAIN = 1e5
"""Smallest number that is written as a power of ten."""


def number(value: float) -> str:
    """Return a number with four significant digits.

    Example:
        >>> [number(value) for value in (3.41e24, 15832, 0.0583, 292)]
        ['3.41e24', '15,832', '0.0583', '292']
    """
    if not math.isfinite(value):
        return "unbounded" if value > 0 else "unknown"
    if value and not 1e-3 <= abs(value) < _PLAIN:
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{float(f'{value:.4g}'):,g}" if abs(value) < 1000 else f"{value:,.0f}"


def calculation_text(calculation: "Calculation") -> str:
    """Return a calculation as text: label, inputs, results, tables, formula, source, range, limitations."""
    lines = [
        f"{calculation.calculator}: {calculation.label}",
        *(f"warning: {warning}" for warning in calculation.warnings),
        "",
        "inputs",
    ]
    lines += [f"  {name} = {_value(value)}  ({meaning})" for name, value, meaning in calculation.inputs]
    if calculation.results:
        lines += ["", "results", *(f"  {_result(result)}" for result in calculation.results)]
    for name, rows in calculation.tables.items():
        lines += ["", _words(name), *(f"  {_row(row)}" for row in rows)]
    lines += [
        "",
        f"formula: {calculation.formula}",
        f"source: {calculation.source}",
        f"range: {calculation.interval_meaning}",
    ]
    return "\n".join([*lines, f"leaves out: {calculation.leaves_out}"])


def thresholds_text(rows: Sequence[tuple[Instrument, Event]], day: date) -> str:
    """Return the registry on a day, a line per instrument; with details if there is only one."""
    ids = max((len(row.id) for row, _ in rows), default=0)
    statuses = [event.status + (" (recalled)" if event.verification == "R" else "") for _, event in rows]
    width = max(map(len, statuses), default=0)
    lines = [f"thresholds on {day.isoformat()}", "" if rows else "none on that day"]
    for (row, _), status in zip(rows, statuses, strict=True):
        limit = "no number" if row.number is None else f"{row.operator} {number(row.number)} {row.unit}"
        lines.append(f"{row.id:<{ids}}  {status:<{width}}  [{row.verification}] {limit}: {row.title}")
    legend = "; ".join(f"{key} {meaning}" for key, meaning in VERIFICATIONS.items() if key != "X")
    lines += ["", f"{legend}; unreliable claims are left out.", NOT_LEGAL_ADVICE]
    lines += [f"warning: {warning}" for warning in stale(rows, day)]
    return "\n".join([*lines, *(_details(*rows[0]) if len(rows) == 1 else ())])


def _details(row: Instrument, event: Event) -> list[str]:
    by_rule = {
        answer: ", ".join(_words(stage) for stage in row.counts if row.counts[stage] == answer)
        for answer in ("yes", "no", "silent")
    }
    parts = {
        "scope": row.scope,
        "status since": f"{event.date_text}" + (f" ({event.note})" if event.note else ""),
        "counts": by_rule["yes"],
        "does not count": by_rule["no"],
        "silent": by_rule["silent"] if by_rule["yes"] else "",
        "where": row.pinpoint,
        "quote": row.quote,
        "source": f"{row.source_title} {row.source_url}".strip(),
        "retrieved": row.retrieved.isoformat(),
        "check": VERIFICATIONS[row.verification],
        "note": row.note,
    }
    return ["", *(f"  {name}: {part}" for name, part in parts.items() if part)]


def _result(result: "Result") -> str:
    name = _words(result.name)
    if result.low is not None and result.high is not None and result.low != result.high:
        ends = f"{number(result.low)} to {number(result.high)} {result.unit}"
        middle = f"{number(result.estimate)}, " if math.isfinite(result.estimate) else ""
        return f"{name}: {middle}{ends}" + (f" ({result.reason})" if result.reason else "")
    if math.isfinite(result.estimate):
        return f"{name}: {number(result.estimate)} {result.unit}"
    return f"{name}: none; {result.reason or 'no finite value under these inputs'}"


def _row(row: "Mapping[str, TableValue]") -> str:
    """Return a row of a table: interval ends are joined, and a threshold with its operator and unit."""
    parts = []
    for key, cell in row.items():
        if key == "number" and isinstance(cell, float):
            parts.append(f"{row.get('operator')} {number(cell)} {row.get('unit')}")
        elif key.endswith("_low") and f"{key[:-4]}_high" in row:
            parts += _ends(_words(key[:-4]), cell, row[f"{key[:-4]}_high"])
        elif key in ("operator", "unit") or key.endswith("_high") or cell in (None, ""):
            continue
        else:
            parts.append(_cell(cell) if key == next(iter(row)) else f"{_words(key)} {_cell(cell)}")
    return ", ".join(parts)


def _ends(name: str, low: "TableValue", high: "TableValue") -> list[str]:
    if not (isinstance(low, float) and isinstance(high, float)):
        return []
    return [f"{name} {number(low)}" + (f" to {number(high)}" if low != high else "")]


def _cell(cell: "TableValue") -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return number(cell) if isinstance(cell, float) else str(cell)


def _value(value: "InputValue") -> str:
    if isinstance(value, Range):
        return f"{number(value.low)} to {number(value.high)}"
    return number(value) if isinstance(value, float) else value


def _words(name: str) -> str:
    return name.replace("_", " ")


@dataclass(frozen=True, slots=True, repr=False)
class Thresholds:
    """Thresholds on a day; they show themselves as the text that the command prints.

    Attributes:
        day: The day.
        rows: Each instrument with the event that sets its status.
    """

    day: date
    rows: Sequence[tuple[Instrument, Event]]

    def __repr__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Return a line per instrument; with details if there is only one."""
        return thresholds_text(self.rows, self.day)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "as_of": self.day.isoformat(),
            "warnings": stale(self.rows, self.day),
            "note": NOT_LEGAL_ADVICE,
            "instruments": [as_dict(row, event, day=self.day) for row, event in self.rows],
        }

    def json(self) -> str:
        """Return a JSON document."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)


def thresholds(*, as_of: str | date | None = None, instrument: str | None = None) -> Thresholds:
    """Return legal and voluntary thresholds on compute: number, operator, status on a day, what counts, source.

    Args:
        as_of: The day, or YYYY-MM-DD; None for today.
        instrument: Only this one, by its id; None for all.

    Returns:
        The thresholds; a reviewed list, not legal advice.

    Raises:
        InputError: The text is no day, or there is no such instrument.

    Example:
        >>> eu = thresholds(as_of="2026-11-01", instrument="eu-aia-51-2")
        >>> [(row["operator"], row["number"]) for row in eu.as_dict()["instruments"]]
        [('>', 1e+25)]
    """
    day = date.today() if as_of is None else day_of(as_of)
    only = None if instrument is None else instrument_of(instance(instrument, "instrument", str))
    return Thresholds(day, [(row, event) for row, event in instruments_on(day) if only in (None, row)])
