"""The user's assumptions about a model, parsed and checked before anything else."""

from collections.abc import Mapping, Sequence
from datetime import date

from overthink.errors import InputError
from overthink.governance.calculators.base import Field, option
from overthink.governance.calculators import CALCULATORS
from overthink.governance.inputs import Range, read_range
from overthink.governance.naming import look_up
from overthink.storage.analysis import Assumptions

TRAINING_FLOP = "training_flop"

PLAUSIBLE_FLOP = (1e15, 1e35)
"""Range of plausible training compute; values outside suggest another unit (petaFLOP, FLOP/s, an exponent)."""

STUDY_INPUTS = ("k", "k_basis", "k_reference", "measured")
"""Calculator inputs that the study provides; they cannot be assumed."""

INPUTS: dict[str, Field] = {
    field.name: field
    for calculator in CALCULATORS.values()
    for field in calculator.fields
    if field.name not in STUDY_INPUTS
}
"""Inputs that may be assumed, by name."""


def assume(inputs: Mapping[str, str | float], *, day: date | None = None) -> Assumptions:
    """Return checked assumptions, by the name of the calculator input.

    Args:
        inputs: Values such as ``{"training_flop": 3.8e25, "active_parameters": "8e9..9e9"}``; an empty text
            removes an earlier assumption.
        day: Date for which thresholds are looked up; None for the date of the report.

    Raises:
        InputError: A name is not a calculator input or is measured by the study, or a value cannot be read.

    Example:
        >>> assume({"training_flop": 3.8e25}).inputs
        {'training_flop': '3.8e+25'}
    """
    texts: dict[str, str] = {}
    for name, value in inputs.items():
        plain = name.strip().replace("-", "_")
        if plain in STUDY_INPUTS:
            raise InputError(f"{name} cannot be assumed: a report takes it from the study's own curves")
        field = look_up(plain, INPUTS, what="input of a calculator")
        text = str(value).strip()
        if text and not field.words:
            _check_number(field.name, read_range(text, _option_text(field.name)))
        texts[field.name] = text
    return Assumptions(texts, day)


def parse_assumptions(training_flop: str | None, assume_: Sequence[str], day: date | None) -> Assumptions:
    """Return the assumptions of the command line.

    Args:
        training_flop: Training compute, a number or LOW..HIGH.
        assume_: Other assumptions, each as NAME=VALUE.
        day: Date for which thresholds are looked up.

    Raises:
        InputError: An assumption cannot be read, or is given twice.
    """
    inputs: dict[str, str] = {} if training_flop is None else {TRAINING_FLOP: _not_empty(training_flop)}
    for text in assume_:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals):
            raise InputError(f"--assume {text} cannot be read; needed: --assume NAME=VALUE, as training_days=90")
        if name.strip().replace("-", "_") in inputs:
            raise InputError(f"{name.strip()} is assumed twice; needed: one value")
        inputs[name.strip().replace("-", "_")] = value
    return assume(inputs, day=day)


def merge_assumptions(new: Assumptions, before: Assumptions) -> Assumptions:
    """Return earlier assumptions updated with new ones; an empty text removes an assumption."""
    inputs = {**before.inputs, **new.inputs}
    return Assumptions({name: value for name, value in inputs.items() if value}, new.day or before.day)


def _check_number(name: str, value: Range) -> None:
    low, high = PLAUSIBLE_FLOP
    if name == TRAINING_FLOP and not low <= value.low <= value.high <= high:
        raise InputError(
            f"{_option_text(name)} is {_span(value)} FLOP; needed: the operations of the whole training run, from "
            f"{low:g} to {high:g}, such as 3.8e25; not petaFLOP, and not FLOP per second"
        )


def _not_empty(text: str) -> str:
    if not text.strip():
        raise InputError("--training-flop is empty; needed: a number such as 3.8e25, or a range as LOW..HIGH")
    return text


def _option_text(name: str) -> str:
    return option(name) if name == TRAINING_FLOP else f"--assume {name}"


def _span(value: Range) -> str:
    return f"{value.low:g}" if value.is_point else f"{value.low:g}..{value.high:g}"
