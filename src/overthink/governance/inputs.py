"""Inputs of calculators: a validated number or range, K as a multiple of a stated reference budget, names looked up."""

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from overthink.data.parameters import number_words, real
from overthink.errors import InputError

Basis = Literal["tokens", "flop", "usd", "samples", "wall"]
BASES: tuple[str, ...] = get_args(Basis)


@dataclass(frozen=True, slots=True)
class Range:
    """A stated range of an input; a point where both ends are the same.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise InputError(f"{self.low:g}..{self.high:g} is not a range; needed: LOW..HIGH with LOW at most HIGH")

    @property
    def is_point(self) -> bool:
        """Whether both ends are equal."""
        return self.low == self.high

    def __str__(self) -> str:
        return f"{self.low:g}" if self.is_point else f"{self.low:g}..{self.high:g}"


@dataclass(frozen=True, slots=True)
class Interval:
    """Possible values of a quantity, given the stated ranges of unknown inputs.

    Attributes:
        low: Lower end.
        high: Upper end; infinite where it is unbounded.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval from {self.low} to {self.high} is not ordered")


def point(value: float) -> Range:
    """Return the range of a single number."""
    return Range(float(value), float(value))


@dataclass(frozen=True, slots=True)
class Multiple:
    """K: a budget of inference divided by a stated reference budget.

    Attributes:
        value: K, at least 1.
        basis: Quantity that K multiplies: tokens, flop, usd, samples or wall.
        reference: The budget that counts as K = 1, in words; None only where K is 1.

    Raises:
        InputError: K is below 1 or not finite; the basis is unknown or missing; K above 1 has no reference.
    """

    value: float = 1.0
    basis: str | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value >= 1):
            raise InputError(f"K is {self.value:g}; needed: 1 or more, a multiple of the reference budget")
        if self.basis is not None and self.basis not in BASES:
            raise InputError(f"the basis of K is {self.basis!r}; needed: one of {', '.join(BASES)}")
        if self.value > 1 and not (self.basis and (self.reference or "").strip()):
            missing = "basis" if not self.basis else "reference"
            raise InputError(
                f"K = {self.value:g} has no {missing}; needed: what is multiplied ({', '.join(BASES)}) "
                "and the reference budget that counts as 1, such as '1,000 thinking tokens per task'"
            )

    def __str__(self) -> str:
        return f"{self.value:g} × {self.reference} ({self.basis})" if self.value > 1 else "1 (the reference budget)"


def read_range(text: str, name: str) -> Range:
    """Parse a number, or a range as LOW..HIGH.

    Raises:
        InputError: The text cannot be parsed, a number is not finite, or the ends are out of order.

    Example:
        >>> read_range("1e9..1e12", "bytes")
        Range(low=1000000000.0, high=1000000000000.0)
    """
    low, dots, high = text.partition("..")
    try:
        ends = float(low), float(high) if dots else float(low)
    except ValueError:
        ends = (math.nan, math.nan)
    if not (math.isfinite(ends[0]) and math.isfinite(ends[1]) and ends[0] <= ends[1]):
        raise InputError(f"{name} is {text!r}; needed: a finite number such as 1e25, or a range as LOW..HIGH")
    return Range(*ends)


def positive(value: float, name: str) -> float:
    """Return the value if it is finite and above 0.

    Raises:
        InputError: The value is out of range.
    """
    return _require(value, name, lambda number: number > 0, "a finite number above 0")


def not_negative(value: float, name: str) -> float:
    """Return the value if it is finite and 0 or more.

    Raises:
        InputError: The value is out of range.
    """
    return _require(value, name, lambda number: number >= 0, "a finite number, 0 or more")


def at_least_one(value: float, name: str) -> float:
    """Return the value if it is finite and 1 or more.

    Raises:
        InputError: The value is out of range.
    """
    return _require(value, name, lambda number: number >= 1, "a finite number, 1 or more")


def share(value: float, name: str) -> float:
    """Return the value if it is above 0 and at most 1.

    Raises:
        InputError: The value is out of range.
    """
    return _require(value, name, lambda number: 0 < number <= 1, "a share above 0 and at most 1")


def _require(value: float, name: str, fits: Callable[[float], bool], requirement: str) -> float:
    try:
        is_fit = fits(real(value, name))
    except ValueError:
        is_fit = False
    if not is_fit:
        raise InputError(f"{name} is {number_words(value)}; needed: {requirement}")
    return value


EntryT = TypeVar("EntryT")


def look_up(name: str, entries: Mapping[str, EntryT], *, what: str) -> EntryT:
    """Return the entry with a name, ignoring case.

    Raises:
        InputError: The name is unknown; the nearest names are suggested.

    Example:
        >>> look_up("h100", {"H100": 80}, what="chip")
        80
    """
    by_casefold = {key.casefold(): value for key, value in entries.items()}
    if name.casefold() in by_casefold:
        return by_casefold[name.casefold()]
    near = difflib.get_close_matches(name.casefold(), by_casefold, n=3, cutoff=0.4)
    names = [key for key in entries if key.casefold() in near]
    hint = f"nearest: {', '.join(names)}" if names else f"known: {', '.join(entries)}"
    raise InputError(f"unknown {what} {name!r}; {hint}")
