"""Registry of perturbations, and the parser of `NAME,NAME:key=value`."""

from collections.abc import Sequence
from dataclasses import dataclass

from overthink.collect.perturbations.base import Perturbation
from overthink.collect.perturbations.texts import (
    EarlyAnswer,
    FillerThought,
    Mistake,
    NoThought,
    Paraphrase,
    SameThought,
    ShuffledThought,
    WriterAlone,
)
from overthink.components.registry import Registry
from overthink.errors import InputError
from overthink.plan.arms import read_arms
from overthink.plan.components import complete_component

OPTION = "--with"

PERTURBATIONS: Registry[Perturbation] = Registry(
    Perturbation,  # type: ignore[type-abstract]
    (EarlyAnswer, Mistake, Paraphrase, WriterAlone, FillerThought, ShuffledThought, NoThought, SameThought),
    option=OPTION,
)
"""Perturbations by name."""


@dataclass(frozen=True)
class PerturbationPlan:
    """A perturbation with all settings.

    Attributes:
        perturbation: The perturbation.
        label: Name and settings that are not the defaults, as stored.
    """

    perturbation: Perturbation
    label: str


def read_perturbations(texts: Sequence[str], *, model: str) -> tuple[PerturbationPlan, ...]:
    """Parse the perturbations of a command.

    Args:
        texts: Perturbations separated by commas, each `NAME` or `NAME:key=value,key=value`.
        model: The model under test; the simulated one has defaults of its own.

    Raises:
        InputError: One is unknown or stated twice, a setting is missing or has an impossible value, or there is none.

    Example:
        >>> [plan.label for plan in read_perturbations(["early:points=2,none"], model="m")]
        ['early:points=2', 'none']
    """
    plans: list[PerturbationPlan] = []
    for text in texts:
        try:
            items = read_arms(text.replace(";", ","))
        except InputError as fault:
            raise InputError(str(fault).replace("--arms", OPTION)) from fault
        for item in items:
            part = PERTURBATIONS.look_up("+".join(item.parts))
            perturbation = complete_component(part, dict(item.settings), model=model, option=OPTION)
            defaults = {name: field.default for name, field in part.model_fields.items()}
            own = {name: value for name, value in perturbation.model_dump().items() if value != defaults[name]}
            label = part.key + (":" + ",".join(f"{name}={value}" for name, value in own.items()) if own else "")
            plans.append(PerturbationPlan(perturbation, label))
    labels = [plan.label for plan in plans]
    if not plans:
        raise InputError(f"no perturbation is named; needed: {OPTION} NAME: {'; '.join(PERTURBATIONS.descriptions())}")
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise InputError(f"{OPTION} {twice[0]} is stated {labels.count(twice[0])} times; needed: once")
    return tuple(plans)
