"""Names and texts from outside: invisible characters are escaped, long names cut, and the likest to one come first.

The only function for it. Whoever prints, draws or exports a path, a task, a model, an arm, a question or an error of
others passes it through :func:`visible`. A control character moves the cursor or clears the screen of a terminal, a
right-to-left override makes a name read as another, and a name of a megabyte hides the page. Markup is no concern of
this file: HTML is escaped by the template and ``textContent``, and the terminal interprets none.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

NAME_LIMIT = 72
ID_LIMIT = 400
PROSE_LIMIT = 1200

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Letters and marks by category, yet drawn as nothing: fillers, the braille blank, the grapheme joiner.
_BLANK = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0", "\u034f"}


def visible(text: str, limit: int | None = NAME_LIMIT) -> str:
    r"""Return the text with invisible characters escaped, at most about ``limit`` characters, in one line.

    A cut name ends in its length and part of its hash, so that long names stay distinct.

    Args:
        text: A name, a path, or a sentence with one in it.
        limit: Characters shown; None for all.

    >>> visible("safe\u202egnp.exe"), visible("a\nb")
    ('safe\\u202egnp.exe', 'a\\u000ab')
    >>> visible("a" * 1000, limit=5)
    'aaaaa… (1000 characters, sha256 41edece42d)'
    """
    shown = text[:limit]
    head = shown if shown.isprintable() and _BLANK.isdisjoint(shown) else "".join(map(_escape, shown))
    if limit is None or len(text) <= limit:
        return head
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{head}… ({len(text)} characters, sha256 {digest})"


def visible_lines(text: str) -> str:
    r"""Return a text of our own with invisible characters escaped; its newlines stay.

    >>> visible_lines("one\ntwo\x1b[2J")
    'one\ntwo\\u001b[2J'
    """
    return "\n".join(visible(line, None) for line in text.split("\n"))


def name_list(names: Sequence[str], most: int, *, separator: str = ", ") -> str:
    """Return names as a list in a sentence: the first ones, and how many more there are.

    >>> name_list(["a", "b", "c"], 2), name_list(["a", "b"], 2)
    ('a, b and 1 more', 'a, b')
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{separator.join(names[:most])}{more}"


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _INVISIBLE and character not in _BLANK:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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
