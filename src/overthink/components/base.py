"""A component: one declared class whose typed fields are its settings.

    @component("primer")
    class Primer(Intervention):
        "A line about safety at the beginning of the thinking."
        text: str = Field("Let's think about safety first", description="the line (SAFEPATH's)")

The docstring's first paragraph describes it in messages, and the description of each field says what it sets, with its
unit. A field without a default is a decision that nobody can make for the user.

Settings of a component: values from the command line, checked against the fields of its class.
"""

import functools
import inspect
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo

from overthink.errors import InputError

SettingValue = str | int | float | bool
"""Value of a setting on the command line and in a plan."""

KEY = re.compile(r"[a-z0-9][a-z0-9._-]*")
"""Name of a component."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """Marks a field's value with ``overthink/simulated``: ``m: Annotated[int, Simulated(3)]``."""

    value: SettingValue


@dataclass(frozen=True, slots=True)
class SameAs:
    """Marks a field whose value, if left out, is that of an earlier one: ``first: Annotated[int, SameAs("width")]``."""

    field: str


class Component(BaseModel):
    """Base of all components.

    Attributes:
        role: What kind of component it is, in words.
        key: Its name on the command line; set by :func:`component`.
        summary: What it does, in a line; set by :func:`component`.
        statements: Properties and methods by which it describes itself before it works, each with what it must give
            and a check. What raises or does not fit is bad input, wherever it is read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    role: ClassVar[str] = "component"
    key: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    statements: ClassVar[Mapping[str, "Statement"]] = {}

    @model_validator(mode="before")
    @classmethod
    def _copies(cls, values: Any) -> Any:
        """Fill in the fields that are like another one."""
        marks = {name: mark for name, field in cls.model_fields.items() for mark in field.metadata}
        like = {name: mark.field for name, mark in marks.items() if isinstance(mark, SameAs)}
        return {name: values[same] for name, same in like.items() if same in values} | values


class Statement(NamedTuple):
    """What a property or method of a component must give, in words and as a check."""

    needed: str
    fits: Callable[[Any], bool]


def is_texts(value: Any) -> bool:
    """Return whether a value is a tuple or list of texts."""
    return isinstance(value, tuple | list) and all(isinstance(text, str) for text in value)


C = TypeVar("C", bound=Component)

declared: list[type[Component]] = []
"""All declared classes in order, from which a file's own are taken."""


def component(key: str) -> Callable[[type[C]], type[C]]:
    """Return a decorator that declares a class as a component.

    Args:
        key: Its name: lower-case letters, digits, and ``.``, ``_`` or ``-`` between them.

    Raises:
        InputError: The name is not one, or the class is no component, has no description, or lacks a method.

    Example:
        >>> @component("double")
        ... class Double(Component):
        ...     '''A number times two.'''
        >>> Double.key, Double.summary
        ('double', 'a number times two')
    """
    if not KEY.fullmatch(key):
        raise InputError(f"a component cannot be called {key!r}; needed: lower-case letters, digits, and . _ -")

    def declare(cls: type[C]) -> type[C]:
        if not (isinstance(cls, type) and issubclass(cls, Component)):
            raise InputError(f"component {key}: {cls!r} is no component; needed: a class such as Primer(Intervention)")
        lacking = sorted(cls.__abstractmethods__)
        if lacking:
            raise InputError(f"component {key}: {cls.__name__} has no method {lacking[0]}; {cls.role}s need it")
        if not cls.__dict__.get("__doc__"):
            raise InputError(f"component {key}: {cls.__name__} has no docstring, which describes it in messages")
        cls.key, cls.summary = key, _summary(inspect.getdoc(cls) or "")
        _check_statements(cls)
        declared.append(cls)
        return cls

    return declare


def _check_statements(cls: type[Component]) -> None:
    """Put the check of each statement around the property or method that makes it."""
    for name, statement in cls.statements.items():
        own = inspect.getattr_static(cls, name)
        if isinstance(own, property) and own.fget is not None:
            setattr(cls, name, property(_checked(own.fget, name, statement)))
        elif inspect.isfunction(own):
            setattr(cls, name, _checked(own, name, statement))
        elif not statement.fits(own):
            raise InputError(f"{cls.role} {cls.key}: {name} is {own!r}; needed: {statement.needed}")


def _checked(method: Callable[..., Any], name: str, statement: Statement) -> Callable[..., Any]:
    @functools.wraps(method)
    def checked(self: Component, *values: Any, **more: Any) -> Any:
        try:
            stated = method(self, *values, **more)
        except InputError:
            raise
        except (Exception, SystemExit) as fault:
            raise InputError(
                f"{self.role} {self.key}: {name} raised {failure_text(fault)}; needed: {statement.needed}"
            ) from fault
        if not statement.fits(stated):
            raise InputError(f"{self.role} {self.key}: {name} is {stated!r}; needed: {statement.needed}")
        return stated

    return checked


def failure_text(failure: BaseException) -> str:
    """Return the type, the message and the place of an exception that a component's method raised."""
    where = traceback.extract_tb(failure.__traceback__)[-1]
    try:
        message = str(failure)
    except Exception:  # noqa: BLE001 - an exception of a component's own, whose text raises
        message = "without a message"
    return f"{type(failure).__name__}: {message} ({where.filename}, line {where.lineno})"


def _summary(text: str) -> str:
    """Return the first paragraph as a part of a sentence."""
    line = " ".join(text.partition("\n\n")[0].split()).rstrip(".")
    first_word = line.partition(" ")[0]
    return line if first_word[1:] != first_word[1:].lower() else line[:1].lower() + line[1:]


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
