"""What an arm is made of: strategies and interventions, each with the decisions that it needs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from overthink.arm_plan import Value
from overthink.collect.thinking import Means, Stepper, Thinker
from overthink.errors import InputError
from overthink.plan import Plan


@dataclass(frozen=True, slots=True)
class Setting:
    """One decision of a part.

    Attributes:
        reads: Type of its value.
        means: What it decides, with its unit.
        default: The value where it is left out: one that the method's source fixes; None where it has to be stated.
        like: The decision before it whose value it has where it is left out, as the source has it; "" for none.
        least: Smallest value.
        most: Largest value.
        choices: The words it may be; empty for any.
    """

    reads: type[int] | type[float] | type[str] | type[bool]
    means: str
    default: Value | None = None
    like: str = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def checked(self, name: str, value: Value, part: str, *, option: str = "--arms") -> Value:
        """The value as its type.

        Args:
            name: What the setting is called.
            value: What was given.
            part: Whose setting it is, for messages.
            option: Where it was given, for messages.

        Raises:
            InputError: It is of another type, out of range, or none of the choices.
        """
        kinds = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = {
            int: isinstance(value, int) and number,
            float: number,
            str: not isinstance(value, bool),
            bool: isinstance(value, bool),
        }
        wrong = not fits[self.reads] or (bool(self.choices) and value not in self.choices)
        if number and self.reads in (int, float):
            wrong = wrong or not math.isfinite(value)  # type: ignore[arg-type]
            wrong = wrong or not (self.least is None or value >= self.least)  # type: ignore[operator]
            wrong = wrong or not (self.most is None or value <= self.most)  # type: ignore[operator]
        if wrong:
            needed = kinds[self.reads] if not self.choices else " or ".join(self.choices)
            needed += "" if self.least is None else f", at least {self.least:g}"
            needed += "" if self.most is None else f", at most {self.most:g}"
            raise InputError(f"{option} {part}: {name}={value} is not possible ({self.means}); needed: {needed}")
        return self.reads(value)


Settings = Mapping[str, Value]
"""Decisions by name, complete and checked."""


def decided(
    settings: Mapping[str, Setting], given: Settings, *, simulated: Settings, part: str, option: str = "--arms"
) -> tuple[dict[str, Value], list[str]]:
    """Every decision of a part: as stated, as the simulated model brings it, or as its source fixes it.

    Args:
        settings: What is to be decided.
        given: What was stated; what is none of its decisions is passed over.
        simulated: What the simulated model brings; nothing where another model is under test.
        part: Whose decisions they are, for messages.
        option: Where they were given, for messages.

    Returns:
        The decisions, checked, and those that are missing, with what they mean.

    Raises:
        InputError: A value is not possible.

    Example:
        >>> beam = {"width": Setting(int, "paths"), "first": Setting(int, "first steps", like="width")}
        >>> decided(beam, {"width": 4}, simulated={}, part="beam")
        ({'width': 4, 'first': 4}, [])
        >>> decided(beam, {}, simulated={}, part="beam")
        ({}, ['width (paths)'])
    """
    complete: dict[str, Value] = {}
    missing: list[str] = []
    for name, setting in settings.items():
        fallback = complete.get(setting.like) if setting.like else setting.default
        value = given.get(name, simulated.get(name, fallback))
        if value is not None:
            complete[name] = setting.checked(name, value, part, option=option)
        elif not setting.like:  # else what it is like is missing
            missing.append(f"{name} ({setting.means})")
    return complete, missing


@dataclass(frozen=True, slots=True)
class Steered:
    """What interventions have made of the way a model takes steps.

    Attributes:
        stepper: Takes a step, with every intervention around it.
        opening: What they write at the beginning of the thinking.
        plain: No intervention looks at steps, so that the model may think in one piece.
    """

    stepper: Stepper
    opening: str
    plain: bool


class Strategy(Protocol):
    """A way of spending thinking tokens."""

    def thinker(self, means: Means, steered: Steered) -> Thinker:
        """Who thinks in one trace."""
        ...


class Intervention(Protocol):
    """What is done to a model's steps to keep it safe.

    Attributes:
        opening: What it writes at the beginning of the thinking; "" for nothing.
        looks_at_steps: Whether it works on single steps.
    """

    opening: str
    looks_at_steps: bool

    def around(self, stepper: Stepper, means: Means) -> Stepper:
        """The stepper with the intervention around it, for one trace."""
        ...


@dataclass(frozen=True)
class Part:
    """A strategy or an intervention that an arm may be made of.

    Attributes:
        name: What `--arms` calls it.
        role: Strategies think, one per arm; interventions work on a strategy's steps.
        means: What it does, in a line.
        make: Makes it from its settings for a plan; refuses, with an InputError, what cannot be done.
        settings: Its decisions.
        simulated: Decisions that ``overthink/simulated`` brings.
        answers_at_once: It thinks nothing of its own, so that only the lowest rung is collected.
        reads_probabilities: It reads how likely the next tokens are, which not every server tells.
        times: At most how often it decodes what the plain ladder decodes.
        pieces: At most in how many pieces it thinks beside one per rung; None where it takes steps, or looks at them.
        writes: The texts that it may write into the thinking, at most; told where it thinks in pieces.
        models: The models that it asks beside the one under test.
    """

    name: str
    role: Literal["strategy", "intervention"]
    means: str
    make: Callable[[Settings, Plan], Strategy | Intervention]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    simulated: Settings = field(default_factory=dict)
    answers_at_once: bool = False
    reads_probabilities: bool = False
    times: Callable[[Settings], float] = lambda _: 1.0
    pieces: Callable[[Settings], int] | None = None
    writes: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    models: Callable[[Settings], tuple[str, ...]] = lambda _: ()
