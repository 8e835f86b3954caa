"""Arguments of the workflows that Python calls: their types, and the paths among them, checked before any work.

The command line gives texts and numbers of the right type; a script need not. A wrong type is a TypeError, a value that
cannot be used an InputError; both name the parameter.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import UnionType
from typing import ParamSpec, TypeVar

from overthink.data import parameters
from overthink.errors import InputError
from overthink.paths import path_status

Check = Callable[[object, str], object]
"""A check of a value, with the name of its parameter."""

P = ParamSpec("P")
R = TypeVar("R")

LARGEST_SEED = 2**63 - 1
"""Largest seed that the documents of a study hold."""


def checked(**checks: Check) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that checks arguments by name before a function runs; defaults are not checked.

    Example:
        >>> @checked(path=a_path)
        ... def read(path): ...
        >>> read(3)
        Traceback (most recent call last):
        TypeError: path is 3, a int; needed: str | pathlib.Path
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name, value in signature.bind(*args, **kwargs).arguments.items():
                if name in checks:
                    checks[name](value, name)
            return function(*args, **kwargs)

        return call

    return decorate


def a(kind: type | UnionType) -> Check:
    """Return the check that a value is of a type."""
    return lambda value, name: parameters.instance(value, name, kind)


def a_path(value: object, name: str) -> None:
    """Check that a value is a path that the system can look up, whether or not it is there.

    Raises:
        TypeError: It is no path.
        InputError: It is empty, or no path of this system.
    """
    path = parameters.instance(value, name, str | Path)
    if not str(path):
        raise InputError(f"{name} is empty; needed: a path, such as . for this folder")
    try:
        path_status(Path(path))
    except InputError as failure:
        raise InputError(f"{name}: {failure}") from failure


def a_path_or_none(value: object, name: str) -> None:
    """Check a path that may be left out."""
    if value is not None:
        a_path(value, name)


def a_session(value: object, name: str) -> None:
    """Check that a value is a session; what collects is loaded only where there is one."""
    if type(value).__name__ != "Session":
        raise TypeError(
            f"{name} is {parameters.number_words(value)}, a {type(value).__name__}; needed: what prepare(plan) returns"
        )


def paths(value: object, name: str) -> None:
    """Check a list of paths.

    Raises:
        TypeError: It is one path, or no list.
        InputError: There is none, or one is no path of this system.
    """
    several = parameters.instance(value, name, list | tuple)
    if not several:
        raise InputError(f"{name} is empty; needed: one path or more")
    for path in several:
        a_path(path, name)


def whole(least: int, most: int = parameters.MOST) -> Check:
    """Return the check of a whole number within bounds; its ValueError is an InputError."""

    def check(value: object, name: str) -> None:
        if isinstance(value, float):
            raise TypeError(f"{name} is {value}, a float; needed: a whole number")
        _as_input(lambda: parameters.whole(value, name, least=least, most=most))

    return check


def number_or_none(value: object, name: str) -> None:
    """Check a finite number that may be left out; its ValueError is an InputError."""
    if value is not None:
        _as_input(lambda: parameters.real(value, name))


def seed_or_none(value: object, name: str) -> None:
    """Check a seed that may be left out; one beyond 64 bits could not be stored."""
    if value is not None:
        whole(0, LARGEST_SEED)(value, name)


def texts(value: object, name: str) -> None:
    """Check a list of texts."""
    parameters.texts(value, name)


def texts_or_none(value: object, name: str) -> None:
    """Check a list of texts that may be left out."""
    if value is not None:
        parameters.texts(value, name)


def _as_input(check: Callable[[], object]) -> None:
    try:
        check()
    except ValueError as failure:
        raise InputError(str(failure)) from failure
