"""A component: one declared class whose typed fields are its settings.

    @component("primer")
    class Primer(Intervention):
        "A line about safety at the beginning of the thinking."
        text: str = Field("Let's think about safety first", description="the line (SAFEPATH's)")

The docstring's first paragraph describes it in messages, and the description of each field says what it sets, with its
unit. A field without a default is a decision that nobody can make for the user.
"""

import functools
import inspect
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

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
