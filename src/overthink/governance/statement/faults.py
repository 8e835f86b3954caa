"""Faults of a statement: rule, path in the statement, and reason; and helpers of the rules."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from overthink.governance.statement.schema import Claim, Statement
from overthink.governance.statement.curve_schema import Curve, Number, Point

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


def close(a: float | None, b: float | None, *, relative: float = 1e-6) -> bool:
    """Return whether two numbers are equal up to rounding; None equals only None."""
    if a is None or b is None:
        return a is b
    return abs(a - b) <= max(1e-9, relative * max(abs(a), abs(b)))
