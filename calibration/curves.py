"""Curves of simulated studies into which values are put study by study."""

from collections.abc import Sequence

import numpy as np

from overthink.analysis.request import CurveContext
from overthink.data.ids import curve_ids
from overthink.data.outcomes import from_frame
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.plan.analysis import Analysis


def contexts(
    axis: Axis,
    budgets: Sequence[int],
    *,
    questions: int,
    draws: int = 1,
    arms: Sequence[str] = ("base",),
    margin: float = 0.05,
) -> list[CurveContext]:
    """Return a curve per arm, sorted by name; only base has good answers.

    Args:
        axis: Their axis.
        budgets: Thinking budgets, ascending.
        questions: Number of questions.
        draws: Traces of each.
        arms: Their arms.
        margin: Largest change that does not matter.
    """
    rows = [
        RungRecord(
            "s", arm, axis, "t", "m", f"q{question:03}", draw, rung, Estimand.FORCED,
            value=float(arm == "base"), requested_tokens=budget, thinking_tokens=budget, answer_tokens=10,
        )
        for arm in arms for question in range(questions) for draw in range(draws)
        for rung, budget in enumerate(budgets)
    ]  # fmt: skip
    curves = sorted(from_frame(pool_of(rows)), key=lambda curve: curve.key)
    analysis, weights = Analysis(level=0.95, margin=margin), np.zeros((0, 0), dtype=np.uint16)
    return [
        CurveContext.of(curve, analysis, prefix=prefix, scorers=1, family=1, weights=weights)
        for curve, prefix in zip(curves, curve_ids([curve.key for curve in curves]), strict=True)
    ]
