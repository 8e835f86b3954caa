"""What a user assumes of a model and no measurement says, read and checked before anything else is done."""

from collections.abc import Mapping, Sequence
from datetime import date

from overthink.errors import InputError
from overthink.govern.calculator import Field, option
from overthink.govern.calculators import CALCULATORS
from overthink.govern.inputs import Range, read_range
from overthink.govern.naming import one_of
from overthink.store.analysis import Assumed

TRAINING_FLOP = "training_flop"

PLAUSIBLE_FLOP = (1e15, 1e35)
"""Training compute outside of this is taken for another unit: petaFLOP, FLOP per second, or an exponent alone."""

MEASURED = ("k", "k_basis", "k_reference", "measured")
"""Inputs of calculators that a study gives; nobody may assume them."""

INPUTS: dict[str, Field] = {
    field.name: field
    for calculator in CALCULATORS.values()
    for field in calculator.fields
    if field.name not in MEASURED
}
"""By name: every input that may be assumed."""


def assume(inputs: Mapping[str, str | float], *, day: date | None = None) -> Assumed:
    """Assumptions by the name of the calculator's input that they are for.

    Args:
        inputs: Values such as ``{"training_flop": 3.8e25, "active_parameters": "8e9..9e9"}``; an empty text takes back
            what was assumed before.
        day: The day for which thresholds are looked up; None for the day of the report.

    Raises:
        InputError: A name is no input of any calculator or one that the study measures, or a value cannot be read.

    Example:
        >>> assume({"training_flop": 3.8e25}).inputs
        {'training_flop': '3.8e+25'}
    """
    checked: dict[str, str] = {}
    for name, value in inputs.items():
        plain = name.strip().replace("-", "_")
        if plain in MEASURED:
            raise InputError(f"{name} cannot be assumed: a report takes it from the study's own curves")
        field = one_of(plain, INPUTS, what="input of a calculator")
        text = str(value).strip()
        if text and not field.words:
            _checked_number(field.name, read_range(text, _spelt(field.name)))
        checked[field.name] = text
    return Assumed(checked, day)


def assumed_on_command_line(training_flop: str | None, assume_: Sequence[str], day: date | None) -> Assumed:
    """Assumptions as the command line gives them.

    Args:
        training_flop: The training compute, a number or LOW..HIGH.
        assume_: Others, each as NAME=VALUE.
        day: The day for which thresholds are looked up.

    Raises:
        InputError: One cannot be read, or is given twice.
    """
    said: dict[str, str] = {} if training_flop is None else {TRAINING_FLOP: _not_empty(training_flop)}
    for text in assume_:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals):
            raise InputError(f"--assume {text} cannot be read; needed: --assume NAME=VALUE, as training_days=90")
        if name.strip().replace("-", "_") in said:
            raise InputError(f"{name.strip()} is assumed twice; needed: one value")
        said[name.strip().replace("-", "_")] = value
    return assume(said, day=day)


def over(said: Assumed, before: Assumed) -> Assumed:
    """What is assumed now: what is said here, else what was assumed before; an empty text takes back."""
    inputs = {**before.inputs, **said.inputs}
    return Assumed({name: value for name, value in inputs.items() if value}, said.day or before.day)


def _checked_number(name: str, given: Range) -> None:
    low, high = PLAUSIBLE_FLOP
    if name == TRAINING_FLOP and not low <= given.low <= given.high <= high:
        raise InputError(
            f"{_spelt(name)} is {_span(given)} FLOP; needed: the operations of the whole training run, from {low:g} to "
            f"{high:g}, such as 3.8e25; not petaFLOP, and not FLOP per second"
        )


def _not_empty(text: str) -> str:
    if not text.strip():
        raise InputError("--training-flop is empty; needed: a number such as 3.8e25, or a range as LOW..HIGH")
    return text


def _spelt(name: str) -> str:
    return option(name) if name == TRAINING_FLOP else f"--assume {name}"


def _span(given: Range) -> str:
    return f"{given.low:g}" if given.is_point else f"{given.low:g}..{given.high:g}"
