"""Arguments of the workflows that Python calls: their types, and the paths among them, checked before any work.

The command line gives texts and numbers of the right type; a script need not. A wrong type is a TypeError, a value that
cannot be used an InputError; both name the parameter.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import UnionType
from typing import ParamSpec, TypeVar, get_args

from overthink.data import parameters
from overthink.errors import InputError
from overthink.paths import path_status
from overthink.plan.study import Plan

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
        own = accepted_words(signature)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if own is not None:
                parameters.refuse_unknown(kwargs, own, function.__name__)
            for name, value in signature.bind(*args, **kwargs).arguments.items():
                if name in checks:
                    checks[name](value, name)
            return function(*args, **kwargs)

        if own is not None:  # for `help` and the completion of notebooks, which do not look into words
            call.__signature__ = with_words(signature)  # type: ignore[attr-defined]
        return call

    return decorate


def with_words(signature: inspect.Signature) -> inspect.Signature:
    """Return a signature with each of its words as a parameter of its own.

    Args:
        signature: Signature whose last parameter is `**words: Unpack[...]`.
    """
    *own, last = signature.parameters.values()
    (words,) = get_args(last.annotation)
    each = (
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in words.__annotations__.items()
    )
    return signature.replace(parameters=[*own, *each])


def accepted_words(signature: inspect.Signature) -> tuple[str, ...] | None:
    """Return the names that a function takes by keyword, those of its words included; None if it takes no words.

    Args:
        signature: Its signature, whose last parameter may be `**words: Unpack[...]`.
    """
    last = next(reversed([*signature.parameters.values()]), None)
    if last is None or last.kind is not last.VAR_KEYWORD:
        return None
    words = next(iter(get_args(last.annotation)), None)
    if words is None:  # they are of any type, and the function checks them
        return None
    own = (
        name
        for name, each in signature.parameters.items()
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    )
    return (*own, *words.__annotations__)


def a(kind: type | UnionType) -> Check:
    """Return the check that a value is of a type."""
    return lambda value, name: parameters.instance(value, name, kind)


def a_path(value: object, name: str) -> None:
    """Check that a value is a path that the system can look up, whether or not it is there.

    Raises:
        TypeError: It is no path.
        InputError: It is empty, or no path of this system.
    """
    if type(value).__name__ == "Study":  # it imports this file
        raise TypeError(
            f"{name} is a study; needed: its folder, as str | pathlib.Path: study.folder.path, or what was out=... "
            "when it was written"
        )
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
    """Check that a value is a session or a plan; what collects is loaded only where there is one."""
    if not isinstance(value, Plan) and type(value).__name__ != "Session":
        kind = type(value).__name__
        raise TypeError(
            f"{name} is {parameters.number_words(value)}, a {kind}; needed: a plan, or what prepare(plan) returns"
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
        with parameters.input_errors():
            parameters.whole(value, name, least=least, most=most)

    return check


def whole_or_none(least: int) -> Check:
    """Return the check of a whole number that may be left out."""
    check = whole(least)
    return lambda value, name: None if value is None else check(value, name)


def number_or_none(value: object, name: str) -> None:
    """Check a finite number that may be left out; its ValueError is an InputError."""
    if value is not None:
        with parameters.input_errors():
            parameters.real(value, name)


def seed_or_none(value: object, name: str) -> None:
    """Check a seed that may be left out; one beyond 64 bits could not be stored."""
    if value is not None:
        whole(0, LARGEST_SEED)(value, name)


def word_of(*words: str) -> Check:
    """Return the check of a word of a closed list, which may be left out."""

    def check(value: object, name: str) -> None:
        if value is not None and parameters.instance(value, name, str) not in words:
            raise InputError(f"{name} is {value!r}; needed: one of {', '.join(words)}")

    return check


def texts(value: object, name: str) -> None:
    """Check a list of texts."""
    parameters.texts(value, name)


def text_or_texts(value: object, name: str) -> None:
    """Check a text, or a list of texts."""
    if not isinstance(value, str):
        parameters.texts(value, name)


def text_or_texts_or_none(value: object, name: str) -> None:
    """Check a text, or a list of texts, that may be left out."""
    if value is not None:
        text_or_texts(value, name)


def texts_or_none(value: object, name: str) -> None:
    """Check a list of texts that may be left out."""
    if value is not None:
        parameters.texts(value, name)
