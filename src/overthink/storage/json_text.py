"""JSON as study files hold it, read strictly: what two readers could take for two things is refused.

RFC 8259 leaves open what duplicate names, lone surrogates and numbers without bound mean, and Python's reader accepts
more than JSON. Study files come from other machines, so all of these are refused, with the field that holds them.
"""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from overthink.errors import InputError

_MAX_FAULTS = 20
_MAX_DEPTH = 64
"""Objects and lists within each other; no document of a study has a fifth of it."""
_WHOLE_NUMBERS = range(-(2**63), 2**63)
_LONGEST = 30
"""Characters of a whole number that is converted; more are beyond all numbers, and their conversion takes its time."""

_T = TypeVar("_T")


def json_value(content: bytes, name: str) -> Any:
    """Return the value of a JSON text.

    Args:
        content: The text, in UTF-8 without a byte order mark.
        name: Name of the text in messages: its file, and where it has several, the line.

    Raises:
        InputError: It is not JSON in UTF-8, names a field twice, holds NaN, an infinity, a whole number beyond 64 bits
            or half a surrogate pair, or is nested too deep.

    Example:
        >>> json_value(b'{"draws": 4}', "plan.json")
        {'draws': 4}
        >>> json_value(b'{"draws": 4, "draws": 5}', "plan.json")
        Traceback (most recent call last):
        overthink.errors.InputError: plan.json: field 'draws' is there twice; needed: once
    """
    try:
        value = _loads(content.decode())
    except _TwiceError as failure:
        raise InputError(f"{name}: field {failure} is there twice; needed: once") from failure
    except RecursionError as failure:
        raise InputError(f"{name}: {_deep_field(content.decode())} {_TOO_DEEP}") from failure
    except ValueError as failure:  # of which that of UTF-8 is one
        raise InputError(f"{name} is not JSON in UTF-8: {str(failure)[:200]}; needed: the file as written") from failure
    fault = _odd(value, 0)
    if fault is not None:
        path, problem = fault
        raise InputError(f"{name}: {'.'.join(reversed(path)) or 'the whole'} {problem}")
    return value


def typed_value(adapter: TypeAdapter[_T], content: bytes | str, problem: str) -> _T:
    """Return a JSON text as a value of a type: nothing is converted, and every field is one of the type's.

    Args:
        adapter: Adapter of the type.
        content: A text that :func:`json_value` accepts.
        problem: First line of the message: the file, and what it is not.

    Raises:
        InputError: A field is missing, unknown, of another type or outside its range.
    """
    with listed_faults(problem):
        return adapter.validate_json(content, strict=True, extra="forbid")


@contextmanager
def listed_faults(problem: str) -> Iterator[None]:
    """Turn a failed validation into one error with every fault: the location of the field, the error and the value.

    Args:
        problem: First line of the message: the file, and what it is not.

    Raises:
        InputError: A field is missing, unknown or of the wrong type.
    """
    try:
        yield
    except ValidationError as failure:
        raise InputError(f"{problem}:", *_all_faults(failure)) from failure


def _all_faults(failure: ValidationError) -> list[str]:
    faults = failure.errors(include_url=False)
    lines = []
    for fault in faults[:_MAX_FAULTS]:
        location = ".".join(map(str, fault["loc"])) or "the whole"
        lines.append(f"  {location}: {fault['msg']}; seen: {str(fault.get('input'))[:80]!r}")
    if len(faults) > _MAX_FAULTS:
        lines.append(f"  and {len(faults) - _MAX_FAULTS} more")
    return lines


class _TwiceError(Exception):
    """A name is twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _TwiceError(ascii(twice)[:80])
    return fields


def _loads(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except ValueError:  # numbers that are too long to be converted are converted by hand, which is slower
        return json.loads(text, object_pairs_hook=_once, parse_int=_whole_number)


def _whole_number(text: str) -> int | float:
    return int(text) if len(text) <= _LONGEST else math.copysign(math.inf, -1 if text[0] == "-" else 1)


_TOO_DEEP = f"holds objects or lists that lie more than {_MAX_DEPTH} deep in each other; needed: the file as written"
_SHOWN_DEPTH = 8
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)


def _deep_field(text: str) -> str:
    """Return the path of the first value that is nested too deep, for which the reader gives up without a name."""
    path, last = list[str](), ""
    for mark in map(re.Match.group, _TOKEN.finditer(text)):
        if mark in "[{":
            path.append("0" if mark == "[" else "")
        elif mark in "]}":
            path = path[:-1]
        elif mark == "," and path and path[-1].isdecimal():
            path[-1] = str(int(path[-1]) + 1)
        elif mark == ":" and path:
            path[-1] = last
        elif mark[0] == '"':
            last = mark[1:-1][:80]
        if len(path) > _MAX_DEPTH:
            break
    while path and path[-1] in ("", "0"):
        path.pop()
    return ".".join((*path[:_SHOWN_DEPTH], *(["…"] if len(path) > _SHOWN_DEPTH else []))) or "the whole"


def _odd(value: Any, depth: int) -> tuple[list[str], str] | None:
    """Return the path of a value that a study file cannot hold, innermost name first, and what is wrong with it."""
    if isinstance(value, str):
        return ([], "holds half a surrogate pair, which is no text; needed: Unicode text") if _is_torn(value) else None
    if isinstance(value, float):
        return None if math.isfinite(value) else ([], f"is {value}, or beyond 1e308; needed: a finite number, or null")
    if isinstance(value, int):
        return None if value in _WHOLE_NUMBERS else ([], f"is {str(value)[:30]}, beyond 64 bits; needed: a number")
    if not isinstance(value, dict | list):
        return None
    if depth == _MAX_DEPTH:
        return [], _TOO_DEEP
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(name, str) and _is_torn(name):
            return [ascii(name)[:80]], "is a name with half a surrogate pair; needed: Unicode text"
        kind = inner.__class__
        if (
            inner is None
            or kind is bool
            or (kind is str and inner.isascii())
            or (kind is float and math.isfinite(inner))
        ):  # most of every document, without a call for each
            continue
        fault = _odd(inner, depth + 1)
        if fault is not None:
            fault[0].append(str(name)[:80])
            return fault
    return None


def _is_torn(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
