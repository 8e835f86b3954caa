r"""Texts from outside as they stand in a statement and its exports: names, and the evaluator's own words.

One rule for both: printable ASCII, accented Latin letters, kana, hangul and CJK ideographs pass, in composed form.
Everything else is shown as ``\u{…}``: control, bidi and zero-width characters, letters of scripts that look like Latin
(Greek, Cyrillic, fullwidth, mathematical), marks that were left over, and what would end a quotation or open a tag.
The escape is exact: two different texts never look alike.
"""

import hashlib
import re
import unicodedata

NAME_LENGTH = 80
"""Characters of a name that are shown."""

TEXT_LENGTH = 2000
"""Characters of the evaluator's own words that are shown."""

OWN_WORDS = "own words, not checked"
"""Label of every text that nothing checks."""

_LETTERS = frozenset("ßæœøđłþðÆŒØĐŁÞÐ")
"""Latin letters that are no accented ASCII letter, and look like no other."""

_READABLE = ((0x3041, 0x3096), (0x30A1, 0x30FA), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3))
"""Ranges of kana, CJK ideographs and hangul syllables."""

_ENDS = frozenset("`<>")
_ACTIVE = frozenset('`<>[]*|#!~$&"\\{}^')


def quote(name: str) -> str:
    r"""Return a name between backticks, with nothing in it that could end them, hide or act.

    Example:
        >>> quote("a`b" + chr(10) + "c"), quote("мodel é 模型")
        ('`a\\u{60}b\\u{a}c`', '`\\u{43c}odel é 模型`')
    """
    return f"`{_shown(name, NAME_LENGTH, _ENDS)}`"


def plain(name: str, length: int = NAME_LENGTH) -> str:
    r"""Return a name for a field of an export that holds nothing else: no character acts in Markdown or HTML.

    Example:
        >>> plain("org/model-1.5"), plain("[a](b)")
        ('org/model-1.5', '\\u{5b}a\\u{5d}(b)')
    """
    return _shown(name, length, _ACTIVE)


def own_words(text: str) -> str:
    r"""Return a text of the evaluator, labelled and quoted.

    Example:
        >>> own_words("It is\n safe.")
        'own words, not checked: `It is safe.`'
    """
    return f"{OWN_WORDS}: `{_shown(' '.join(text.split()), TEXT_LENGTH, _ENDS)}`"


def _shown(text: str, length: int, escaped: frozenset[str]) -> str:
    composed = unicodedata.normalize("NFC", text)
    ambiguous = re.compile(r"\\(?=u\{)")
    head = "".join(
        _escape(c) if c in escaped or not is_readable(c) or ambiguous.match(composed, i) else c
        for i, c in enumerate(composed[:length])
    )
    if len(composed) > length:
        digest = hashlib.sha256(composed.encode("utf-8", "surrogatepass")).hexdigest()[:10]
        head += f"... ({len(composed)} characters, sha256 {digest})"
    return head if head.strip() else "unnamed"


def is_readable(character: str) -> bool:
    """Return whether a character is shown as it is.

    >>> [is_readable(c) for c in ("a", "é", "模", chr(0x202E), "а", "ａ", chr(0x301))]
    [True, True, True, False, False, False, False]
    """
    code = ord(character)
    if code < 0x80:
        return 0x20 <= code < 0x7F
    if code < 0x250 or 0x1E00 <= code < 0x1F00:
        base = unicodedata.normalize("NFD", character)[0]
        is_accented = base.isascii() and base.isalpha() and unicodedata.category(character)[0] == "L"
        return character in _LETTERS or is_accented
    return any(first <= code <= last for first, last in _READABLE)


def _escape(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"
