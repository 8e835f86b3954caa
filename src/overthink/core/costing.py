"""What compute can be counted in, who works for an arm, and what came out: an amount, and what it rests on."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from overthink.core.model_shape import ModelShape
from overthink.core.spending import Rates

Array = NDArray[np.float64]


class Unit(StrEnum):
    """What a budget is counted in."""

    TOKENS = "tokens"
    FLOP = "flop"
    EFFECTIVE_FLOP = "effective_flop"
    USD = "usd"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Party:
    """A model, as far as its bill depends on it.

    Attributes:
        name: Inspect model string, or what else it is called.
        shape: Its shape; what is None is unknown.
        rates: Prices of its tokens; None where unknown or free.
        free: Nobody sends a bill for it.
    """

    name: str
    shape: ModelShape = field(default_factory=ModelShape)
    rates: Rates | None = None
    free: bool = False


@dataclass(frozen=True, slots=True)
class Parties:
    """Who works for one arm. Where a role is empty, nobody has it, or nobody knows who.

    Attributes:
        model: The model under test.
        guards: Those that watch and steer.
        step_verifiers: Those that score steps on the way.
        verifiers: Those that score answers.
        judges: Those that grade.
    """

    model: Party
    guards: tuple[Party, ...] = ()
    step_verifiers: tuple[Party, ...] = ()
    verifiers: tuple[Party, ...] = ()
    judges: tuple[Party, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Cost:
    """Amounts of one unit, and what they rest on.

    Attributes:
        amount: (question, draw, rung); NaN where unknown.
        unknown: Why something is NaN, such as "size of guard meta/llama-guard"; empty if all is known.
        at_least: What is left out, so that the amount is a lower bound, such as "attention of guard x".
        assumed: What the amount takes for granted and is no bound for, such as how requests were batched.
    """

    amount: Array
    unknown: tuple[str, ...] = ()
    at_least: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def limits(self) -> tuple[str, ...]:
        """What a finding with this amount must say."""
        least = (f"at least: not counted is {one}" for one in self.at_least)
        return (*least, *(f"taken for granted: {one}" for one in self.assumed))

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.amount + other.amount,
            _both(self.unknown, other.unknown),
            _both(self.at_least, other.at_least),
            _both(self.assumed, other.assumed),
        )


def _both(these: tuple[str, ...], those: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*these, *those)))
