r"""Untrusted names made safe to display: invisible characters are escaped, long names are cut.

HTML escaping is done by the template and ``textContent``. A name with a right-to-left override reads as another name,
and a name of a megabyte hides the page.
"""

import hashlib
import unicodedata

NAME_LIMIT = 72
ID_LIMIT = 400
PROSE_LIMIT = 1200

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Letters and marks by category, yet drawn as nothing: fillers, the braille blank, the grapheme joiner.
_BLANK = {"\u115f", "\u1160", "\u2800", "\u3164", "\uffa0", "\u034f"}


def visible(text: str, limit: int = NAME_LIMIT) -> str:
    r"""Return the text with invisible characters escaped, at most about ``limit`` characters.

    A cut name ends in its length and part of its hash, so that long names stay distinct.

    >>> visible("safe\u202egnp.exe")
    'safe\\u202egnp.exe'
    >>> visible("a" * 1000, limit=5)
    'aaaaa… (1000 characters, sha256 41edece42d)'
    """
    head = "".join(_escape(character) for character in text[:limit])
    if len(text) <= limit:
        return head
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{head}… ({len(text)} characters, sha256 {digest})"


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _INVISIBLE and character not in _BLANK:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
