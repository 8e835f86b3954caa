"""Names that a user types: looked up, and where unknown, answered with the nearest ones."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from overthink.errors import InputError

Value = TypeVar("Value")


def one_of(name: str, known: Mapping[str, Value], *, what: str) -> Value:
    """The value of a name, whatever its capitals.

    Raises:
        InputError: The name is unknown; the nearest ones are suggested.

    Example:
        >>> one_of("h100", {"H100": 80}, what="chip")
        80
    """
    folded = {key.casefold(): value for key, value in known.items()}
    if name.casefold() in folded:
        return folded[name.casefold()]
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.4)
    names = [key for key in known if key.casefold() in near]
    hint = f"nearest: {', '.join(names)}" if names else f"known: {', '.join(known)}"
    raise InputError(f"unknown {what} {name!r}; {hint}")
