"""Parse a statement: a document of another kind raises an error, a malformed statement gives a fault per field.

A fault has a rule, a path in the statement, and a reason. Helpers of the rules are defined here.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from overthink.errors import InputError
from overthink.governance.statement.curve_schema import Basis, Curve, Number, Test
from overthink.governance.statement.origin import Origin, slots, without
from overthink.governance.statement.schema import STATEMENT_SCHEMA, STATEMENT_VERSION, Stated, Statement
from overthink.storage.json_text import json_value

Breaches = Iterator[tuple[str, str]]
"""Breaches of a rule: path in the statement, and reason."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a statement.

    Attributes:
        rule: Name of the broken rule.
        where: Path in the statement.
        reason: Description of the fault, with the observed and the required value.
    """

    rule: str
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.where}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for statements: its name, its purpose, and the function that finds breaches of it."""

    name: str
    why: str
    find: Callable[[Statement], Breaches]

    def faults(self, statement: Statement) -> Iterator[Fault]:
        """Return every breach of the rule in a statement."""
        return (Fault(self.name, where, reason) for where, reason in self.find(statement))


def by_id(statement: Statement) -> Mapping[str, Curve]:
    """Return the curves by id."""
    return {curve.id: curve for curve in statement.curves}


def level_of(statement: Statement) -> float:
    """Return the level of the intervals of a statement, by its facts; an analysis may use another than its plan."""
    levels = (point.value.level for curve in statement.curves for point in curve.points)
    return next((level for level in levels if level is not None), statement.elicitation.planned_level)


def numbers(statement: Statement) -> Iterator[tuple[str, Number]]:
    """Yield every number among the facts of a statement with its path."""
    return parts(statement, Number)


def tests(statement: Statement) -> Iterator[tuple[str, Test]]:
    """Yield every test among the facts of a statement with its path."""
    return parts(statement, Test)


def bases(statement: Statement) -> Iterator[tuple[str, Basis]]:
    """Yield everything that a claim rests on, with its path."""
    return parts(statement, Basis)


P = TypeVar("P", bound=BaseModel)


def parts(statement: Statement, kind: type[P]) -> Iterator[tuple[str, P]]:
    """Yield every part of a kind among the facts of a statement with its path."""
    return _parts("", statement, kind)


def _parts(where: str, part: object, kind: type[P]) -> Iterator[tuple[str, P]]:
    if isinstance(part, kind):
        yield where, part
    if isinstance(part, BaseModel):
        for name, attribute in _ways(type(part), kind):
            yield from _parts(f"{where}.{name}" if where else name, getattr(part, attribute), kind)
    elif isinstance(part, tuple):
        for i, one in enumerate(part):
            yield from _parts(f"{where}.{i}", one, kind)
    elif isinstance(part, dict):
        for key, one in part.items():
            yield from _parts(f"{where}.{key}", one, kind)


