"""What a log says of its traces: the curve that was collected, without what was measured beside it."""

import asyncio
import math
from typing import Any

from inspect_ai.model import ModelName
from inspect_ai.scorer import Score, Target
from inspect_ai.solver import TaskState

from overthink.collect.session.task_run import RECORDS, curve_scorer
from overthink.data.record import ON_TRACE


def scores(column: str, rungs: list[str], rows: list[dict[str, Any]]) -> dict[str, float]:
    state = TaskState(ModelName("overthink/simulated"), sample_id="q", epoch=1, input="Why?", messages=[])
    state.store.set(RECORDS, rows)
    score = asyncio.run(curve_scorer("curve", column, rungs)(state, Target("")))
    assert isinstance(score, Score)
    assert isinstance(score.value, dict)
    return {rung: float(str(value)) for rung, value in score.value.items()}


def row(value: float | None, *, estimand: str = "forced", scorer: str = "match", **rung: Any) -> dict[str, Any]:
    return {"estimand": estimand, "scorer": scorer, "value": value} | rung


def test_controls_and_judged_thinking_are_no_rungs_of_the_curve() -> None:
    rows = [
        row(1.0, requested_tokens=0),
        row(0.0, requested_tokens=8),
        row(0.5, requested_tokens=0, estimand="resampled"),
        row(0.5, requested_tokens=8, estimand="truncated"),
        row(0.5, requested_tokens=8, scorer=f"match{ON_TRACE}"),
    ]
    assert scores("requested_tokens", ["0", "8"], rows) == {"0": 1.0, "8": 0.0}


def test_a_rung_without_a_value_is_not_a_number() -> None:
    seen = scores("effort", ["1 turn", "2 turns"], [row(None, estimand="checkpoint", effort="1 turn")])
    assert all(math.isnan(value) for value in seen.values())
    assert list(seen) == ["1 turn", "2 turns"]
