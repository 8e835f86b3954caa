"""Where the runs of a ladder are not alike, no trend is claimed: no shape, no hypothesis, no onset of a divergence."""

from collections.abc import Mapping

import numpy as np
import pytest

from overthink.analysis import findings
from overthink.analysis.phrases import REASONS
from overthink.data.conditions import conditions_text
from overthink.data.finding import Finding
from overthink.data.hypothesis import Part
from overthink.data.kinds import Kind
from overthink.data.outcomes import from_frame, made_by_plan
from overthink.data.phrases import unknown_phrases
from overthink.data.pool import frame_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.verdict_labels import Direction, ShapeLabel
from overthink.plan.analysis import Analysis

BUDGETS = (1000, 4000)


def found(conditions: tuple[Mapping[str, str] | None, ...], *, by_plan: bool = False) -> list[Finding]:
    """Findings of a capability curve that rises and a safety curve that falls, with the conditions of their rungs."""
    rows = [
        RungRecord(
            *("s", "m", axis, axis.value, "score", f"q{question}", 0, rung, Estimand.EFFORT),
            value=float((rung == 1) == (axis is Axis.CAPABILITY)),
            requested_tokens=budget,
            thinking_tokens=budget,
            conditions=None if conditions[rung] is None else conditions_text(conditions[rung] or {}),
        )
        for axis in (Axis.CAPABILITY, Axis.SAFETY)
        for question in range(20)
        for rung, budget in enumerate(BUDGETS)
    ]
    tables = from_frame(frame_of(rows))
    parts = (Part(Direction.UP, 2000.0), Part(Direction.UP, None))
    how = Analysis(level=0.95, hypothesis=(2000.0,), parts=parts)
    return list(findings(made_by_plan(tables, {"m"} if by_plan else ()), how, rng=np.random.default_rng(1)))


@pytest.mark.parametrize("name", ["role.grader", "task_version", "temperature"])
def test_no_trend_is_claimed(name: str) -> None:
    claims = found(({name: "1"}, {name: "2"}))
    trends = [
        f for f in claims if f.kind in (Kind.SHAPE, Kind.HYPOTHESIS) and f.metric in ("max_t", "regimes", "whole")
    ]
    assert len(trends) == 6
    assert {f.label for f in trends if f.kind == Kind.SHAPE} == {ShapeLabel.UNDETERMINED}
    assert {f.label for f in trends if f.kind == Kind.HYPOTHESIS} == {"not_shown"}
    onset = next(f for f in claims if f.kind == Kind.DIVERGENCE and f.metric == "onset")
    assert onset.low is None
    for claim in (*trends, onset):
        assert (claim.reason or "").startswith("withheld: the runs are not alike: `")
        assert "comparability" in claim.gates_failed
        assert len(claim.gates_failed) == len(set(claim.gates_failed))
    assert unknown_phrases([claim.reason or "" for claim in trends], REASONS) == ()


@pytest.mark.parametrize(("stated", "by_plan"), [({"a": "1"}, False), (None, False), (None, True)])
def test_alike_unknown_and_planned_runs_keep_their_verdicts(stated: dict[str, str] | None, *, by_plan: bool) -> None:
    claims = found((stated, stated), by_plan=by_plan)
    shapes = {(f.axis, f.label) for f in claims if f.kind == Kind.SHAPE and f.metric == "max_t"}
    assert shapes == {("capability", "up"), ("safety", "down")}
    labels = [f.label for f in claims if f.metric == "comparability"]
    assert labels == ([] if by_plan else [None if stated is None else "passed"] * 4)
