"""Traces that ended by themselves have one answer at every higher budget: equality there shows nothing."""

from typing import Any

import numpy as np
import pytest
from core_pools import pool

from overthink.analysis import findings
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.plan.analysis import Analysis

QUESTIONS, DRAWS, RUNGS = 150, 4, 6


def shape(values: np.ndarray[Any, Any], ended_from: int | None) -> Finding:
    """The verdict where all traces had ended by a rung, or none had."""
    rung = np.broadcast_to(np.arange(RUNGS), values.shape)
    ended = np.zeros(values.shape, dtype=object) == 1 if ended_from is None else rung >= ended_from
    budgets = np.broadcast_to(np.array([0, 8, 16, 32, 64, 128], dtype=object), values.shape)
    rows = pool(values, natural_end=ended.astype(object), requested_tokens=budgets, thinking_tokens=budgets)
    analysis = Analysis(level=0.95, margin=0.05)
    results = findings(from_records(rows), analysis, rng=np.random.default_rng(1))
    [verdict] = [f for f in results if f.kind == "shape" and f.metric == "max_t"]
    assert "natural_end" not in verdict.gates_failed
    return verdict


def answers(means: list[float], same_from: int) -> np.ndarray[Any, Any]:
    """Draws with these means; from a rung on each trace keeps its answer."""
    uniform = np.random.default_rng(2).random((QUESTIONS, DRAWS, RUNGS))
    values = (uniform < means).astype(float)
    values[:, :, same_from:] = values[:, :, same_from : same_from + 1]
    return values


@pytest.mark.parametrize(("ended_from", "label"), [(None, "flat"), (3, "undetermined"), (0, "undetermined")])
def test_equal_answers_of_traces_that_ended_are_not_flat(ended_from: int | None, label: str) -> None:
    verdict = shape(answers([0.5] * RUNGS, same_from=0), ended_from)
    assert verdict.label == label
    assert (verdict.reason or "").startswith("had ended: ") == (ended_from is not None)


def test_a_rise_that_stops_where_the_model_stops_is_a_rise_and_not_saturation() -> None:
    values = answers([0.2, 0.5, 0.8, 0.95, 0.95, 0.95], same_from=3)
    control, ended = shape(values, None), shape(values, 3)
    assert (control.label, ended.label) == ("saturating", "up")
    assert any(limit.startswith("had ended: ") and "by 32 tokens" in limit for limit in ended.limits)
    assert ended.test is not None
    assert ended.test.p is not None
    assert ended.test.p <= 0.05


def test_traces_that_end_only_at_the_top_spoil_nothing() -> None:
    assert shape(answers([0.5] * RUNGS, same_from=0), 5).label == "flat"
