"""The calculators that a report can fill: from what the study measured and what the user assumes of the model."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from overthink.assuming import TRAINING_FLOP
from overthink.core.sourced_shape import SourcedShape
from overthink.core.spending import Rates
from overthink.errors import InputError
from overthink.govern.calculation import Calculation
from overthink.govern.calculator import Calculator
from overthink.govern.calculators import CALCULATORS
from overthink.govern.wording import number
from overthink.present.appendix import Appendix, Calculated, Input, Rows
from overthink.store.analysis import Assumed
from overthink.tested import Tested

EFFECTIVE_COMPUTE = "effective-compute"

NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    EFFECTIVE_COMPUTE: ((TRAINING_FLOP,),),
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
"""By calculator: the sets of inputs of which any one is enough to fill it."""

_MILLION = 1_000_000
_TOKENS = ("tokens_per_sample", "tokens_per_task", "generated_tokens")
"""Inputs that are the tokens of one attempt at K = 1."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a report knows about its study and model.

    Attributes:
        tested: The curves on the K axis.
        assumed: What the user assumes.
        rates: Prices of the model's tokens; None where unknown or free.
        day: The day for which thresholds are looked up.
        measured: Input of the calculators that a measured curve gives, such as ``measured``; by name.
        shape: Shape of the model under test; None where it is unknown.
    """

    tested: tuple[Tested, ...]
    assumed: Assumed
    rates: Rates | None
    day: date
    measured: Mapping[str, str] = field(default_factory=dict)
    shape: SourcedShape | None = None

    @property
    def deepest(self) -> Tested | None:
        """The curve that was tested up to the highest K; None where there is no K."""
        return max(self.tested, key=lambda curve: curve.top, default=None)

    def from_study(self) -> dict[str, str]:
        """By input of a calculator: what the study gives."""
        given = dict(self.measured)
        if self.deepest is not None:
            given |= dict.fromkeys(_TOKENS, repr(self.deepest.reference))
            given |= {"k": repr(self.deepest.top), "k_basis": "tokens", "k_reference": reference_words(self.deepest)}
        if self.rates is not None:
            given["usd_per_million_tokens"] = repr(self.rates.decoded * _MILLION)
        return given | self.from_shape()

    def from_shape(self) -> dict[str, str]:
        """By input of a calculator: what the model's shape gives; nothing where the user assumes a part of a shape."""
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
        if numbers.keys() & self.assumed.inputs.keys():
            return {}
        return {name: repr(float(number)) for name, number in numbers.items() if number is not None}


def reference_words(curve: Tested) -> str:
    """What K = 1 is on a curve."""
    tokens = number(float(f"{curve.reference:.3g}"))
    return f"one attempt at the lowest rung of {curve.task}, {tokens} token{'' if tokens == '1' else 's'}"


def calculations(known: Known, *, seed: int) -> dict[str, Calculation]:
    """By calculator: its answer, of those that can be filled.

    Args:
        known: Of study and model.
        seed: Of the draws over ranges.

    Raises:
        InputError: An assumption is out of its bounds.
    """
    study, made = known.from_study(), {}
    for name, calculator in CALCULATORS.items():
        fields = {each.name for each in calculator.fields}
        given = {key: text for key, text in {**study, **known.assumed.inputs}.items() if key in fields}
        if ("family" in given) != ("measured" in given):  # scores of a family say nothing without a curve, nor it alone
            given = {key: text for key, text in given.items() if key not in ("family", "measured")}
        if not any(set(enough) <= set(given) for enough in NEEDS[name]):
            continue
        try:
            made[name] = calculator(day=known.day, rng=np.random.default_rng(seed), **given)
        except InputError as failure:
            raise InputError(f"the appendix's {name}: {failure}") from failure
    return made


def appendix(made: Mapping[str, Calculation], known: Known) -> Appendix:
    """The answers as text, and what the other calculators need."""
    study = known.from_study()
    answers = tuple(
        _told(CALCULATORS[name], found, origin=lambda key: _origin(key, study, known)) for name, found in made.items()
    )
    there = {*study, *known.assumed.inputs}
    return Appendix(answers, tuple(_open(name, there) for name in CALCULATORS if name not in made))


def _origin(key: str, study: Mapping[str, str], known: Known) -> str:
    if key in known.assumed.inputs:
        return "assumed"
    if known.shape is not None and key in known.from_shape():
        return f"the model's shape: {known.shape.source}"
    return "this study" if key in study else "default"


def _open(name: str, there: set[str]) -> str:
    """What the calculator still needs: the shortest of its sets."""
    missing = min(([key for key in enough if key not in there] for enough in NEEDS[name]), key=len)
    meaning = {each.name: each.help.split(";")[0] for each in CALCULATORS[name].fields}
    told = [
        f"{'--training-flop C' if key == TRAINING_FLOP else f'--assume {key}=…'} ({meaning[key]})" for key in missing
    ]
    return f"{name}: {', '.join(told)}"


def _told(calculator: Calculator, found: Calculation, *, origin: Any) -> Calculated:
    document = found.as_dict()
    return Calculated(
        name=calculator.name,
        about=calculator.help,
        label=f"{document['label'][:1].upper()}{document['label'][1:]}.",
        warnings=tuple(document["warnings"]),
        inputs=tuple(
            Input(_words(key), _cell(given), origin(key), given["meaning"]) for key, given in document["inputs"].items()
        ),
        results=tuple((_words(key), _result(result)) for key, result in document["results"].items()),
        tables=tuple(_table(name, rows) for name, rows in document["tables"].items() if rows),
        formula=document["formula"],
        source=document["source"],
        spread=document["range"],
        leaves_out=document["leaves_out"],
    )


def _result(result: Mapping[str, Any]) -> str:
    """The value with its interval and unit, and why there is none."""
    span = _cell({"low": result["low"], "high": result["high"]})
    middle = _text(result["estimate"])
    value = ", ".join(filter(None, (middle, span if span != middle else "")))
    reason = f" ({result['reason']})" if result["reason"] else ""
    return f"{value} {result['unit']}{reason}" if value else f"none{reason}"


def _cell(given: Mapping[str, Any]) -> str:
    """A range or a value as text; empty where there is none."""
    low, high = given.get("low"), given.get("high")
    if low is not None or high is not None:
        ends = [number(math.inf if end is None else end) for end in (low, high)]
        return ends[0] if ends[0] == ends[1] else " to ".join(ends)
    return _text(given.get("value"))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else "" if value is None else str(value)


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> Rows:
    """A table with the ends of an interval, and a threshold with its operator and unit, put together."""
    told = [dict(_columns(row)) for row in rows]
    head = [key for key in dict.fromkeys(key for row in told for key in row) if any(row.get(key) for row in told)]
    return Rows(_words(name), tuple(map(_words, head)), tuple(tuple(row.get(key, "") for key in head) for row in told))


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
