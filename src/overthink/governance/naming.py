"""Look-up of names from user input, with suggestions for unknown ones."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from overthink.errors import InputError

EntryT = TypeVar("EntryT")


def look_up(name: str, entries: Mapping[str, EntryT], *, what: str) -> EntryT:
    """Return the entry with a name, ignoring case.

    Raises:
        InputError: The name is unknown; the nearest names are suggested.

    Example:
        >>> look_up("h100", {"H100": 80}, what="chip")
        80
    """
    by_casefold = {key.casefold(): value for key, value in entries.items()}
    if name.casefold() in by_casefold:
        return by_casefold[name.casefold()]
    near = difflib.get_close_matches(name.casefold(), by_casefold, n=3, cutoff=0.4)
    names = [key for key in entries if key.casefold() in near]
    hint = f"nearest: {', '.join(names)}" if names else f"known: {', '.join(entries)}"
    raise InputError(f"unknown {what} {name!r}; {hint}")