@cache
def _ways(model: type[BaseModel], kind: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """Return name and attribute of the facts of a model below which a part of a kind may stand."""
    facts = [(name, slot) for name, slot in slots(model).items() if slot.origin is Origin.FACT]
    return tuple((name, slot.attribute) for name, slot in facts if slot.part is not None and _holds(slot.part, kind))


def _holds(model: type[BaseModel], kind: type[BaseModel]) -> bool:
    """Return whether a model is of a kind, or has a fact below which a part of it may stand."""
    return issubclass(model, kind) or bool(_ways(model, kind))


EQUAL = 1e-9
"""Relative difference up to which two numbers are equal: arithmetic of two machines differs by less."""


def close(a: float | None, b: float | None) -> bool:
    """Return whether two numbers are equal up to :data:`EQUAL`; None equals only None.

    >>> close(0.949, 0.95), close(0.1 + 0.2, 0.3), close(0.0, 1e-17)
    (False, True, True)
    """
    if a is None or b is None:
        return a is b
    try:
        return a == b or math.isclose(a, b, rel_tol=EQUAL, abs_tol=1e-12)
    except OverflowError:  # a whole number that no float holds
        return False


MAX_STATEMENT_LENGTH = 50_000_000
"""Maximum length of a statement, in characters."""

_WHY = {
    "low": ("interval", "a number comes with its interval"),
    "high": ("interval", "a number comes with its interval"),
    "level": ("interval", "an interval comes with its level"),
    "reason": ("null-reason", "a null estimate has a reason"),
    "p_adjusted": ("p-adjusted", "one of several tests is adjusted for the others"),
    "unit": ("unit", "a number comes with its unit"),
    "gates": ("gates", "every rung names its gates"),
    "gates_failed": ("gates", "gates that failed are named"),
    "limits": ("limits", "a number says what it does not cover"),
    "raw_high_means": ("polarity", "a curve says what a high raw score means"),
    "created": ("date", "a statement has a date"),
}
"""Rule that is broken when a field is missing or of the wrong type, and its reason, by field."""


@dataclass(frozen=True, slots=True)
class ReadStatement:
    """A statement as it was read.

    Attributes:
        document: The document, with everything that it says.
        facts: Its facts and its own words alone; generated fields are not set.
    """

    document: Any
    facts: Statement


def parse_statement(text: str, name: str) -> ReadStatement | tuple[Fault, ...]:
    """Return a statement from its text, or the faults of a malformed one.

    Args:
        text: The document.
        name: Name of the document in messages.

    Raises:
        InputError: The document is not JSON, not a statement, or has another schema.
    """
    document = _document(text, name)
    _check_schema(document, name)
    facts = without(document, Statement, {Origin.GENERATED})
    try:
        return ReadStatement(
            document, Statement.model_validate_json(json.dumps(facts), strict=True, by_alias=True, by_name=False)
        )
    except ValidationError as failure:
        return tuple(_fault(error) for error in failure.errors(include_url=False))


def parse_stated(text: str, name: str) -> Stated:
    """Return the evaluator's facts from a JSON document.

    Raises:
        InputError: The document is not JSON, or a field is unknown or wrong.
    """
    document = _document(text, name)
    try:
        return Stated.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as failure:
        faults = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'the whole'}: {error['msg']}"
            for error in failure.errors(include_url=False)
        )
        names = ", ".join(Stated.model_fields)
        raise InputError(f"{name} cannot be read: {faults}; known fields: {names}") from failure


def _document(text: str, name: str) -> Any:
    if len(text) > MAX_STATEMENT_LENGTH:
        raise InputError(f"{name} has {len(text):,} characters; needed: at most {MAX_STATEMENT_LENGTH:,}")
    return json_value(text.encode(errors="surrogatepass"), name)


def _check_schema(document: Any, name: str) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str):
        hint = ""
        if isinstance(document, dict) and "evaluation_results" in document:
            hint = "; this is an Every Eval Ever record: give the statement.json that it belongs to"
        raise InputError(f"{name} names no schema; needed: {STATEMENT_SCHEMA!r}{hint}")
    match = re.fullmatch(r"overthink\.statement/(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})", schema)
    if match is None:
        raise InputError(f"{name} has schema {schema[:80]!r}; needed: {STATEMENT_SCHEMA!r}")
    version, own = tuple(map(int, match.groups())), tuple(map(int, STATEMENT_VERSION.split(".")))
    if version > own:
        raise InputError(
            f"{name} has schema {schema!r}; this Overthink reads {STATEMENT_SCHEMA!r}: install a newer one"
        )
    if version[0] < own[0]:
        raise InputError(
            f"{name} has schema {schema!r}, which this Overthink no longer reads; make the statement again"
        )


def _fault(error: Any) -> Fault:
    path = ".".join(map(str, error["loc"])) or "the whole"
    kind, input_text = error["type"], str(error.get("input"))[:80]
    if kind == "extra_forbidden":
        return Fault("unknown-field", path, f"the schema {STATEMENT_VERSION} has no such field")
    rule, why = next(((_WHY[str(part)]) for part in reversed(error["loc"]) if str(part) in _WHY), ("schema", ""))
    message = "missing" if kind == "missing" else f"{error['msg']}; seen: {input_text!r}"
    return Fault(rule, path, f"{message}; {why}" if why else message)
