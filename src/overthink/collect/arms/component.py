"""Components of an arm: strategies and interventions, each with its options."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from overthink.collect.ladder.thinking import Stepper, Thinker, TraceContext
from overthink.errors import InputError
from overthink.plan.arms import SettingValue
from overthink.plan.study import Plan


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a component.

    Attributes:
        value_type: Type of its value.
        description: What it sets, with its unit.
        default: Value if left out, as fixed by the method's source; None if the option is required.
        same_as: An earlier option whose value is the default, as in the method's source; "" for none.
        least: Smallest value.
        most: Largest value.
        choices: Allowed words; empty for any.
    """

    value_type: type[int] | type[float] | type[str] | type[bool]
    description: str
    default: SettingValue | None = None
    same_as: str = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def validate(self, name: str, value: SettingValue, component: str, *, option: str = "--arms") -> SettingValue:
        """Return the value, converted to its type.

        Args:
            name: Name of the option.
            value: The value to check.
            component: Name of the component, for messages.
            option: Command-line option that set it, for messages.

        Raises:
            InputError: The value has another type, is out of range, or is not one of the choices.
        """
        kinds = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = {
            int: isinstance(value, int) and number,
            float: number,
            str: not isinstance(value, bool),
            bool: isinstance(value, bool),
        }
        wrong = not fits[self.value_type] or (bool(self.choices) and value not in self.choices)
        if number and self.value_type in (int, float):
            wrong = wrong or not math.isfinite(value)  # type: ignore[arg-type]
            wrong = wrong or not (self.least is None or value >= self.least)  # type: ignore[operator]
            wrong = wrong or not (self.most is None or value <= self.most)  # type: ignore[operator]
        if wrong:
            requirement = kinds[self.value_type] if not self.choices else " or ".join(self.choices)
            requirement += "" if self.least is None else f", at least {self.least:g}"
            requirement += "" if self.most is None else f", at most {self.most:g}"
            raise InputError(
                f"{option} {component}: {name}={value} is not possible ({self.description}); needed: {requirement}"
            )
        return self.value_type(value)


Settings = Mapping[str, SettingValue]
"""Values of options by name, complete and validated."""


def resolve_options(
    options: Mapping[str, Option],
    values: Settings,
    *,
    simulated_defaults: Settings,
    component: str,
    option: str = "--arms",
) -> tuple[dict[str, SettingValue], list[str]]:
    """Return the value of every option: the given one, else the simulated model's, else the default.

    Args:
        options: The options.
        values: Given values; names that are not options are ignored.
        simulated_defaults: Defaults with the simulated model; empty for any other model under test.
        component: Name of the component, for messages.
        option: Command-line option that set them, for messages.

    Returns:
        The validated values, and the missing options with their descriptions.

    Raises:
        InputError: A value is invalid.

    Example:
        >>> beam = {"width": Option(int, "paths"), "first": Option(int, "first steps", same_as="width")}
        >>> resolve_options(beam, {"width": 4}, simulated_defaults={}, component="beam")
        ({'width': 4, 'first': 4}, [])
        >>> resolve_options(beam, {}, simulated_defaults={}, component="beam")
        ({}, ['width (paths)'])
    """
    complete: dict[str, SettingValue] = {}
    missing: list[str] = []
    for name, decision in options.items():
        fallback = complete.get(decision.same_as) if decision.same_as else decision.default
        value = values.get(name, simulated_defaults.get(name, fallback))
        if value is not None:
            complete[name] = decision.validate(name, value, component, option=option)
        elif not decision.same_as:  # else what it is like is missing
            missing.append(f"{name} ({decision.description})")
    return complete, missing


@dataclass(frozen=True, slots=True)
class StepperSetup:
    """A stepper with all interventions of an arm applied.

    Attributes:
        stepper: Takes a step, wrapped in every intervention.
        prefix_text: Text that they insert at the beginning of the thinking.
        is_plain: No intervention looks at steps, so the model may think in one segment.
    """

    stepper: Stepper
    prefix_text: str
    is_plain: bool


class Strategy(Protocol):
    """A strategy for spending thinking tokens."""

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        ...


class Intervention(Protocol):
    """A safety intervention on a model's steps.

    Attributes:
        prefix_text: Text inserted at the beginning of the thinking; "" for none.
        looks_at_steps: Whether it works on single steps.
    """

    prefix_text: str
    looks_at_steps: bool

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the stepper of one trace, wrapped in the intervention."""
        ...


@dataclass(frozen=True)
class Component:
    """A strategy or an intervention of an arm.

    Attributes:
        name: Its name in `--arms`.
        role: "strategy" (one per arm) or "intervention" (on a strategy's steps).
        description: What it does, in a line.
        make: Builds it from its settings for a plan; raises an InputError if that is impossible.
        settings: Its options by name.
        simulated_defaults: Defaults with ``overthink/simulated``.
        answers_at_once: It does no thinking, so only the lowest rung is collected.
        reads_probabilities: It needs next-token probabilities, which not every server returns.
        max_decode_factor: Maximum decoded tokens, relative to the plain ladder.
        max_segments: Maximum number of thinking segments beyond one per rung; None if it thinks in steps.
        inserted_texts: Texts that it may insert into the thinking at most; known if it thinks in segments.
        models: Models that it calls besides the model under test.
        decides: What it decides by what it reads: at which "steps" it acts, or which of several "candidates" goes on;
            "" for one that acts whatever it reads, which has no placebo.
    """

    name: str
    role: Literal["strategy", "intervention"]
    description: str
    make: Callable[[Settings, Plan], Strategy | Intervention]
    settings: Mapping[str, Option] = field(default_factory=dict)
    simulated_defaults: Settings = field(default_factory=dict)
    answers_at_once: bool = False
    reads_probabilities: bool = False
    max_decode_factor: Callable[[Settings], float] = lambda _: 1.0
    max_segments: Callable[[Settings], int] | None = None
    inserted_texts: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    models: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    decides: Literal["", "steps", "candidates"] = ""
