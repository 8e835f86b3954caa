"""A calculator: named inputs with units, read from numbers, ranges or text, and the function that answers.

The command line and Python share these descriptions, so an option, its unit and its default are written once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from overthink.errors import InputError
from overthink.govern import monte_carlo
from overthink.govern.calculation import POINTS, Calculation, Result
from overthink.govern.calculation import Value as Shown
from overthink.govern.inputs import Multiple, Range, positive, read_range
from overthink.govern.naming import one_of

Value = float | str | Range | None


@dataclass(frozen=True, slots=True)
class Field:
    """An input of a calculator.

    Attributes:
        name: With its unit in it, such as ``upload_bytes_per_day``.
        help: One line.
        default: What is used if it is left out, as typed; None for nothing.
        required: Whether there is no answer without it.
        words: Whether it is text (a chip, a basis) instead of a number or range.
    """

    name: str
    help: str
    default: str | None = None
    required: bool = False
    words: bool = False


K_FIELDS = (
    Field("k", "K: multiple of the reference inference budget, 1 or more", "1"),
    Field("k_basis", "what K multiplies: tokens, flop, usd, samples or wall", words=True),
    Field("k_reference", "the budget that counts as K = 1, in words", words=True),
)


class Given:
    """The inputs of one question, read and checked."""

    def __init__(self, fields: tuple[Field, ...], values: Mapping[str, Value]) -> None:
        known = {field.name: field for field in fields}
        for name in values:
            one_of(name, known, what="input")
        self._fields = known
        self._ranges: dict[str, Range] = {}
        self._words: dict[str, str] = {}
        self._used = {name for name, value in values.items() if value is not None}
        for name, field in known.items():
            self._take(field, values.get(name))

    def _take(self, field: Field, value: Value) -> None:
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

    def range(self, name: str) -> Range:
        """The range of an input that is there."""
        self._used.add(name)
        return self._ranges[name]

    def number(self, name: str) -> float:
        """An input that has to be one number.

        Raises:
            InputError: It is a range.
        """
        given = self.range(name)
        if not given.is_point:
            raise InputError(f"{option(name)} is a range; needed: one number")
        return given.low

    def words(self, name: str) -> str:
        """A text input that is there."""
        self._used.add(name)
        return self._words[name]

    def pick(self, *names: str) -> dict[str, Range]:
        """The ranges of those inputs that are there."""
        return {name: self.range(name) for name in names if name in self._ranges}

    def need(self, *names: str, to: str) -> None:
        """Make sure of inputs that only some answers need.

        Raises:
            InputError: One is missing.
        """
        missing = [option(name) for name in names if name not in self]
        if missing:
            raise InputError(f"{' and '.join(missing)} missing; needed {to}")

    def k(self) -> Multiple:
        """K with its basis and reference.

        Raises:
            InputError: K is below 1, or above 1 without a basis or reference.
        """
        return Multiple(self.number("k"), self._words.get("k_basis"), self._words.get("k_reference"))

    def shown(self) -> list[tuple[str, Shown, str]]:
        """Every input that was given or used, as (name, value, help)."""
        values: dict[str, Shown] = {name: v.low if v.is_point else v for name, v in self._ranges.items()}
        values |= self._words
        return [(name, values[name], field.help) for name, field in self._fields.items() if name in self._used]


@dataclass(frozen=True, slots=True)
class Calculator:
    """A question that is answered under stated assumptions.

    Attributes:
        name: As typed after ``overthink calc``.
        help: One line.
        fields: The inputs.
        answer: Reads the inputs and answers; gets the day and the randomness.
    """

    name: str
    help: str
    fields: tuple[Field, ...]
    answer: Callable[[Given, date, np.random.Generator], Calculation]

    def __call__(self, *, day: date, rng: np.random.Generator, **values: Value) -> Calculation:
        """Answer for inputs by name: a number, a ``Range``, or text as on the command line ("1e9..1e12").

        Args:
            day: The day for which the registry answers.
            rng: Randomness of the draws over ranges.
            **values: Inputs; what is left out takes its default.

        Raises:
            InputError: An input is unknown, missing or out of its bounds.
        """
        given = Given(self.fields, values)
        return replace(self.answer(given, day, rng), calculator=self.name, inputs=given.shown())


def option(name: str) -> str:
    """An input as the command line spells it."""
    return f"--{name.replace('_', '-')}"


def spread_of(inputs: Mapping[str, Range]) -> str:
    """What the intervals of a calculation span."""
    drawn = [name for name, given in inputs.items() if not given.is_point]
    if not drawn:
        return POINTS
    return (
        f"{monte_carlo.LEVEL:.0%} of {monte_carlo.DRAWS:,} draws over the ranges of {', '.join(drawn)}, each drawn "
        "independently and evenly in its logarithm (evenly where it is not above 0)"
    )


def exactly(name: str, value: float, unit: str) -> Result:
    """A result without an interval."""
    return Result(name, value, None, None, unit)


def above_zero(given: Mapping[str, Range]) -> None:
    """Make sure that ranges lie above 0 before anything is drawn from them.

    Raises:
        InputError: A range starts at or below 0.
    """
    for name, values in given.items():
        positive(values.low, option(name))
