"""Names in the order of their likeness to another one: what an error says that an unknown name may have meant."""

from collections.abc import Iterable
from difflib import SequenceMatcher

_LETTERS = 80
"""Letters of a name that are compared; the time grows with their product."""


def nearest_first(name: str, names: Iterable[str]) -> list[str]:
    """Return names, those most like another one first, ties in their order.

    Args:
        name: A name that is unknown.
        names: Known names.

    Example:
        >>> nearest_first("shapes", ["value", "gate", "shape"])
        ['shape', 'gate', 'value']
    """
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name[:_LETTERS].casefold())

    def likeness(known: str) -> float:
        matcher.set_seq1(known[:_LETTERS].casefold())
        return matcher.ratio()

    return sorted(names, key=likeness, reverse=True)
