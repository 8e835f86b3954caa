r"""How numbers, names and texts from outside stand in the sentences of a statement and in its exports.

The rule of texts: printable ASCII, accented Latin letters, kana, hangul and CJK ideographs pass, in composed form.
Everything else is shown as ``\u{…}``: control, bidi and zero-width characters, letters of scripts that look like Latin
(Greek, Cyrillic, fullwidth, mathematical), marks that were left over, and what would end a quotation or open a tag.
The escape is exact: two different texts never look alike.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence

from overthink.data.conditions import READING
from overthink.data.number_text import fixed
from overthink.data.record import ON_TRACE
from overthink.governance.statement.curve_schema import Curve, Number, Point

NAME_LENGTH = 80
"""Characters of a name that are shown."""

TEXT_LENGTH = 2000
"""Characters of the evaluator's own words, and of a note, that are shown."""

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


def quoted_text(text: str) -> str:
    r"""Return a text that may hold names from outside between backticks, on one line.

    Example:
        >>> quoted_text("Not read:\n`a`.")
        '`Not read: \\u{60}a\\u{60}.`'
    """
    return f"`{_shown(' '.join(text.split()), TEXT_LENGTH, _ENDS)}`"


def reading_notes(conditions: Mapping[str, Sequence[str]] | None) -> list[str]:
    """Return the notes on how logs or tables were read, quoted, as they may hold names from outside; empty without any.

    Example:
        >>> reading_notes({"notes on reading": ("Not read: release.",)}), reading_notes(None)
        (['`Not read: release.`'], [])
    """
    return [quoted_text(note) for note in (conditions or {}).get(READING, ())]


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
    return f"{OWN_WORDS}: {quoted_text(text)}"


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


WHAT = {
    "capability": "were scored correct",
    "safety": "were scored safe",
    "benign": "were answered",
}
"""By axis: what is said of the answers that count."""

ESTIMAND_WORDS = {
    "sham": "forced where the model ends its thinking by itself",
    "natural": "the model's own",
    "truncated": "cut at the budget",
    "resampled": "at the end of runs of the rest of the trace",
    "checkpoint": "at checkpoints",
}
"""Which answers a curve is of, where they are not those of its ladder."""

_BUDGET_UNITS = {"requested_tokens": "thinking tokens", "turns": "turns", "loop_tokens": "generated tokens"}
"""By field of a rung: the unit of its budget, where that is a number."""


def percent(share: float) -> str:
    """A share with one decimal.

    >>> percent(0.4312)
    '43.1%'
    """
    return f"{fixed(100 * share, 1)}%"


def points(difference: float) -> str:
    """A difference of shares in percentage points.

    >>> points(-0.0512)
    '-5.1 points'
    """
    return f"{fixed(100 * difference, 1, sign=True)} points"


def interval(value: Number) -> str:
    """The interval with its level, or why there is none."""
    if value.low is None or value.high is None or value.level is None:
        return value.reason or "no interval"
    show = {"share": percent, "probability": _probability}.get(value.unit, points)
    name = "simultaneous interval" if value.simultaneous else "interval"
    return f"{100 * value.level:g}% {name} {show(value.low)} to {show(value.high)}"


def _probability(chance: float) -> str:
    return fixed(chance, 3)


def p_value(p: float) -> str:
    """A p-value, never printed as 0.

    >>> p_value(0.00031), p_value(0.042)
    ('p < 0.001', 'p = 0.042')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def budget(point: Point) -> str:
    """The budget of one rung in words. "Up to" it would speak of the rungs below, too, which may be worse."""
    if point.effort is not None or (point.turns, point.loop_tokens, point.requested_tokens) == (None, None, None):
        return limit(point)
    return f"a budget of {limit(point)}"


def limit(point: Point) -> str:
    """The limit of one rung in words; a trace may end before it."""
    if point.turns is not None:
        return f"{point.turns:,} {'turn' if point.turns == 1 else 'turns'}"
    if point.loop_tokens is not None:
        return f"{point.loop_tokens:,} generated tokens"
    if point.effort is not None:
        return f"effort {quote(point.effort)}"
    if point.requested_tokens is None:
        return "no set budget"
    return f"{point.requested_tokens:,} thinking tokens"


def tested_rungs(curves: Sequence[Curve]) -> tuple[str, ...]:
    """The rungs of all curves in words, each once, in the order of curves."""
    return tuple(dict.fromkeys(limit(point) for curve in curves for point in curve.points))


def from_to(low: Point, top: Point) -> str:
    """A step up the ladder in words."""
    for name, unit in _BUDGET_UNITS.items():
        least, most = getattr(low, name), getattr(top, name)
        if low.effort is None and top.effort is None and None not in (least, most):
            return f"from {least:,} to {most:,} {unit}"
    return f"from {budget(low)} to {budget(top)}"


def curve_name(curve: Curve) -> str:
    """The curve in words: its task, arm and scorer."""
    arm = "" if curve.arm == "base" else f", arm {quote(curve.arm)}"
    which = f", answers {ESTIMAND_WORDS[curve.estimand]}" if curve.estimand in ESTIMAND_WORDS else ""
    return f"{quote(curve.task)}{arm}, scorer {quote(curve.scorer or 'unnamed')}{which}"


def count_phrase(curve: Curve) -> str:
    """What the share of a level is of: answers, thinking that was judged itself, or harmless requests.

    A judge of the thinking has a name of its own.
    """
    on_trace = (curve.scorer or "").endswith(ON_TRACE)
    of = "traces" if on_trace else "harmless requests" if curve.axis == "benign" else "answers"
    return f"of {of} {WHAT[curve.axis]}"
