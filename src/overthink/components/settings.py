"""Settings of a component: values from the command line, checked against the fields of its class."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from overthink.components.base import Component, SameAs, SettingValue, Simulated
from overthink.errors import InputError

C = TypeVar("C", bound=Component)

_KINDS: Mapping[Any, str] = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def resolve_settings(
    part: type[Component],
    values: Mapping[str, SettingValue],
    *,
    simulated: bool,
    owner: str,
    option: str = "--arms",
) -> tuple[dict[str, SettingValue], list[str]]:
    """Return the value of every setting: the stated one, else the simulated model's, else the default.

    Args:
        part: The component.
        values: Stated values; names that are no settings of it are ignored.
        simulated: The model under test is the simulated one, which has defaults of its own.
        owner: Name of what has the settings, for messages.
        option: Command-line option that set them, for messages.

    Returns:
        The checked values, and the missing settings with their descriptions.

    Raises:
        InputError: A value is not possible.

    Example:
        >>> from pydantic import Field
        >>> class Beam(Component):
        ...     width: int = Field(description="paths")
        ...     first: Annotated[int, SameAs("width")] = Field(description="first steps")
        >>> resolve_settings(Beam, {"width": 4}, simulated=False, owner="beam")
        ({'width': 4, 'first': 4}, [])
        >>> resolve_settings(Beam, {}, simulated=False, owner="beam")
        ({}, ['width (paths)'])
    """
    complete: dict[str, SettingValue] = {}
    missing: list[str] = []
    for name, field in part.model_fields.items():
        same_as = next((mark.field for mark in field.metadata if isinstance(mark, SameAs)), None)
        fallback = complete.get(same_as) if same_as else None if field.is_required() else field.get_default()
        by_simulated = next((mark.value for mark in field.metadata if isinstance(mark, Simulated)), None)
        value = values.get(name, by_simulated if simulated and by_simulated is not None else fallback)
        if value is not None:
            complete[name] = checked_setting(name, field, value, owner=owner, option=option)
        elif same_as is None:  # else what it is like is missing
            missing.append(f"{name} ({field.description or 'no description'})")
    return complete, missing


def build(part: type[C], values: Mapping[str, Any], *, option: str = "--arms") -> C:
    """Return a component of these values.

    Raises:
        InputError: A field is missing or wrong, or the class refuses them together.
    """
    try:
        return part.model_validate(dict(values))
    except ValidationError as fault:
        faults = [
            f"{'.'.join(map(str, error['loc'])) or part.__name__}: {error['msg'].removeprefix('Value error, ')}"
            for error in fault.errors()
        ]
        raise InputError(f"{option} {part.key}: {'; '.join(faults)}") from fault


def checked_setting(
    name: str, field: FieldInfo, value: SettingValue, *, owner: str, option: str = "--arms"
) -> SettingValue:
    """Return a value as the type of its field; a text field takes numbers as their text.

    Raises:
        InputError: The value has another type, is out of range, or is not one of the choices; or the field's type
            cannot be a setting.
    """
    kind = field.annotation
    if kind not in _KINDS and get_origin(kind) is not Literal:
        raise InputError(
            f"{option} {owner}: the field {name} is {kind}, which no text can set; needed: int, float, str, bool, or a "
            "Literal of words"
        )
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    checks: Any = Annotated[(kind, *_bounds(field))] if list(_bounds(field)) else kind
    try:
        checked: SettingValue = TypeAdapter(checks, config=_STRICT).validate_python(value)
    except ValidationError as fault:
        raise InputError(
            f"{option} {owner}: {name}={value} is not possible ({field.description or 'no description'}); needed: "
            f"{_requirement(field)}"
        ) from fault
    return checked


def _bounds(field: FieldInfo) -> Iterator[Any]:
    return (mark for mark in field.metadata if not isinstance(mark, SameAs | Simulated))


def _requirement(field: FieldInfo) -> str:
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    text = " or ".join(map(str, choices)) if choices else _KINDS[field.annotation]
    for mark in field.metadata:
        match mark:
            case Ge(ge=least):
                text += f", at least {least:g}"
            case Gt(gt=least):
                text += f", more than {least:g}"
            case Le(le=most):
                text += f", at most {most:g}"
            case Lt(lt=most):
                text += f", less than {most:g}"
    return text
