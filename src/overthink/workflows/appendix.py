"""Appendix of a report: calculator results from a study's measurements and the user's assumptions.

The tested range of a curve on the K axis is its budgets as multiples of the reference, with their values.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeGuard

import numpy as np

from overthink.analysis.k_scale import KScale
from overthink.cost.estimate import Rates
from overthink.cost.model_shape import SourcedShape
from overthink.cost.units import budget_multiple
from overthink.data.results.study import Results
from overthink.errors import InputError
from overthink.governance.calculators import CALCULATORS
from overthink.governance.calculators.base import Calculator
from overthink.governance.calculators.result import Calculation
from overthink.governance.thresholds.lookup import number
from overthink.reports.about import Appendix, AppendixInput, AppendixTable, CalculatorAnswer
from overthink.reports.report_curves import report_curves
from overthink.storage.json_documents import Assumptions
from overthink.workflows.request import TRAINING_FLOP


@dataclass(frozen=True, slots=True)
class TestedRange:
    """Budgets of one curve as K, with values.

    Attributes:
        axis: Axis of the curve.
        task: Task of the curve.
        arm: Arm of the curve.
        reference: Tokens of thinking at K = 1.
        unit: What K multiplies.
        k: K of each rung that thinks and has a value, lowest rung first.
        value: Value at each of these rungs, from 0 to 1.
    """

    axis: str
    task: str
    arm: str
    reference: float
    unit: str
    k: tuple[float, ...]
    value: tuple[float, ...]

    @property
    def key(self) -> str:
        """Name of the curve as marks have it."""
        return f"{self.axis}/{self.task}/{self.arm}"

    @property
    def top(self) -> float:
        """Highest K."""
        return max(self.k)


def tested_ranges(results: Results, scale: KScale) -> tuple[TestedRange, ...]:
    """Return the tested range of every curve with K values; controls and direct answers are excluded.

    Args:
        results: Results of a study.
        scale: The one reference of K.
    """
    ranges = []
    for curve in report_curves(results, scale.reference):
        if curve.reference is None or not curve.reference > 0:
            continue
        if curve.result.key.is_control:
            continue
        pairs = [
            (tokens, rung.mean.estimate)
            for rung in curve.rungs
            if rung.mean is not None and (tokens := rung.thinking.tokens)
        ]
        points = [(tokens, value) for tokens, value in pairs if _number(tokens) and _number(value)]
        if points:
            k = budget_multiple([tokens for tokens, _ in points], reference=curve.reference)
            of = (curve.axis, curve.task, curve.arm, curve.reference, scale.unit)
            ranges.append(TestedRange(*of, tuple(map(float, k)), tuple(value for _, value in points)))
    return tuple(ranges)


def _number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


EFFECTIVE_COMPUTE_NAME = "effective-compute"

NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    EFFECTIVE_COMPUTE_NAME: ((TRAINING_FLOP,),),
    "inference-flop": (("active_parameters",), ("chip", "chip_hours")),
    "overhang": (
        (TRAINING_FLOP, "training_days", "copy_flop_per_second"),
        (TRAINING_FLOP, "training_days", "active_parameters", "tokens_per_second"),
    ),
    "exfiltration": (("weights_bytes", "upload_bytes_per_day"), ("weights_bytes", "line_bits_per_second")),
    "stolen-weights": (("usd_per_task",), ("weights_bytes", "chip", "tokens_per_task")),
    "cost": (("tokens_per_sample", "usd_per_million_tokens"),),
    "chips": (("chip", "weights_bytes"),),
    "modification": (("modification_flop", "original_flop"), ("modification_flop", "original_is_systemic")),
}
"""Sufficient input sets by calculator; any one set is enough."""

_MILLION = 1_000_000
_TOKENS = ("tokens_per_sample", "tokens_per_task", "generated_tokens")
"""Inputs set to the thinking tokens of one try at K = 1; answers are left out."""


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """Facts about a study and its model that calculators and thresholds use.

    Attributes:
        tested_ranges: Tested range of each curve on the K axis.
        assumptions: Assumptions of the user.
        rates: Prices of the model's tokens; None where unknown or free.
        day: The day for which thresholds are looked up.
        measured_inputs: Calculator inputs taken from a measured curve, by name.
        shape: Shape of the model under test; None where it is unknown.
    """

    tested_ranges: tuple[TestedRange, ...]
    assumptions: Assumptions
    rates: Rates | None
    day: date
    measured_inputs: Mapping[str, str] = field(default_factory=dict)
    shape: SourcedShape | None = None

    @property
    def deepest(self) -> TestedRange | None:
        """The tested range with the highest K; None without a K axis."""
        return max(self.tested_ranges, key=lambda curve: curve.top, default=None)

    def from_study(self) -> dict[str, str]:
        """Return the calculator inputs that the study provides, by name."""
        inputs = dict(self.measured_inputs)
        if self.deepest is not None:
            inputs |= dict.fromkeys(_TOKENS, repr(self.deepest.reference))
            inputs |= {"k": repr(self.deepest.top), "k_basis": "tokens", "k_reference": reference_words(self.deepest)}
        if self.rates is not None:
            inputs["usd_per_million_tokens"] = repr(self.rates.decoded * _MILLION)
        return inputs | self.from_shape()

    def from_shape(self) -> dict[str, str]:
        """Return the calculator inputs of the model's shape, by name; empty if the user assumes any of them."""
        if self.shape is None:
            return {}
        shape = self.shape.shape
        in_all = (shape.parameters, shape.weight_bytes)
        numbers = {
            "active_parameters": shape.active_parameters,
            "layers": shape.layers,
            "attention_width": shape.attention_width,
            "kv_heads": shape.kv_heads,
            "head_width": shape.width_of_a_head,
            "bytes_per_parameter": shape.weight_bytes,
            "bytes_per_value": shape.cache_bytes,
            "weights_bytes": None if None in in_all else math.prod(filter(None, in_all)),
        }
        if numbers.keys() & self.assumptions.inputs.keys():
            return {}
        return {name: repr(float(number)) for name, number in numbers.items() if number is not None}


