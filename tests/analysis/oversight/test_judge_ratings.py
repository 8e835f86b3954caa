"""Ratings of judges from small tables."""

import warnings

import numpy as np

from overthink.analysis import Analysis
from overthink.analysis.oversight.judges import ONE_LINE, judge_ratings
from overthink.analysis.request import CurveContext
from overthink.data.outcomes import from_frame
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.plan.arms import ProtocolArm

BUDGETS, PAIRS = (0, 16, 64), 12


def test_a_judge_without_a_verdict_at_a_rung_has_no_line_of_ratings_and_gives_no_warning() -> None:
    rng, arms = np.random.default_rng(1), ("base", "debate16", "debate64", "debate256")
    rows = [
        RungRecord(
            "s", arm, Axis.CAPABILITY, "overthink/debate", "m", f"debate-{pair:04}-{order}", 0, rung, Estimand.FORCED,
            value=None if arm == "base" and rung == 0 else float(rng.random() < 0.6), requested_tokens=budget,
        )
        for arm in arms for pair in range(PAIRS) for order in (1, 2) for rung, budget in enumerate(BUDGETS)
    ]  # fmt: skip
    protocols = tuple(ProtocolArm(arm, "debate", int(arm[6:]), is_coin=False) for arm in arms[1:])
    analysis, weights = Analysis(level=0.95, protocols=protocols), np.zeros((0, 0))
    contexts = [
        CurveContext.of(curve, analysis, prefix=curve.arm, scorers=1, family=1, weights=weights)
        for curve in from_frame(pool_of(rows))
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (rating,) = judge_ratings(contexts)
    assert rating.nested is not None
    assert (rating.nested.estimate, rating.nested.reason) == (None, ONE_LINE)
