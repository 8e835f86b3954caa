"""Compare documents: everything generated with what the facts give, and facts with those of a study."""

import json
from itertools import takewhile
from typing import Any

from pydantic import BaseModel

from overthink.governance.statement.origin import Origin, parts_of, slots
from overthink.governance.statement.read import Breaches, close
from overthink.governance.statement.schema import Statement

_MOST_SHOWN = 120
"""Characters of a value in a message."""

_BEFORE = 20
"""Characters that are shown before the place where two texts part."""


def changed_words(document: Any, statement: Statement) -> Breaches:
    """Yield every generated field of a document that is not what its facts give, or is missing.

    Args:
        document: The statement as it was read.
        statement: The statement as its facts give it.
    """
    own = statement.model_dump(mode="json", by_alias=True)
    yield from _generated("", document, own, Statement)


def _generated(where: str, document: Any, own: Any, model: type[BaseModel]) -> Breaches:
    for name, slot in slots(model).items():
        path = f"{where}.{name}" if where else name
        if slot.origin is Origin.GENERATED:
            if path == "id":
                continue  # it has a rule of its own
            if name not in document:
                yield from [(path, "missing")] if name in own else []
            elif name not in own:
                yield path, f"{short(document[name])}; its facts give no such field"
            elif not _same_text(document[name], own[name]):
                yield from changed_facts(path, document[name], own[name], source="its facts")
        elif slot.part is not None and document.get(name) is not None:
            pairs = zip(parts_of(document[name], slot), parts_of(own.get(name), slot), strict=False)
            for (step, seen), (_, right) in pairs:
                if not _same_text(seen, right):
                    yield from _generated(f"{path}{step}", seen, right, slot.part)


def _same_text(seen: Any, own: Any) -> bool:
    """Return whether two parts are written alike, as nearly all are, so that no value of them needs a look."""
    return bool(seen == own) and json.dumps(seen) == json.dumps(own)


def changed_facts(where: str, seen: Any, own: Any, *, source: str = "the study") -> Breaches:
    """Yield every difference of a document from what it should be: values, what is missing, and what is too much.

    Args:
        where: Path of the document in messages; empty for the whole.
        seen: The document.
        own: What it should be.
        source: Where that comes from, for messages.
    """
    if isinstance(own, dict) and isinstance(seen, dict):
        for name in [*own, *(name for name in seen if name not in own)]:
            path = f"{where}.{name}" if where else name
            if name not in seen:
                yield path, f"left out; by {source} it is {short(own[name])}"
            elif name not in own:
                yield path, f"{short(seen[name])}; by {source} there is no such thing"
            else:
                yield from changed_facts(path, seen[name], own[name], source=source)
    elif isinstance(own, list) and isinstance(seen, list):
        yield from _changed_list(where, seen, own, source)
    elif _is_number(seen) and _is_number(own):
        if not close(seen, own) or (where.endswith(_ENDS) and _sign(seen) != _sign(own)):
            yield where, f"{seen!r}; by {source} it is {own!r}"
    elif seen != own or isinstance(seen, bool) != isinstance(own, bool):
        start = _same(seen, own)
        yield where, f"{short(seen, start)}; by {source} it is {short(own, start)}"


def _changed_list(where: str, seen: list[Any], own: list[Any], source: str) -> Breaches:
    names, own_names = ([_name(part) for part in parts] for parts in (seen, own))
    if None in names or None in own_names or len(set(names)) < len(names):
        if len(seen) != len(own):
            first = next((f", such as {short(part)}" for part in own if part not in seen), "")
            yield where, f"{len(seen)} entries; by {source} there are {len(own)}{first}"
        for i, (part, right) in enumerate(zip(seen, own, strict=False)):
            yield from changed_facts(f"{where}.{i}", part, right, source=source)
        return
    yield from (
        (where, f"{short(name)} is left out; by {source} it is there") for name in own_names if name not in names
    )
    yield from ((where, f"{short(name)} is there; by {source} it is not") for name in names if name not in own_names)
    both = [name for name in names if name in own_names]
    if both != [name for name in own_names if name in names]:
        yield where, f"another order than by {source}"
    for name in both:
        part, right = seen[names.index(name)], own[own_names.index(name)]
        yield from changed_facts(f"{where}[{name}]", part, right, source=source)


def _name(part: Any) -> str | None:
    """Return the name of an entry of a list that has one."""
    name = part.get("id") if isinstance(part, dict) else None
    return name if isinstance(name, str) else None


def short(value: object, start: int = 0) -> str:
    """Return a value for a message in plain characters, shortened.

    Args:
        value: The value.
        start: Characters of a text that say nothing new.

    Example:
        >>> short("a" * 200)[-3:], short("The model is safe", 10)
        ('a …', "'…is safe'")
    """
    try:
        text = ascii(f"…{value[start:]}" if isinstance(value, str) and start else value)
    except RecursionError:
        return "a deeply nested value"
    text = text.replace("\\u2026", "…")
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} …"


def _same(seen: object, own: object) -> int:
    """Return how many characters two long texts begin with alike, but for some that show where they part."""
    if not (isinstance(seen, str) and isinstance(own, str)) or max(len(seen), len(own)) <= _MOST_SHOWN:
        return 0
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(seen, own, strict=False)))
    return max(0, alike - _BEFORE)


_ENDS = (".low", ".high")
"""Fields whose sign decides on a sentence: the ends of an interval, above or below 0."""


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
