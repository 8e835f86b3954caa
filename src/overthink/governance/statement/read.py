"""Parse a statement: a document of another kind raises an error, a malformed statement gives a fault per field.

A fault has a rule, a path in the statement, and a reason. Helpers of the rules are defined here.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from overthink.errors import InputError
from overthink.governance.statement.curve_schema import Curve, Number, Point
from overthink.governance.statement.schema import STATEMENT_SCHEMA, STATEMENT_VERSION, Claim, Stated, Statement
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


def own_points(claim: Claim, curve: Curve) -> tuple[Point, Point] | None:
    """Return the rung of a claim and the rung it starts from; None where the curve has no such rung.

    A claim on the whole curve is at the highest rung and starts from the lowest; a level starts from its own rung.
    """
    if claim.type == "shape":
        return curve.points[-1], curve.points[0]
    by_rung = {point.rung: point for point in curve.points}
    at = by_rung.get(-1 if claim.at.rung is None else claim.at.rung)
    start = at if claim.at.from_rung is None else by_rung.get(claim.at.from_rung)
    return None if at is None or start is None else (at, start)


def numbers(statement: Statement) -> Iterator[tuple[str, Number]]:
    """Yield every number of a statement with its path."""
    for i, curve in enumerate(statement.curves):
        here = f"curves.{i}"
        for j, point in enumerate(curve.points):
            for name in ("thinking_tokens", "answer_tokens", "attempt_tokens", "value", "band", "corrected"):
                value = getattr(point, name)
                if value is not None:
                    yield f"{here}.points.{j}.{name}", value
            for n, many in enumerate(point.tries):
                yield f"{here}.points.{j}.tries.{n}.value", many.value
        if curve.plateau.top_step is not None:
            yield f"{here}.plateau.top_step", curve.plateau.top_step
        for j, shape in enumerate(curve.plateau.shapes):
            yield f"{here}.plateau.shapes.{j}.change", shape.change
        for name in ("sensitivity", "specificity"):
            if getattr(curve.judge, name) is not None:
                yield f"{here}.judge.{name}", getattr(curve.judge, name)
    for i, claim in enumerate(statement.claims):
        yield f"claims.{i}.value", claim.value
    for i, arm in enumerate(statement.arms_compared):
        yield f"arms_compared.{i}.value", arm.value


def close(a: float | None, b: float | None, *, relative: float = 1e-6) -> bool:
    """Return whether two numbers are equal up to rounding; None equals only None."""
    if a is None or b is None:
        return a is b
    return abs(a - b) <= max(1e-9, relative * max(abs(a), abs(b)))


MAX_STATEMENT_LENGTH = 50_000_000
"""Maximum length of a statement, in characters."""

_WHY = {
    "holds_for_K<=": ("bounded", "without it the claim names no budget that it holds for"),
    "holds_for_thinking_tokens<=": ("bounded", "without it the claim names no budget that it holds for"),
    "holds_for_effort<=": ("bounded", "without it the claim names no budget that it holds for"),
    "holds_for_turns<=": ("bounded", "without it the claim names no number of turns that it holds for"),
    "holds_for_loop_tokens<=": ("bounded", "without it the claim names no number of tokens that it holds for"),
    "holds_for_tries<=": ("bounded", "without it the claim names no number of tries that it holds for"),
    "basis": ("k-stated", "K means nothing without its basis"),
    "ref": ("k-stated", "K means nothing without its reference"),
    "k": ("k-stated", "a claim names the K of its budget, with basis and reference, and its tries"),
    "cost": ("k-stated", "a rung names its K, with basis and reference"),
    "low": ("interval", "a number comes with its interval"),
    "high": ("interval", "a number comes with its interval"),
    "level": ("interval", "an interval comes with its level"),
    "reason": ("null-reason", "a null estimate has a reason"),
    "p_adjusted": ("p-adjusted", "one of several tests is adjusted for the others"),
    "unit": ("unit", "a number comes with its unit"),
    "gates": ("gate-results", "every rung names its gates"),
    "gates_failed": ("gates-failed", "gates that failed are named"),
    "limits": ("left-open", "a claim says what it does not cover"),
    "not_tried": ("left-open", "what was not tried is named"),
    "does_not_say": ("left-open", "a statement says what it does not say"),
    "no_claim_beyond": ("left-open", "a statement says where it ends"),
    "deviations": ("deviations", "deviations from the plan are named"),
    "value_1_means": ("polarity", "a curve says what a value of 1 means"),
    "raw_high_means": ("polarity", "a curve says what a high raw score means"),
    "strength": ("strength", "a claim says how strong it is"),
    "extrapolated": ("extrapolated", "a claim says whether it was extrapolated"),
    "plan_sha256": ("hashes", "a statement names its evidence by hash"),
    "pool_sha256": ("hashes", "a statement names its evidence by hash"),
    "findings_sha256": ("hashes", "a statement names its evidence by hash"),
    "every_eval_ever": ("record", "a statement holds its Every Eval Ever record"),
    "created": ("date", "a statement has a date"),
}
"""Rule that is broken when a field is missing or of the wrong type, and its reason, by field."""


def parse_statement(text: str, name: str) -> Statement | tuple[Fault, ...]:
    """Return a statement from its text, or the faults of a malformed one.

    Args:
        text: The document.
        name: Name of the document in messages.

    Raises:
        InputError: The document is not JSON, not a statement, or has a newer or other schema.
    """
    document = _document(text, name)
    _check_schema(document, name)
    try:
        return Statement.model_validate_json(json.dumps(document), strict=True)
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
    match = re.fullmatch(r"overthink\.statement/(\d+)\.(\d+)\.(\d+)", schema)
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
