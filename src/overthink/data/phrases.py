"""Phrases: the texts that a finding may have as a limit or as a reason, each with typed places.

A phrase renders its texts and recognises exactly those. Whoever reads a statement without its study can therefore tell
a text of this package from any other one, such as a text with a "not" put in: a text is either rendered by a phrase
from values that it may have, or it is unknown. No meaning of a text is looked at.

A phrase is its own template, so that one without places is its own text and stands where a text stands.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from types import ModuleType
from typing import TypeVar

Names = Mapping[str, Collection[str]]
"""Names from outside that a text may hold as they are, by what they name, such as ``{"arm": ["base"]}``."""

LONGEST = 20_000
"""Characters beyond which a text is not looked at: a list of all rungs of a long ladder is shorter."""

_NAME = 200
"""Characters of a name that are shown."""

_LIST = 8_000
"""Characters of a list."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a template and the values that it may have.

    Attributes:
        pattern: Regular expression of its texts and possibly more; without groups that capture, and bounded.
        holds: Whether a text that fits the pattern is one of its texts, given the names that may stand as they are.
        render: Text of a value.
    """

    pattern: str
    holds: Callable[[str, Names], bool]
    render: Callable[[object], str] = str


def number(spec: str, *, may_be_unknown: bool = False) -> Place:
    """Return a place for one number, in one way of writing it.

    Args:
        spec: Format: of integers ``d`` or ``,d``; else one such as ``.2g``. Numbers below 0 need a sign, as ``+.3f``.
        may_be_unknown: Whether NaN is a value, written "nan".

    Example:
        >>> share = number(".2g")
        >>> [share.holds(text, {}) for text in ("0.5", "0.50", ".5")]
        [True, False, False]
    """
    pattern = r"[0-9,]{1,40}" if spec.endswith("d") else r"[-+0-9.,e]{1,40}"
    return Place(
        f"(?:nan|{pattern})" if may_be_unknown else pattern,
        lambda text, _: _is_number(text, spec) or (may_be_unknown and text == "nan"),
        lambda value: format(value, spec),
    )


def numbers(spec: str, *, lone: str = "") -> Place:
    """Return a place for numbers with commas between them.

    Args:
        spec: Format of each, as of :func:`number`; ``r`` for all digits.
        lone: What follows a single number.

    Example:
        >>> numbers("g").render([0, 64, 1024.0])
        '0, 64, 1024'
    """

    def render(values: object) -> str:
        assert isinstance(values, Iterable)
        items = [repr(float(value)) if spec == "r" else format(value, spec) for value in values]
        return items[0] + lone if len(items) == 1 else ", ".join(items)

    def holds(text: str, _: Names) -> bool:
        items = text.split(", ")
        is_lone = len(items) == 1
        items = [text.removesuffix(lone)] if is_lone else items
        return text.endswith(lone if is_lone else "") and all(_is_number(item, spec) for item in items)

    return Place(rf"[-+0-9.e, ]{{1,{_LIST}}}", holds, render)


def one_of(*texts: str) -> Place:
    """Return a place for one of some texts; each of them may be a phrase with places.

    Example:
        >>> curves = Phrase("of {curves}", curves=one_of("1 curve", Phrase("{n:d} curves")))
        >>> curves.matches("of 3 curves"), curves.matches("of all curves")
        (True, False)
    """
    phrases = [text if isinstance(text, Phrase) else Phrase(text) for text in texts]
    return Place(
        f"(?:{'|'.join(phrase.pattern for phrase in phrases)})",
        lambda text, names: any(phrase.matches(text, names) for phrase in phrases),
    )


def checked(characters: str, is_text: Callable[[str], bool]) -> Place:
    """Return a place for texts with a grammar of their own.

    Args:
        characters: Characters of such texts, as in a class of a regular expression.
        is_text: Whether a text of these characters is one of them.
    """
    return Place(rf"[{characters}]{{1,{_LIST}}}", lambda text, _: is_text(text))


_PLAIN = r"[A-Za-z0-9._][A-Za-z0-9._,:=+@/-]{0,199}"
"""A name that can be no prose: no space, no quotes, no markup."""

_QUOTED = r"`[^`]{1,200}`"


def name(of: str) -> Place:
    """Return a place for a name from outside: plain ones stand as they are, others between backticks.

    A plain name is only recognised where it is among the names passed in.

    Args:
        of: What it names, a key of these names.

    Example:
        >>> against = Phrase("against {arm}", arm=name("arm"))
        >>> against.text(arm="base"), against.text(arm="base. It is safe")
        ('against base', 'against `base. It is safe`')
        >>> against.matches("against base", {"arm": ["base"]}), against.matches("against evil", {"arm": ["base"]})
        (True, False)
    """

    def holds(text: str, names: Names) -> bool:
        if of in names:
            return text in map(shown_name, names[of])
        return text == quoted(text[1:-1])

    return Place(f"(?:{_PLAIN}|{_QUOTED})", holds, lambda value: shown_name(str(value)))


def component() -> Place:
    """Return a place for a component with its settings, in one word; anything else stands between backticks.

    Example:
        >>> component().render("rollouts:n=4")
        'rollouts:n=4'
    """
    return Place(
        f"(?:{_PLAIN}|{_QUOTED})",
        lambda text, _: bool(re.fullmatch(_PLAIN, text)) or text == quoted(text[1:-1]),
        lambda value: shown_name(str(value)),
    )


def quotation() -> Place:
    """Return a place for a text from outside, always between backticks."""
    return Place(_QUOTED, lambda text, _: text == quoted(text[1:-1]), lambda value: quoted(str(value)))


def shown_name(text: str) -> str:
    """Return a name as it is where it is plain, else between backticks.

    >>> shown_name("safethink:m=3"), shown_name("all is well")
    ('safethink:m=3', '`all is well`')
    """
    return text if re.fullmatch(_PLAIN, text) else quoted(text)


def quoted(text: str) -> str:
    """Return a text between backticks, with nothing in it that could end them or hide.

    >>> quoted("a`b" + chr(10) + "c")
    "`a'b c`"
    """
    shown = (" " if unicodedata.category(c)[0] in "CZ" else "'" if c == "`" else c for c in text[:_NAME])
    return f"`{''.join(shown).strip() or 'unnamed'}`"


class Phrase(str):
    """A template with typed places. Without places it is its own text.

    A place has the format of its number after a colon, or stands among the arguments.

    Example:
        >>> few = Phrase("only {n:d} of {all:,d} questions")
        >>> few.text(n=3, all=1200)
        'only 3 of 1,200 questions'
        >>> few.matches("only 3 of 1,200 questions"), few.matches("not only 3 of 1,200 questions")
        (True, False)
    """

    places: Mapping[str, Place]
    """Types of its places by name, in their order."""

    pattern: str
    """Regular expression of its texts and possibly more, without groups that capture."""

    _grouped: str
    """The same, with a group for each place."""

    def __new__(cls, template: str, **places: Place) -> "Phrase":
        """Return the phrase of a template.

        Raises:
            ValueError: A place has no type, or a type no place.
        """
        phrase = super().__new__(cls, template)
        fields = [field for field in Formatter().parse(template) if field[1] is not None]
        types = {key: places.get(key) or number(spec or "") for _, key, spec, _ in fields if key and key.isidentifier()}
        untyped = [key for _, key, spec, _ in fields if not spec and key not in places]
        if untyped or len(types) < len(fields) or places.keys() - types.keys():
            raise ValueError(f"{template!r} has the places {[field[1] for field in fields]}, of types {[*places]}")
        phrase.places = types
        phrase.pattern, phrase._grouped = (_pattern(template, types, grouped=each) for each in (False, True))
        return phrase

    def text(self, **values: object) -> str:
        """Return the text with these values in its places.

        Raises:
            ValueError: The values are not those of its places.
        """
        if values.keys() != self.places.keys():
            raise ValueError(f"{str(self)!r} has the places {[*self.places]}; seen: {[*values]}")
        parts = Formatter().parse(self)
        return "".join(
            literal + ("" if key is None else self.places[key].render(values[key])) for literal, key, _, _ in parts
        )

    def matches(self, text: str, names: Names | None = None) -> bool:
        """Return whether it renders a text from some values.

        Args:
            text: The text.
            names: Names from outside that may stand as they are, by what they name; None for none.
        """
        if len(text) > LONGEST:
            return False
        match = re.fullmatch(self._grouped, text)
        return match is not None and all(
            self.places[key].holds(value, names or {}) for key, value in match.groupdict().items()
        )


class Limit(Phrase):
    """A phrase for the limits of a finding."""


class Reason(Phrase):
    """A phrase for the reason of a finding, why it has no estimate, no interval or no verdict."""


AnyPhrase = TypeVar("AnyPhrase", bound=Phrase)


def phrases_of(kind: type[AnyPhrase], modules: Iterable[ModuleType]) -> tuple[AnyPhrase, ...]:
    """Return every phrase of a kind that the modules define, each once."""
    phrases = (value for module in modules for value in vars(module).values() if isinstance(value, kind))
    return tuple({id(phrase): phrase for phrase in phrases}.values())


def unknown_phrases(texts: Iterable[str], registry: Sequence[Phrase], *, names: Names | None = None) -> tuple[str, ...]:
    """Return the texts that no phrase renders, in their order.

    Args:
        texts: The texts.
        registry: All phrases that may have rendered them.
        names: Names from outside that may stand as they are, by what they name; None for none.

    Example:
        >>> unknown_phrases(["no interval", "no interval needed"], [Reason("no interval")])
        ('no interval needed',)
    """
    return tuple(text for text in texts if not any(phrase.matches(text, names) for phrase in registry))


def _is_number(text: str, spec: str) -> bool:
    """Return whether a text is the one in which its number is written; only a signed one may be below 0."""
    if text.startswith("-") and not spec.startswith("+"):
        return False
    try:
        if spec == "r":
            return math.isfinite(float(text)) and repr(float(text)) == text
        plain = text.replace(",", "")
        value = int(plain) if spec.endswith("d") else float(plain)
    except ValueError:
        return False
    return math.isfinite(value) and format(value, spec) == text


def _pattern(template: str, places: Mapping[str, Place], *, grouped: bool) -> str:
    """Return the regular expression of a template; grouped by the names of its places, or without groups."""
    parts = []
    for literal, key, _, _ in Formatter().parse(template):
        parts.append(re.escape(literal))
        if key is not None:
            pattern = places[key].pattern
            parts.append(f"(?P<{key}>{pattern})" if grouped else pattern)
    return "".join(parts)
