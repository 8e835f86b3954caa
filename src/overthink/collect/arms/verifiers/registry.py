"""Registry of verifiers, and the parser of `NAME:key=value,key=value`."""

from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel, Field

from overthink.collect.arms.verifiers.base import Aggregate, Verifier
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier
from overthink.collect.arms.verifiers.endpoint import EndpointVerifier
from overthink.collect.arms.verifiers.judge import JudgeVerifier
from overthink.collect.arms.verifiers.own_probability import OwnProbability
from overthink.collect.arms.verifiers.rollouts import RolloutVerifier
from overthink.collect.arms.verifiers.simulated import SimulatedVerifier
from overthink.components.base import SettingValue, checked_setting
from overthink.components.registry import Registry
from overthink.errors import InputError
from overthink.plan.components import complete_component, name_and_settings

OPTION = "--verifier"

VERIFIERS: Registry[Verifier] = Registry(
    Verifier,  # type: ignore[type-abstract]
    (SimulatedVerifier, RolloutVerifier, OwnProbability, EndpointVerifier, ClassifierVerifier, JudgeVerifier),
    option=OPTION,
)
"""Verifiers by name."""


class _Aggregation(BaseModel):
    aggregate: Aggregate = Field(description="how the scores of steps become one: last, min, prod or mean")


@dataclass(frozen=True)
class VerifierPlan:
    """A verifier with all settings.

    Attributes:
        verifier: The verifier.
        name: Its name as stated, perhaps with a file.
        aggregate: Aggregation of step scores; None if not stated.
    """

    verifier: Verifier
    name: str
    aggregate: Aggregate | None

    @property
    def label(self) -> str:
        """Specification as on the command line."""
        values = self.verifier.model_dump()
        settings = ",".join(f"{name}={_setting_text(value)}" for name, value in values.items())
        return self.name + (f":{settings}" if settings else "")

    def open(self) -> Verifier:
        """Return the opened verifier.

        Raises:
            InputError: A requirement is missing.
        """
        return self.verifier.open()


def read_verifier(text: str, *, model: str) -> VerifierPlan:
    """Parse a verifier of the command line or of an arm. Inside an arm, semicolons replace the commas.

    Args:
        text: `NAME:key=value,key=value`; all verifiers have the setting `aggregate`.
        model: The model under test; the simulated one has defaults.

    Raises:
        InputError: The verifier or a setting is unknown, an option is missing, or a value is invalid.

    Example:
        >>> read_verifier("rollouts:n=2;tokens=8;against=consensus", model="mockllm/model").verifier.model_dump()
        {'n': 2, 'tokens': 8, 'against': 'consensus'}
    """
    name, values = name_and_settings(text, option=OPTION, role="verifier")
    part = VERIFIERS.look_up(name)
    if part is SimulatedVerifier and model != "overthink/simulated":
        raise InputError(f"{OPTION} simulated reads what overthink/simulated writes, and {model} is another model")
    aggregate = values.pop("aggregate", None)
    if aggregate is not None:
        field = _Aggregation.model_fields["aggregate"]
        aggregate = checked_setting("aggregate", field, aggregate, owner=name, option=OPTION)
    verifier = complete_component(part, values, model=model, option=OPTION, others=("aggregate",))
    return VerifierPlan(verifier, name, cast("Aggregate | None", aggregate))


def open_verifier(text: str, *, model: str) -> Verifier:
    """Return the opened verifier of an arm. Raises the errors of :func:`read_verifier`."""
    return read_verifier(text, model=model).open()


def _setting_text(value: SettingValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
