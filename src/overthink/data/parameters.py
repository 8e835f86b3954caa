"""Parameters of public functions: one number, an array of numbers, or an object, checked before anything is computed.

A parameter of the wrong type is a TypeError, one outside its range a ValueError; both name it. A bool is no number,
though Python counts with it; in an array of values it stands for 0 and 1.
"""

import difflib
import math
import numbers
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import UnionType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.errors import InputError

MOST = 2**53
"""Largest whole number below which a double tells all whole numbers apart."""

MOST_VALUES = 2**28
"""Most values of an array: those of a view or a range may be far more than any memory holds."""


@contextmanager
def input_errors() -> Iterator[None]:
    """Let a ValueError about a parameter be an InputError: for functions on studies, statements and compute.

    Example:
        >>> with input_errors():
        ...     real(float("nan"), "k")
        Traceback (most recent call last):
        overthink.errors.InputError: k is nan; needed: a finite number
    """
    try:
        yield
    except ValueError as failure:
        raise InputError(str(failure)) from failure


def real(value: object, name: str) -> float:
    """Return a finite number as a double.

    Raises:
        TypeError: It is no number.
        ValueError: It is NaN, infinite or beyond a double.

    Example:
        >>> real(3, "level")
        3.0
        >>> real(True, "level")
        Traceback (most recent call last):
        TypeError: level is True, a bool; needed: a number
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {_shown(value)}; needed: a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except Exception as failure:  # a duration of NumPy counts as a whole number, and an object may raise anything
        raise TypeError(f"{name} is {_shown(value)}; needed: a number") from failure
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number_words(value)}; needed: a finite number")
    return number


def score_value(value: object) -> float | None:
    """Return the score of a component as a double; None if it is no real number. A truth value is 0 or 1.

    Example:
        >>> score_value(np.float32(0.5)), score_value(np.True_), score_value("0.5"), score_value(1j)
        (0.5, 1.0, None, None)
    """
    if not isinstance(value, numbers.Real | np.bool_):
        return None
    try:
        return float(value)
    except Exception:  # noqa: BLE001 - beyond a double, or an object of somebody else
        return None


def whole(value: object, name: str, *, least: int = 0, most: int = MOST) -> int:
    """Return a whole number within bounds.

    Raises:
        TypeError: It is no number.
        ValueError: It is not whole, or outside the bounds.

    Example:
        >>> whole(2.0, "batch", least=1)
        2
    """
    number = real(value, name)
    if number != int(number) or not least <= number <= most:
        raise ValueError(f"{name} is {number_words(value)}; needed: a whole number from {least:,} to {most:,}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def real_array(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return numbers as an array of doubles of its own; NaN stands for an unknown one, and so for a masked one.

    Raises:
        TypeError: They are texts, objects or complex numbers.
        ValueError: They do not form an array, or are more than :data:`MOST_VALUES`.
    """
    size = values.size if isinstance(values, np.ndarray) else len(values) if isinstance(values, range) else 0
    if size > MOST_VALUES:
        raise ValueError(f"{name} has {size:,} values; at most {MOST_VALUES:,} are read")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError) as failure:
        raise ValueError(f"{name} is {_shown(values)}, rows of different lengths; needed: an array") from failure
    except Exception as failure:  # an object of somebody else
        raise TypeError(f"{name} is {_shown(values)}, which gives no array; needed: numbers") from failure
    if array.dtype == object and array.size and all(isinstance(x, numbers.Real) for x in array.ravel()[:_LOOK]):
        raise ValueError(f"{name} holds {number_words(array.ravel()[0])}; needed: numbers of at most 64 bits")
    if array.dtype.kind not in "biuf" and array.size:
        raise TypeError(f"{name} is {_shown(values)}; needed: numbers")
    numbers_only = np.array(array, dtype=np.float64)
    if isinstance(values, np.ma.MaskedArray):
        numbers_only[np.ma.getmaskarray(values)] = np.nan
    return numbers_only


_LOOK = 1000
"""Objects looked at to say what is wrong with them."""


def instance(value: object, name: str, kind: type | UnionType) -> Any:
    """Return an object of a type.

    Raises:
        TypeError: It is of another type.

    Example:
        >>> instance("study", "path", str)
        'study'
    """
    if not isinstance(value, kind):
        needed = str(kind) if isinstance(kind, UnionType) else kind.__name__
        raise TypeError(f"{name} is {_shown(value)}; needed: {needed}")
    return value


def generator(rng: object) -> np.random.Generator:
    """Return the source of randomness.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {_shown(rng)}; needed: a generator, such as numpy.random.default_rng(1)")
    return rng


def texts(values: object, name: str) -> tuple[str, ...]:
    """Return a sequence of texts; a text is none of its letters.

    Raises:
        TypeError: It is one text, no sequence, or holds something else.

    Example:
        >>> texts(["a", "b"], "formats")
        ('a', 'b')
    """
    is_sequence = isinstance(values, list | tuple | set | frozenset)
    if not is_sequence or not all(isinstance(value, str) for value in values):  # type: ignore[attr-defined]
        raise TypeError(f"{name} is {_shown(values)}; needed: a list of texts")
    return tuple(values)  # type: ignore[arg-type]


def refuse_unknown(words: Iterable[str], parameters: Iterable[str], function: str) -> None:
    """Raise an error for a keyword argument that a function does not take.

    Args:
        words: Names of the arguments.
        parameters: Names that it takes.
        function: Its name.

    Raises:
        TypeError: There is one; the nearest names are suggested.

    Example:
        >>> refuse_unknown(["safty"], ["safety", "seed"], "analyse")
        Traceback (most recent call last):
        TypeError: analyse() takes no 'safty'; nearest: safety
    """
    names = list(parameters)
    for word in words:
        if word not in names:
            near = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
            hint = f"nearest: {', '.join(near)}" if near else f"needed: one of {', '.join(names)}"
            raise TypeError(f"{function}() takes no {word[:40]!r}; {hint}")


def number_words(value: object) -> str:
    """Return a number for a message, cut to 40 characters; one that cannot be written out is described.

    Example:
        >>> number_words(2.5), number_words(10**5000)
        ('2.5', 'a number that is too long to print')
    """
    try:
        return str(value)[:40]
    except Exception:  # noqa: BLE001 - more digits than Python prints, or an object of somebody else
        return "a number that is too long to print"


def _shown(value: object) -> str:
    """Return a value and its type in a few words; the words of a large array are cut, and an object may have none."""
    try:
        text = repr(value) if not isinstance(value, np.ndarray) else f"an array of {value.dtype}"
    except Exception:  # noqa: BLE001 - an object of somebody else
        text = "an object"
    kind = type(value).__name__
    return text[:40] if value is None or isinstance(value, np.ndarray) else f"{text[:40]}, a {kind}"
