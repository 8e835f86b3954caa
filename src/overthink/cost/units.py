"""Units of compute, the models of an arm by role, and costs: amounts with their limits and assumptions.

Formatting of amounts of compute: 1,200 tokens, 3.2 × 10¹² FLOP, 0.0042 USD, 12 s.

Budgets as multiples of a stated reference budget.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.cost.estimate import Rates
from overthink.cost.model_shape import ModelShape
from overthink.data.arrays import Array


class Unit(StrEnum):
    """Unit of a budget."""

    TOKENS = "tokens"
    FLOP = "flop"
    EFFECTIVE_FLOP = "effective_flop"
    USD = "usd"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Size and prices of a model.

    Attributes:
        name: Inspect model string, or another name.
        shape: Its shape; None is unknown.
        rates: Prices of its tokens; None where unknown or free.
        free: Whether its tokens have no price.
    """

    name: str
    shape: ModelShape = field(default_factory=ModelShape)
    rates: Rates | None = None
    free: bool = False


@dataclass(frozen=True, slots=True)
class ModelRoles:
    """Models of one arm by role. An empty role is unused or unknown.

    Attributes:
        model: The model under test.
        guards: Models that watch and steer.
        step_verifiers: Models that score steps.
        verifiers: Models that score answers.
        judges: Models that grade.
    """

    model: ModelInfo
    guards: tuple[ModelInfo, ...] = ()
    step_verifiers: tuple[ModelInfo, ...] = ()
    verifiers: tuple[ModelInfo, ...] = ()
    judges: tuple[ModelInfo, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Cost:
    """Amounts of one unit, with their limits and assumptions.

    Attributes:
        amount: (question, draw, rung); NaN where unknown.
        unknown: Why something is NaN, such as "size of guard meta/llama-guard"; empty if all is known.
        at_least: What is left out, so that the amount is a lower bound, such as "attention of guard x".
        assumptions: Assumptions that are no bounds, such as how requests were batched.
    """

    amount: Array
    unknown: tuple[str, ...] = ()
    at_least: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def limits(self) -> tuple[str, ...]:
        """Limits of a finding with this amount."""
        lower_bounds = (f"at least: not counted is {text}" for text in self.at_least)
        return (*lower_bounds, *(f"taken for granted: {text}" for text in self.assumptions))

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.amount + other.amount,
            _union(self.unknown, other.unknown),
            _union(self.at_least, other.at_least),
            _union(self.assumptions, other.assumptions),
        )


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


UNIT_NAMES = {
    Unit.TOKENS: "tokens",
    Unit.FLOP: "FLOP",
    Unit.EFFECTIVE_FLOP: "effective FLOP",
    Unit.USD: "USD",
    Unit.SECONDS: "seconds",
}
"""Name of each unit."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALL = 1e-4
"""Below this, and for FLOP above ten thousand, zeros are harder to count than a power of ten is to read."""


def amount(number: float, unit: str | None) -> str:
    """A number with its unit.

    Args:
        number: Not negative.
        unit: Value of a :class:`~overthink.cost.units.Unit`; any other word stands as it is, None for tokens.

    Example:
        >>> amount(1234.5, "tokens"), amount(3.2e12, "flop"), amount(0.0042, "usd"), amount(12.34, "seconds")
        ('1,234 tokens', '3.2 × 10¹² FLOP', '0.0042 USD', '12.3 s')
    """
    return f"{figure(number, unit)} {'s' if unit == Unit.SECONDS else noun(unit)}"


def figure(number: float, unit: str | None) -> str:
    """The number alone: tokens are whole from ten on, everything else has three digits.

    Example:
        >>> figure(2.5, "tokens"), figure(1e13, "flop"), figure(4.2e-5, "usd"), figure(0, "usd")
        ('2.5', '10¹³', '4.2 × 10⁻⁵', '0')
    """
    if unit in (None, Unit.TOKENS):
        return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
    power_from = 1e4 if unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP) else 1e9
    if number == 0 or _SMALL <= number < power_from:
        return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
    digits, _, power = f"{number:.2e}".partition("e")
    digits = digits.rstrip("0").rstrip(".")
    ten = f"10{str(int(power)).translate(_SUPERSCRIPTS)}"
    return ten if digits == "1" else f"{digits} × {ten}"


def noun(unit: str | None) -> str:
    """Name of a unit."""
    words = {str(name): word for name, word in UNIT_NAMES.items()}
    return UNIT_NAMES[Unit.TOKENS] if unit is None else words.get(unit, unit)


def budget_multiple(budget: ArrayLike, *, reference: float) -> NDArray[np.float64]:
    """K: a budget divided by a reference budget in the same unit (tokens, FLOP, USD or tries).

    Args:
        budget: Budgets, any shape; NaN where unknown.
        reference: The budget that counts as K = 1.

    Returns:
        K, of the same shape; NaN where the budget is unknown.

    Raises:
        ValueError: A budget is negative, or the reference is not a positive finite number.

    Example:
        >>> budget_multiple([64, 256], reference=128).tolist()
        [0.5, 2.0]
    """
    if not (np.isfinite(reference) and reference > 0):
        raise ValueError(f"the reference budget is {reference}; needed: a positive number to divide by")
    budgets = np.asarray(budget, dtype=np.float64)
    if (budgets < 0).any():
        raise ValueError(f"a budget is {np.nanmin(budgets):g}; needed: 0 or more")
    return np.asarray(budgets / reference)
