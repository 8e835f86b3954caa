"""Changes of a statement's document, and what a check says of the changed one."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from overthink.governance.statement.generate import generate
from overthink.governance.statement.read import ReadStatement, parse_statement
from overthink.workflows.statement import check

Document = dict[str, Any]
Change = Callable[[Document], object]


def rules(given: Document, folder: Path) -> dict[str, str]:
    """By rule that was broken: every reason."""
    path = folder / "statement.json"
    path.write_text(json.dumps(given))
    found: dict[str, str] = {}
    for fault in check(path).faults:
        found[fault.rule] = found.get(fault.rule, "") + f"{fault.where}: {fault.reason}\n"
    return found


def changed(document: Document, change: Change) -> Document:
    """A copy with one change."""
    other = copy.deepcopy(document)
    change(other)
    return other


def read(document: Document) -> ReadStatement | None:
    """The document as a check reads it; None where the schema refuses it."""
    parsed = parse_statement(json.dumps(document), "statement.json")
    return parsed if isinstance(parsed, ReadStatement) else None


def forged(document: Document) -> Document | None:
    """What an attacker makes who owns Overthink: everything is generated again from changed facts, the id too.

    None where the facts allow no statement.
    """
    parsed = read(document)
    if parsed is None:
        return None
    try:
        statement = generate(parsed.facts)
    except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError):
        return None
    made: Document = json.loads(json.dumps(statement.model_dump(mode="json", by_alias=True)))
    return made


def claim(document: Document, kind: str = "level", axis: str = "safety") -> Document:
    """The first claim of a type on an axis."""
    found: Document = next(c for c in document["claims"] if c["type"] == kind and c["curve"].startswith(axis))
    return found


def curve(document: Document, axis: str = "safety") -> Document:
    """The curve of an axis."""
    found: Document = next(c for c in document["curves"] if c["axis"] == axis)
    return found


def says(text: str, kind: str = "level", axis: str = "safety", *, after: bool = True) -> Change:
    """Put a sentence after the claim's own, or in its place."""

    def change(document: Document) -> None:
        one = claim(document, kind, axis)
        one["statement"] = f"{one['statement']} {text}" if after else text

    return change


def put(*path: str | int, to: Any) -> Change:
    """Set the field at a path from the top."""

    def change(document: Document) -> None:
        part: Any = document
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = to

    return change


def drop(*path: str | int) -> Change:
    """Remove the field or entry at a path from the top."""

    def change(document: Document) -> None:
        part: Any = document
        for step in path[:-1]:
            part = part[step]
        del part[path[-1]]

    return change


def on(kind: str, *path: str | int, to: Any, axis: str = "safety") -> Change:
    """Set a field of a claim."""
    return lambda document: put(*path, to=to)(claim(document, kind, axis))


def of_curve(*path: str | int, to: Any, axis: str = "safety") -> Change:
    """Set a field of a curve."""
    return lambda document: put(*path, to=to)(curve(document, axis))


def without(*path: str | int, axis: str = "safety") -> Change:
    """Remove a field or entry of a curve."""
    return lambda document: drop(*path)(curve(document, axis))


def replaced(old: str, new: str, kind: str = "level", axis: str = "safety") -> Change:
    """Replace a part of a claim's sentence, which must be there."""

    def change(document: Document) -> None:
        one = claim(document, kind, axis)
        assert old in one["statement"], (old, one["statement"])
        one["statement"] = one["statement"].replace(old, new)

    return change
