"""Units of compute, the models of an arm by role, and costs: amounts with their limits and assumptions."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from overthink.cost.model_shape import ModelShape
from overthink.cost.estimate import Rates

Array = NDArray[np.float64]


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
