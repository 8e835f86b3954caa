"""Every field of a statement has a class, and every leaf that is changed is a fault, most without the study, too."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from made_study import Made, write_study
from pydantic import BaseModel
from statement_changes import Document, read
from sweeps import few

from overthink.governance.statement.check import changed_stated, check_statement, differences
from overthink.governance.statement.origin import Origin, slots
from overthink.governance.statement.schema import Statement
from overthink.workflows.statement import statement

SHAPES = {"capability": (0.3, 0.7), "safety": (0.9, 0.6)}
FACTS = {
    "revision": "v1",
    "developer": "A developer",
    "organization": "An institute",
    "hardware": "8 H100",
    "note": "Run at night.",
    "notes": {"c1": "As in the last release."},
    "active_parameters": 1e9,
    "max_deployable_budget": {"thinking_tokens": 64, "tries": 2, "source": "the service's limit"},
}
NOT_SEEN_ALONE = {"stated.note", "stated.notes.c1", "stated.hardware", "stated.max_deployable_budget.source"}
"""Leaves that a check without the study does not see: own words that no generated field repeats. It counts them."""

Steps = tuple[str | int, ...]


class Written(NamedTuple):
    """A statement with everything stated, and what its study gives."""

    document: Document
    recomputed: Statement


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("made")
    study = write_study(folder / "study", Made(SHAPES, budgets=(0, 64), questions=20, draws=2, hypothesis="down"))
    (folder / "facts.json").write_text(json.dumps(FACTS))
    written = statement(study, facts=folder / "facts.json")
    return Written(json.loads(written.json()), written.statement)


def leaves(part: Any, path: Steps = ()) -> Iterator[Steps]:
    """Paths to everything that holds nothing."""
    if isinstance(part, dict | list) and part:
        for key, inner in part.items() if isinstance(part, dict) else enumerate(part):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * (1 + 1e-6) if isinstance(value, float) and value else value + 1
    return f"{value}x" if isinstance(value, str) else "x" if value is None else ["x"]


def put(document: Document, path: Steps, value: Any) -> Any:
    """Set a leaf, and return what was there."""
    part: Any = document
    for step in path[:-1]:
        part = part[step]
    before, part[path[-1]] = part[path[-1]], value
    return before


def models_below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a model and every model of its parts, each once."""
    seen, todo = set(), [model]
    while todo:
        if (top := todo.pop()) not in seen:
            seen.add(top)
            yield top
            todo += [slot.part for slot in slots(top).values() if slot.part is not None]


def test_every_field_names_its_class() -> None:
    fields = [(model.__name__, name, slot) for model in models_below(Statement) for name, slot in slots(model).items()]
    assert len(fields) > 150
    assert [(model, name) for model, name, slot in fields if slot.origin is None] == []
    assert {name for _, name, slot in fields if slot.origin is Origin.OWN_WORDS} == {
        "revision", "developer", "organization", "hardware", "note", "notes", "source"}  # fmt: skip


@pytest.mark.parametrize("step", few((3, 1), 1))
def test_every_leaf_that_is_changed_is_a_fault(made: Written, step: int) -> None:
    document, unseen, alone = copy.deepcopy(made.document), set(), set()
    # The record repeats the rest, and another schema is no statement of this version: both have tests of their own.
    paths = [path for path in leaves(document) if path[0] not in ("every_eval_ever", "schema")]
    # One field at one place after the other is one code: each field at its last place, and at its first in every third.
    named = [tuple("*" if isinstance(step, int) else step for step in path) for path in paths]
    last = dict(zip(named, paths, strict=True))
    first = dict(zip(reversed(named), reversed(paths), strict=True))
    paths = sorted({*last.values(), *list(first.values())[::3]}, key=str)
    assert len(paths) > 350
    paths = paths[::step]
    for path in paths:
        before = put(document, path, None)
        put(document, path, other(before))
        parsed, name = read(document), ".".join(map(str, path))
        if parsed is not None and not check_statement(parsed, now=datetime.now(UTC)).faults:
            alone.add(name)
            stated = changed_stated(parsed.facts.stated, made.recomputed.stated)
            unseen |= set() if differences(parsed.facts, made.recomputed) or stated else {name}
        put(document, path, before)
    assert document == made.document
    assert unseen == set()
    assert alone == NOT_SEEN_ALONE & {".".join(map(str, path)) for path in paths}
