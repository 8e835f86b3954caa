"""A component: one declared class whose typed fields are its settings.

    @component("primer")
    class Primer(Intervention):
        "A line about safety at the beginning of the thinking."
        text: str = Field("Let's think about safety first", description="the line (SAFEPATH's)")

The docstring's first paragraph describes it in messages, and the description of each field says what it sets, with its
unit. A field without a default is a decision that nobody can make for the user.
"""

import inspect
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

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
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    role: ClassVar[str] = "component"
    key: ClassVar[str] = ""
    summary: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _copies(cls, values: Any) -> Any:
        """Fill in the fields that are like another one."""
        marks = {name: mark for name, field in cls.model_fields.items() for mark in field.metadata}
        like = {name: mark.field for name, mark in marks.items() if isinstance(mark, SameAs)}
        return {name: values[same] for name, same in like.items() if same in values} | values


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
        declared.append(cls)
        return cls

    return declare


def failure_text(failure: BaseException) -> str:
    """Return the type, the message and the place of an exception that a component's method raised."""
    where = traceback.extract_tb(failure.__traceback__)[-1]
    return f"{type(failure).__name__}: {failure} ({where.filename}, line {where.lineno})"


def _summary(text: str) -> str:
    """Return the first paragraph as a part of a sentence."""
    line = " ".join(text.partition("\n\n")[0].split()).rstrip(".")
    first_word = line.partition(" ")[0]
    return line if first_word[1:] != first_word[1:].lower() else line[:1].lower() + line[1:]
