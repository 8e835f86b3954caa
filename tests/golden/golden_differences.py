"""What differs between two outcomes, by kind of finding: text letter by letter, numbers to a relative 1e-9."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""How far apart numbers may lie."""

Parts = dict[tuple[str, str], Any]
"""By kind and id: a finding, a part of a statement, or a line."""


def parts(name: str, text: str) -> Parts:
    """A stored text by what can differ in it.

    Args:
        name: Its file name: .jsonl holds findings, .json a document whose keys are its kinds, others lines.
        text: What it holds.
    """
    if name.endswith(".jsonl"):
        return _numbered((line["kind"], line["id"], line) for line in map(json.loads, text.splitlines()))
    if name.endswith(".json"):
        return {
            (f"{name}: {key}", path): value for key, value in json.loads(text).items() for path, value in _leaves(value)
        }
    return {(name, f"line {number}"): line for number, line in enumerate(text.splitlines(), start=1)}


def _numbered(findings: Iterator[tuple[str, str, Any]]) -> Parts:
    result: Parts = {}
    for kind, name, finding in findings:
        number = 1
        while (kind, f"{name}~{number}" if number > 1 else name) in result:
            number += 1
        result[kind, f"{name}~{number}" if number > 1 else name] = finding
    return result


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in pairs:
            yield from _leaves(part, f"{path}/{key}")
    else:
        yield path, value


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same: numbers nearly, a null and nothing alike, all else exactly."""
    if isinstance(a, dict) and isinstance(b, dict):
        return all(same(a.get(key), b.get(key)) for key in a.keys() | b.keys())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if _is_number(a) and _is_number(b):
        return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(a) is type(b) and bool(a == b)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(slots=True)
class Difference:
    """What differs within one kind of one case.

    Attributes:
        added: Ids that are new.
        removed: Ids that are no more.
        changed: Ids that are there still, with other content.
        example: The first of all of these, in words.
    """

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    example: str = ""

    def note(self, which: list[str], name: str, example: str) -> None:
        """Add one, and keep the first example."""
        which.append(name)
        self.example = self.example or example

    def counts(self) -> str:
        """How many of each, in words."""
        return f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"


Differences = dict[tuple[str, str], Difference]
"""By case and kind."""


def differences(case: str, earlier: Mapping[str, str], now: Mapping[str, str]) -> Differences:
    """What differs between the stored outcome of a case and that of now; empty where nothing does."""
    result: Differences = {}
    for name in dict.fromkeys([*earlier, *now]):
        before, after = (
            parts(name, texts.get(name, "{}" if name.endswith(".json") else "")) for texts in (earlier, now)
        )
        for key in dict.fromkeys([*before, *after]):
            if key in before and key in after and same(before[key], after[key]):
                continue
            kind, identity = key
            difference = result.setdefault((case, kind), Difference())
            if key not in before:
                difference.note(difference.added, identity, f"added {identity}: {after[key]}")
            elif key not in after:
                difference.note(difference.removed, identity, f"removed {identity}: {before[key]}")
            else:
                difference.note(difference.changed, identity, f"{identity}: {_change(before[key], after[key])}")
        if list(before) != list(after) and before.keys() == after.keys():
            result.setdefault((case, "order of findings"), Difference()).note([], name, f"{name} has another order")
    return result


def _change(before: Any, after: Any) -> str:
    """The fields that differ, as they were and as they are."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return f"{before!r} → {after!r}"
    keys = [key for key in {**before, **after} if not same(before.get(key), after.get(key))]
    return "; ".join(f"{key} {before.get(key)!r} → {after.get(key)!r}" for key in keys)


def in_words(result: Differences) -> str:
    """The differences by kind, then by case: how many, and the first of them."""
    if not result:
        return "no differences"
    lines = []
    for kind in dict.fromkeys(kind for _, kind in result):
        lines.append(kind)
        for (case, its_kind), difference in result.items():
            if its_kind == kind:
                lines += [f"  {case}: {difference.counts()}", f"    {difference.example[:600]}"]
    return "\n".join(lines)
