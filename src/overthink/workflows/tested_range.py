"""Tested range of each curve on the K axis: budgets as multiples of the reference, with values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from overthink.analysis.request import CONTROL_ESTIMANDS
from overthink.cost.units import budget_multiple
from overthink.data.finding import Finding
from overthink.data.record import ON_TRACE
from overthink.reports.curve_tree import report_curves


@dataclass(frozen=True, slots=True)
class TestedRange:
    """Budgets of one curve as K, with values.

    Attributes:
        axis: Axis of the curve.
        task: Task of the curve.
        arm: Arm of the curve.
        reference: Tokens of one attempt at K = 1.
        k: K of each rung that has a value and a token count, lowest rung first.
        value: Value at each of these rungs, from 0 to 1.
    """

    axis: str
    task: str
    arm: str
    reference: float
    k: tuple[float, ...]
    value: tuple[float, ...]

    @property
    def key(self) -> str:
        """Key in ``About.reference``."""
        return f"{self.axis}/{self.task}/{self.arm}"

    @property
    def top(self) -> float:
        """Highest K."""
        return max(self.k)


def tested_ranges(findings: Sequence[Finding], reference: Mapping[str, float]) -> tuple[TestedRange, ...]:
    """Return the tested range of every curve with K values; controls are excluded.

    Args:
        findings: All findings of a study.
        reference: Tokens of one attempt at K = 1, by ``"axis/task/arm"``.
    """
    ranges = []
    for curve in report_curves(findings, reference):
        if curve.reference is None or not curve.reference > 0:
            continue
        if curve.estimand in CONTROL_ESTIMANDS or curve.judge.endswith(ON_TRACE):
            continue
        pairs = [
            (attempt.estimate, rung.mean.estimate)
            for rung in curve.rungs
            if rung.mean is not None and (attempt := rung.tokens.get("attempt_tokens")) is not None
        ]
        points = [(tokens, value) for tokens, value in pairs if _number(tokens) and _number(value)]
        if points:
            k = budget_multiple([tokens for tokens, _ in points], reference=curve.reference)
            of = (curve.axis, curve.task, curve.arm, curve.reference)
            ranges.append(TestedRange(*of, tuple(map(float, k)), tuple(value for _, value in points)))
    return tuple(ranges)


def _number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
