"""What a checker finds wrong: which rule, where in the statement, and why."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from overthink.govern.statement import Claim, Statement
from overthink.govern.statement_curve import Curve, Number, Point


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a statement.

    Attributes:
        rule: Name of the rule that it breaks.
        where: Path in the statement.
        reason: What is wrong, with what was seen and what was needed.
    """

    rule: str
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.where}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that every statement keeps: its name, why it exists, and what finds breaches of it."""

    name: str
    why: str
    find: Callable[[Statement], Iterator[tuple[str, str]]]

    def faults(self, statement: Statement) -> Iterator[Fault]:
        """Every breach in the statement."""
        return (Fault(self.name, where, reason) for where, reason in self.find(statement))


def by_id(statement: Statement) -> Mapping[str, Curve]:
    """The curves by name."""
    return {curve.id: curve for curve in statement.curves}


def own_points(claim: Claim, curve: Curve) -> tuple[Point, Point] | None:
    """The rung a claim sits at and the one it starts from; None where the curve has no such rung.

    A claim on the whole curve sits at the highest rung and starts from the lowest; a level starts where it sits.
    """
    if claim.type == "shape":
        return curve.points[-1], curve.points[0]
    there = {point.rung: point for point in curve.points}
    at = there.get(-1 if claim.at.rung is None else claim.at.rung)
    start = at if claim.at.from_rung is None else there.get(claim.at.from_rung)
    return None if at is None or start is None else (at, start)


def numbers(statement: Statement) -> Iterator[tuple[str, Number]]:
    """Every number with its path."""
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


def close(one: float | None, other: float | None, *, relative: float = 1e-6) -> bool:
    """Whether two numbers are the same up to rounding; unknown is only the same as unknown."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= max(1e-9, relative * max(abs(one), abs(other)))
