"""A component as text: `NAME:key=value,key=value`, or `FILE.py@NAME:key=value`."""

from collections.abc import Mapping
from typing import TypeVar

from overthink.components.base import Component, SettingValue, build, resolve_settings
from overthink.components.registry import Registry, file_reference, split_settings
from overthink.errors import InputError
from overthink.plan.arms import read_arms

C = TypeVar("C", bound=Component)


def read_component(text: str, registry: Registry[C], *, model: str | None, option: str) -> C:
    """Return the component of a text with all its settings. Semicolons may replace the commas.

    Args:
        text: The component's name, with settings behind a colon.
        registry: Components of its kind.
        model: The model under test; the simulated one has defaults of its own.
        option: Command-line option that names it, for messages.

    Raises:
        InputError: The component or a setting is unknown, a setting is missing, or a value is not possible.
    """
    name, values = name_and_settings(text, option=option, role=registry.role)
    part = registry.look_up(name)
    return complete_component(part, values, model=model, option=option)


def name_and_settings(text: str, *, option: str, role: str) -> tuple[str, dict[str, SettingValue]]:
    """Return the name of one component and its stated settings.

    Raises:
        InputError: The text cannot be read, or names several components.
    """
    name, _ = split_settings(text)
    reference = file_reference(name)
    file = "" if reference is None else name.removesuffix(reference.key)  # a path is no part of the grammar
    try:
        arms = read_arms(text.removeprefix(file).replace(";", ","))
    except InputError as fault:
        raise InputError(str(fault).replace("--arms", option)) from fault
    if len(arms) != 1 or len(arms[0].parts) != 1:
        raise InputError(f"{option} {text} names {len(arms)} {role}s; needed: one, as NAME:key=value,key=value")
    return file + arms[0].parts[0], dict(arms[0].settings)


def complete_component(
    part: type[C],
    values: Mapping[str, SettingValue],
    *,
    model: str | None,
    option: str,
    others: tuple[str, ...] = (),
) -> C:
    """Return a component with its stated settings and the defaults of the others.

    Args:
        part: The component.
        values: Stated settings.
        model: The model under test.
        option: Command-line option that names it, for messages.
        others: Settings of the option that are not the component's own, for messages.

    Raises:
        InputError: A setting is unknown or missing, or a value is not possible.
    """
    strange = sorted(values.keys() - part.model_fields.keys())
    if strange:
        names = ", ".join((*part.model_fields, *others)) or "none"
        raise InputError(f"{option} {part.key} has no setting {strange[0]!r}; it has: {names}")
    complete, missing = resolve_settings(
        part, values, simulated=model == "overthink/simulated", owner=part.key, option=option
    )
    if missing:
        raise InputError(f"{option} {part.key} needs decisions that nobody can make for you: {'; '.join(missing)}")
    return build(part, complete, option=option)