def reference_words(curve: TestedRange) -> str:
    """Return the meaning of K = 1 on a curve, as text."""
    return f"{number(float(f'{curve.reference:.3g}'))} {curve.unit} of one try"


def calculations(facts: StudyFacts, *, seed: int) -> dict[str, Calculation]:
    """Return the result of every calculator with sufficient inputs, by calculator name.

    Args:
        facts: Facts about study and model.
        seed: Seed of the draws over ranges.

    Raises:
        InputError: An assumption is out of its bounds.
    """
    study, results = facts.from_study(), {}
    for name, calculator in CALCULATORS.items():
        fields = {parameter.name for parameter in calculator.inputs()}
        inputs = {key: text for key, text in {**study, **facts.assumptions.inputs}.items() if key in fields}
        if ("family" in inputs) != ("measured" in inputs):  # family scores need a measured curve, and vice versa
            inputs = {key: text for key, text in inputs.items() if key not in ("family", "measured")}
        replaced = {key for name, keys in calculator.replaced.items() if name in inputs for key in keys}
        inputs = {key: text for key, text in inputs.items() if key not in replaced}  # other calculators read them
        if not any(set(enough) <= set(inputs) for enough in NEEDS[name]):
            continue
        try:
            results[name] = calculator.calculate(day=facts.day, rng=np.random.default_rng(seed), **inputs)
        except InputError as failure:
            raise InputError(f"the appendix's {name}: {failure}") from failure
    return results


def appendix(results: Mapping[str, Calculation], facts: StudyFacts) -> Appendix:
    """Return the calculator results as text, and the missing inputs of the other calculators."""
    study = facts.from_study()
    answers = tuple(
        _answer(CALCULATORS[name], result, origin=lambda key: _origin(key, study, facts))
        for name, result in results.items()
    )
    available = {*study, *facts.assumptions.inputs}
    return Appendix(answers, tuple(_missing_inputs(name, available) for name in CALCULATORS if name not in results))


def _origin(key: str, study: Mapping[str, str], facts: StudyFacts) -> str:
    if key in facts.assumptions.inputs:
        return "assumed"
    if facts.shape is not None and key in facts.from_shape():
        return f"the model's shape: {facts.shape.source}"
    return "this study" if key in study else "default"


def _missing_inputs(name: str, available: set[str]) -> str:
    """Return the smallest set of missing inputs of a calculator, as text."""
    missing = min(([key for key in enough if key not in available] for enough in NEEDS[name]), key=len)
    meaning = {parameter.name: parameter.help.split(";")[0] for parameter in CALCULATORS[name].inputs()}
    options = [
        f"{'--training-flop C' if key == TRAINING_FLOP else f'--assume {key}=…'} ({meaning[key]})" for key in missing
    ]
    return f"{name}: {', '.join(options)}"


def _answer(calculator: type[Calculator], calculation: Calculation, *, origin: Any) -> CalculatorAnswer:
    document = calculation.as_dict()
    return CalculatorAnswer(
        name=calculator.key,
        about=calculator.help(),
        label=f"{document['label'][:1].upper()}{document['label'][1:]}.",
        warnings=tuple(document["warnings"]),
        inputs=tuple(
            AppendixInput(_words(key), _cell(entry), origin(key), entry["meaning"])
            for key, entry in document["inputs"].items()
        ),
        results=tuple((_words(key), _result(result)) for key, result in document["results"].items()),
        tables=tuple(_table(name, rows) for name, rows in document["tables"].items() if rows),
        formula=document["formula"],
        source=document["source"],
        interval_meaning=document["range"],
        leaves_out=document["leaves_out"],
    )


def _result(result: Mapping[str, Any]) -> str:
    """Return estimate, interval and unit as text, or the reason for no estimate."""
    span = _cell({"low": result["low"], "high": result["high"]})
    middle = _text(result["estimate"])
    value = ", ".join(filter(None, (middle, span if span != middle else "")))
    reason = f" ({result['reason']})" if result["reason"] else ""
    return f"{value} {result['unit']}{reason}" if value else f"none{reason}"


def _cell(entry: Mapping[str, Any]) -> str:
    """Return a range or a value as text; empty for neither."""
    low, high = entry.get("low"), entry.get("high")
    if low is not None or high is not None:
        ends = [number(math.inf if end is None else end) for end in (low, high)]
        return ends[0] if ends[0] == ends[1] else " to ".join(ends)
    return _text(entry.get("value"))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else "" if value is None else str(value)


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> AppendixTable:
    """Return a table with interval ends merged, and thresholds merged with operator and unit."""
    cells = [dict(_columns(row)) for row in rows]
    head = [key for key in dict.fromkeys(key for row in cells for key in row) if any(row.get(key) for row in cells)]
    return AppendixTable(
        _words(name), tuple(map(_words, head)), tuple(tuple(row.get(key, "") for key in head) for row in cells)
    )


def _columns(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in row.items():
        if key == "number" and "operator" in row:
            yield "threshold", f"{row['operator']} {_text(value)} {row['unit']}"
        elif key.endswith("_low") and f"{key[:-4]}_high" in row:
            yield key[:-4], _cell({"low": value, "high": row[f"{key[:-4]}_high"]})
        elif key not in ("operator", "unit") and not (key.endswith("_high") and f"{key[:-5]}_low" in row):
            yield key, _words(_text(value))


def _words(name: str) -> str:
    return name.replace("_", " ")
