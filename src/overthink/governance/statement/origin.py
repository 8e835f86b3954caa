"""Where a field of a statement comes from: it is a fact, it is generated from facts, or it is somebody's own words.

Every field of the schema names its class, and the published JSON Schema repeats it as ``origin``. A check reads facts
and own words alone, generates the rest again, and compares.
"""

import types
from collections.abc import Iterator, Mapping, Set
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo


class Origin(StrEnum):
    """Class of a field."""

    FACT = "fact"
    GENERATED = "generated"
    OWN_WORDS = "own words"


T = TypeVar("T")
Fact = Annotated[T, Field(json_schema_extra={"origin": Origin.FACT.value})]
"""A field from the plan, the results, the evidence, or the numbers and choices that the evaluator states."""
Generated = Annotated[T, Field(json_schema_extra={"origin": Origin.GENERATED.value})]
"""A field that follows from the facts of its statement. It stands at :data:`LATER` until it is generated."""
OwnWords = Annotated[T, Field(json_schema_extra={"origin": Origin.OWN_WORDS.value})]
"""A text of the evaluator that nothing checks."""

LATER: Any = None
"""Default of a generated field: no document states it, and :mod:`~overthink.governance.statement.generate` sets it."""


class Slot(NamedTuple):
    """A field as it stands in a document.

    Attributes:
        attribute: Its name in the model.
        origin: Its class; None where the schema names none.
        part: Model of the parts that it holds; None where it holds values.
        by_key: Whether it holds them by key.
    """

    attribute: str
    origin: Origin | None
    part: type[BaseModel] | None
    by_key: bool


@cache
def slots(model: type[BaseModel]) -> Mapping[str, Slot]:
    """Return the fields of a model by their name in a document."""
    return {
        field.alias or name: Slot(name, _origin(field), _part(field.annotation), get_origin(field.annotation) is dict)
        for name, field in model.model_fields.items()
    }


def _origin(field: FieldInfo) -> Origin | None:
    extra = field.json_schema_extra
    return Origin(str(extra["origin"])) if isinstance(extra, dict) and "origin" in extra else None


def _part(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, list, dict, Annotated, Union, types.UnionType):
        return next((model for inner in get_args(annotation) if (model := _part(inner)) is not None), None)
    return None


def without(document: Any, model: type[BaseModel], dropped: Set[Origin]) -> Any:
    """Return a document without the fields of some classes. What the model does not know stays.

    Args:
        document: The document, of any shape.
        model: Its model.
        dropped: Classes to leave out.
    """
    if not isinstance(document, dict):
        return document
    known, rest = slots(model), {}
    for name, value in document.items():
        slot = known.get(name)
        if slot is None or slot.origin not in dropped:
            rest[name] = value if slot is None or slot.part is None else _each(value, slot, slot.part, dropped)
    return rest


def _each(value: Any, slot: Slot, part: type[BaseModel], dropped: Set[Origin]) -> Any:
    if isinstance(value, list):
        return [without(one, part, dropped) for one in value]
    if slot.by_key and isinstance(value, dict):
        return {key: without(one, part, dropped) for key, one in value.items()}
    return without(value, part, dropped)


def own_words(document: Any, model: type[BaseModel], where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text that is somebody's own words, with its path."""
    if not isinstance(document, dict):
        return
    for name, slot in slots(model).items():
        value, path = document.get(name), f"{where}.{name}" if where else name
        if slot.origin is Origin.OWN_WORDS:
            yield from ((path, value),) if isinstance(value, str) else ()
            yield from ((f"{path}.{key}", text) for key, text in (value.items() if isinstance(value, dict) else ()))
        elif slot.origin is Origin.FACT and slot.part is not None:
            for step, one in parts_of(value, slot):
                yield from own_words(one, slot.part, f"{path}{step}")


def parts_of(value: Any, slot: Slot) -> list[tuple[str, Any]]:
    """Return the parts that a field holds, each with the rest of its path."""
    if isinstance(value, list):
        return [(f".{i}", part) for i, part in enumerate(value)]
    if slot.by_key and isinstance(value, dict):
        return [(f".{key}", part) for key, part in value.items()]
    return [("", value)]
