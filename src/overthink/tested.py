"""What a study tested on the K axis: the budgets of each curve as multiples of its reference, with their values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from overthink.core.compute import budget_multiple
from overthink.core.controls import ON_TRACE
from overthink.core.finding import Finding
from overthink.core.findings.page import CONTROLS
from overthink.present.layout import curves


@dataclass(frozen=True, slots=True)
class Tested:
    """The budgets of one curve as K.

    Attributes:
        axis: What it measures.
        task: Its task.
        arm: What was compared.
        reference: Tokens of one attempt at K = 1.
        k: K of each rung that has a value and a token count, lowest rung first.
        value: The value there, from 0 to 1.
    """

    axis: str
    task: str
    arm: str
    reference: float
    k: tuple[float, ...]
    value: tuple[float, ...]

    @property
    def key(self) -> str:
        """Its name in ``About.reference``."""
        return f"{self.axis}/{self.task}/{self.arm}"

    @property
    def top(self) -> float:
        """The highest K that was tested."""
        return max(self.k)


def tested_curves(findings: Sequence[Finding], reference: Mapping[str, float]) -> tuple[Tested, ...]:
    """The curves that have a place on the K axis; controls stand on the ladder of their curve and are left out.

    Args:
        findings: All findings of a study.
        reference: By ``"axis/task/arm"``: tokens of one attempt at K = 1.
    """
    made = []
    for curve in curves(findings, reference):
        if curve.reference is None or not curve.reference > 0:
            continue
        if curve.estimand in CONTROLS or curve.judge.endswith(ON_TRACE):
            continue
        places = [
            (attempt.estimate, rung.mean.estimate)
            for rung in curve.rungs
            if rung.mean is not None and (attempt := rung.tokens.get("attempt_tokens")) is not None
        ]
        known = [(tokens, value) for tokens, value in places if _number(tokens) and _number(value)]
        if known:
            k = budget_multiple([tokens for tokens, _ in known], reference=curve.reference)
            of = (curve.axis, curve.task, curve.arm, curve.reference)
            made.append(Tested(*of, tuple(map(float, k)), tuple(value for _, value in known)))
    return tuple(made)


def _number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
