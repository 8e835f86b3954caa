"""Calculators: typed inputs with units, parsed from numbers, ranges or text, and the method that computes the result.

    @component("energy")
    class Energy(Calculator):
        "Energy of a task."
        tokens: Range = Field(description="tokens of a task")

The command line and Python share these classes, so an option, its unit and its default are defined once.
"""

import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar, NamedTuple, get_args

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from overthink.components.base import Component, build, failure_text
from overthink.errors import InputError, OverthinkError
from overthink.governance.calculators import result
from overthink.governance.calculators.result import POINTS, Calculation, InputValue, Result
from overthink.governance.inputs import Multiple, Range, look_up, point, positive, read_range

RawValue = float | str | Range | None

K: Any = Field(point(1), description="K, not k (tries): multiple of the reference inference budget, 1 or more")
K_BASIS: Any = Field(None, description="what K multiplies: tokens, flop, usd, samples or wall")
K_REFERENCE: Any = Field(None, description="the budget that counts as K = 1, in words")


RESERVED = frozenset({"json", "as_json", "seed", "as_of", "day", "rng", "help"})
"""Options of every calculator, on the command line and in Python, which no input can be called."""


class CalculatorInput(NamedTuple):
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
    default: str | None
    required: bool
    words: bool

    def read(self, value: RawValue) -> Range | str | None:
        """Return a value, or the default, as a range or as text.

        Raises:
            InputError: The input is required and missing, or cannot be read.
        """
        stated = self.default if value is None else value
        if stated is None:
            if self.required:
                raise InputError(f"{option(self.name)} is missing; needed: {self.help}")
            return None
        if self.words:
            return str(stated)
        return stated if isinstance(stated, Range) else read_range(str(stated), option(self.name))


class Calculator(Component):
    """A calculation under stated assumptions; its fields are the inputs, each a range or a text.

    A field of a range takes a number, a ``Range``, or text as on the command line ("1e9..1e12").
    """

    role: ClassVar[str] = "calculator"
    replaced: ClassVar[Mapping[str, Sequence[str]]] = {}
    """By input: the inputs that are not read beside it."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Refuse inputs whose names every calculator has for something else."""
        taken = [name for name in cls.model_fields if name in RESERVED]
        if taken:
            raise InputError(
                f"the calculator {cls.__name__} has an input {taken[0]!r}, which names an option of every calculator; "
                f"needed: another name than {', '.join(sorted(RESERVED))}"
            )

    _stated: frozenset[str] = PrivateAttr(frozenset())
    _used: set[str] = PrivateAttr(default_factory=set)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: Any) -> Any:
        """Read the inputs, defaults included."""
        inputs = {each.name: each for each in cls.inputs()}
        for name in values:
            look_up(name, inputs, what="input")
        read = {name: each.read(values.get(name)) for name, each in inputs.items()}
        return {name: value for name, value in read.items() if value is not None}

    @classmethod
    def inputs(cls) -> tuple[CalculatorInput, ...]:
        """Return the inputs in order."""
        return tuple(
            CalculatorInput(
                name,
                field.description or "",
                None if field.is_required() or field.default is None else str(field.default),
                field.is_required(),
                words=str in (field.annotation, *get_args(field.annotation)),
            )
            for name, field in cls.model_fields.items()
        )

    @classmethod
    def help(cls) -> str:
        """Return the help text of one line."""
        return (inspect.getdoc(cls) or "").partition("\n\n")[0]

    @classmethod
    def calculate(cls, *, day: date, rng: np.random.Generator, **values: RawValue) -> Calculation:
        """Return the result for inputs by name: a number, a ``Range``, or text as on the command line ("1e9..1e12").

        Args:
            day: Date of the registry's statuses.
            rng: Random generator of the draws over ranges.
            **values: Inputs; omitted ones take their defaults.

        Raises:
            InputError: An input is unknown, missing or out of range, or the calculation fails.
        """
        request = build(cls, values, option="calc")
        request._stated = frozenset(name for name, value in values.items() if value is not None)
        request._used.update(request._stated)
        try:
            answer = request.answer(day, rng)
        except OverthinkError:
            raise
        except (Exception, SystemExit) as fault:
            raise InputError(f"calc {cls.key} raised {failure_text(fault)}") from fault
        if not isinstance(answer, Calculation):
            raise InputError(f"calc {cls.key} gave {type(answer).__name__}; needed: a Calculation")
        return replace(answer, calculator=cls.key, inputs=request.used_inputs())

    @abstractmethod
    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result.

        Args:
            day: Date of the registry's statuses.
            rng: Random generator of the draws over ranges.
        """

    def __contains__(self, name: str) -> bool:
        return getattr(self, name, None) is not None

    def is_explicit(self, name: str) -> bool:
        """Return whether an input was stated, so that its value is not the default."""
        return name in self._stated

    def range(self, name: str) -> Range:
        """Return the range of a present input; it is then listed among those used."""
        self._used.add(name)
        values = getattr(self, name)
        assert isinstance(values, Range)
        return values

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
        """Return a present text input; it is then listed among those used."""
        self._used.add(name)
        return str(getattr(self, name))

    def pick(self, *names: str) -> dict[str, Range]:
        """Return the ranges of the present inputs among the names."""
        return {name: self.range(name) for name in names if isinstance(getattr(self, name), Range)}

    def need(self, *names: str, to: str) -> None:
        """Check that inputs needed by only some calculations are present.

        Raises:
            InputError: An input is missing.
        """
        missing = [option(name) for name in names if name not in self]
        if missing:
            raise InputError(f"{' and '.join(missing)} missing; needed {to}")

    def refuse_replaced(self, beside: str) -> None:
        """Check that inputs which another one replaces (:attr:`replaced`) were not stated.

        Raises:
            InputError: One was.
        """
        stated = [option(name) for name in self.replaced[beside] if self.is_explicit(name)]
        if stated:
            raise InputError(f"{' and '.join(stated)} would not be read beside {option(beside)}; leave one out")

    def multiple(self) -> Multiple:
        """Return K with its basis and reference, of a calculator with these three inputs.

        Raises:
            InputError: K is below 1, or above 1 without a basis or reference.
        """
        return Multiple(self.number("k"), getattr(self, "k_basis", None), getattr(self, "k_reference", None))

    def used_inputs(self) -> list[tuple[str, InputValue, str]]:
        """Return every input that was stated or used, as (name, value, help)."""
        values = [(each, getattr(self, each.name)) for each in self.inputs() if each.name in self._used]
        return [
            (each.name, value.low if isinstance(value, Range) and value.is_point else value, each.help)
            for each, value in values
        ]


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
