"""Calculators: named inputs with units, parsed from numbers, ranges or text, and the function that computes the result.

The command line and Python share these descriptions, so an option, its unit and its default are defined once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from overthink.errors import InputError
from overthink.governance.calculators import result
from overthink.governance.calculators.result import POINTS, Calculation, InputValue, Result
from overthink.governance.inputs import Multiple, Range, look_up, positive, read_range

RawValue = float | str | Range | None


@dataclass(frozen=True, slots=True)
class Field:
    """An input of a calculator.

    Attributes:
        name: Name including the unit, such as ``upload_bytes_per_day``.
        help: Help text of one line.
        default: Default value as text; None for no default.
        required: Whether the input is required.
        words: Whether the input is text (a chip, a basis) instead of a number or range.
    """

    name: str
    help: str
    default: str | None = None
    required: bool = False
    words: bool = False


K_FIELDS = (
    Field("k", "K, not k (tries): multiple of the reference inference budget, 1 or more", "1"),
    Field("k_basis", "what K multiplies: tokens, flop, usd, samples or wall", words=True),
    Field("k_reference", "the budget that counts as K = 1, in words", words=True),
)


class CalculatorRequest:
    """Parsed and validated inputs of one calculation."""

    def __init__(self, fields: tuple[Field, ...], values: Mapping[str, RawValue]) -> None:
        by_name = {field.name: field for field in fields}
        for name in values:
            look_up(name, by_name, what="input")
        self._fields = by_name
        self._ranges: dict[str, Range] = {}
        self._words: dict[str, str] = {}
        self._explicit = frozenset(name for name, value in values.items() if value is not None)
        self._used = set(self._explicit)
        for name, field in by_name.items():
            self._take(field, values.get(name))

    def _take(self, field: Field, value: RawValue) -> None:
        read = field.default if value is None else value
        if read is None:
            if field.required:
                raise InputError(f"{option(field.name)} is missing; needed: {field.help}")
        elif field.words:
            self._words[field.name] = str(read)
        elif isinstance(read, Range):
            self._ranges[field.name] = read
        else:
            self._ranges[field.name] = read_range(str(read), option(field.name))

    def __contains__(self, name: str) -> bool:
        return name in self._ranges or name in self._words

    def is_explicit(self, name: str) -> bool:
        """Return whether an input was passed, so that its value is not the default."""
        return name in self._explicit

    def range(self, name: str) -> Range:
        """Return the range of a present input."""
        self._used.add(name)
        return self._ranges[name]

    def number(self, name: str) -> float:
        """Return the value of an input that must be a single number.

        Raises:
            InputError: The input is a range.
        """
        values = self.range(name)
        if not values.is_point:
            raise InputError(f"{option(name)} is a range; needed: one number")
        return values.low

    def words(self, name: str) -> str:
        """Return a present text input."""
        self._used.add(name)
        return self._words[name]

    def pick(self, *names: str) -> dict[str, Range]:
        """Return the ranges of the present inputs among the names."""
        return {name: self.range(name) for name in names if name in self._ranges}

    def need(self, *names: str, to: str) -> None:
        """Check that inputs needed by only some calculations are present.

        Raises:
            InputError: An input is missing.
        """
        missing = [option(name) for name in names if name not in self]
        if missing:
            raise InputError(f"{' and '.join(missing)} missing; needed {to}")

    def k(self) -> Multiple:
        """Return K with its basis and reference.

        Raises:
            InputError: K is below 1, or above 1 without a basis or reference.
        """
        return Multiple(self.number("k"), self._words.get("k_basis"), self._words.get("k_reference"))

    def used_inputs(self) -> list[tuple[str, InputValue, str]]:
        """Return every input that was passed or used, as (name, value, help)."""
        values: dict[str, InputValue] = {name: v.low if v.is_point else v for name, v in self._ranges.items()}
        values |= self._words
        return [(name, values[name], field.help) for name, field in self._fields.items() if name in self._used]


@dataclass(frozen=True, slots=True)
class Calculator:
    """A calculation under stated assumptions.

    Attributes:
        name: Name on the command line, after ``overthink calc``.
        help: Help text of one line.
        fields: The inputs.
        answer: Function of the inputs, the day and the random generator that returns the result.
    """

    name: str
    help: str
    fields: tuple[Field, ...]
    answer: Callable[[CalculatorRequest, date, np.random.Generator], Calculation]

    def __call__(self, *, day: date, rng: np.random.Generator, **values: RawValue) -> Calculation:
        """Return the result for inputs by name: a number, a ``Range``, or text as on the command line ("1e9..1e12").

        Args:
            day: Date of the registry's statuses.
            rng: Random generator of the draws over ranges.
            **values: Inputs; omitted ones take their defaults.

        Raises:
            InputError: An input is unknown, missing or out of range.
        """
        request = CalculatorRequest(self.fields, values)
        return replace(self.answer(request, day, rng), calculator=self.name, inputs=request.used_inputs())


def option(name: str) -> str:
    """Return the command-line option of an input."""
    return f"--{name.replace('_', '-')}"


def interval_meaning(inputs: Mapping[str, Range]) -> str:
    """Return the text on the meaning of the intervals of a calculation."""
    names = [name for name, values in inputs.items() if not values.is_point]
    if not names:
        return POINTS
    return (
        f"{result.INTERVAL_LEVEL:.0%} of {result.DRAWS:,} draws over the ranges of {', '.join(names)}, "
        "each drawn independently and evenly in its logarithm (evenly where it is not above 0)"
    )


def exactly(name: str, value: float, unit: str) -> Result:
    """Return a result without an interval."""
    return Result(name, value, None, None, unit)


def above_zero(ranges: Mapping[str, Range]) -> None:
    """Check that ranges lie above 0.

    Raises:
        InputError: A range starts at or below 0.
    """
    for name, values in ranges.items():
        positive(values.low, option(name))
