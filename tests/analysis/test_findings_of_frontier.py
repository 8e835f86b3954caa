"""What the report may say of the best use of a budget."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from core_pools import pool
from frontier_pools import table

from overthink.analysis.frontier import frontiers
from overthink.analysis.request import CurveContext
from overthink.data.finding import Finding
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Axis, Estimand
from overthink.data.results.study import findings_of
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

LEVEL = 0.95


def page_of(outcomes: Outcomes) -> CurveContext:
    weights = question_weights(len(outcomes.questions), rng=np.random.default_rng(0), resamples=20)
    return CurveContext.of(outcomes, Analysis(level=LEVEL), prefix="p", scorers=1, family=1, weights=weights)


def written(outcomes: Outcomes, seed: int = 0) -> list[Finding]:
    results = frontiers([page_of(outcomes)], rng=np.random.default_rng(seed))
    return [finding for result in results for finding in findings_of(result)]


def test_findings_say_what_to_choose_within_each_budget() -> None:
    every = written(table())
    found = [f for f in every if "_by_difficulty" not in f.metric]
    assert [f.metric for f in found] == ["best_value", "naive_best"] * 8
    assert len({f.id for f in every}) == len(every)
    assert [f.at.total for f in found[::2]] == sorted(f.at.total or 0 for f in found[::2])
    assert found[0].id == "p/frontier/best_value/10tokens"
    first, top = found[0], found[-2]
    assert (first.at.rung, first.at.k, first.at.selector) == (0, 1, "single")
    assert first.label == "within 10 tokens: one try at rung 0"
    assert (top.at.rung, top.at.requested_tokens, top.at.selector) == (2, 490, "majority")
    assert top.estimate == pytest.approx(0.92, abs=0.05)
    assert top.low is not None
    assert top.high is not None
    assert 0.7 < top.low < top.estimate <= top.high <= 1
    assert any("verifier costs is unknown" in limit for limit in top.limits)
    assert written(table(), seed=0) == every
    # Ids hang on what was asked and spent, not on what came out.
    other = written(replace(table(), values=1 - table().values))
    assert [f.id for f in other if "_by_difficulty" not in f.metric] == [f.id for f in found]


def test_findings_of_safety_are_the_attackers() -> None:
    every = written(replace(table(), axis=Axis.SAFETY))
    assert "worst_by_difficulty" in {f.metric for f in every}
    found = [f for f in every if "_by_difficulty" not in f.metric]
    assert {f.metric for f in found} == {"worst_value", "naive_worst"}
    worst = [f.estimate for f in found if f.metric == "worst_value"]
    assert worst[-1] == pytest.approx(0.0, abs=0.05)
    assert worst[0] == pytest.approx(0.3, abs=0.1)
    assert {f.at.selector for f in found} <= {"single", "worst"}


@pytest.mark.parametrize(
    ("outcomes", "reason"),
    [
        (lambda: table(thinking_tokens=None), "does not count the tokens"),
        (lambda: table(thinking_tokens=0, answer_tokens=0), "costs any tokens"),
        (lambda: few(table(), 9), "9 questions are too few"),
        (lambda: first_success(), "stopped at the first success"),
    ],
)
def test_without_a_frontier_a_reason_is_given(outcomes: Callable[[], Outcomes], reason: str) -> None:
    (one,) = written(outcomes())
    assert one.estimate is None
    assert one.reason is not None
    assert reason in one.reason


def test_controls_and_curves_without_a_choice_have_no_frontier() -> None:
    assert written(replace(table(), estimand=Estimand.SHAM)) == []
    (lone,) = from_records(pool(np.ones((12, 1, 1))))
    assert written(lone) == []


def few(outcomes: Outcomes, questions: int) -> Outcomes:
    arrays = {
        f.name: getattr(outcomes, f.name)[:questions].copy()
        for f in fields(outcomes)
        if isinstance(getattr(outcomes, f.name), np.ndarray)
    }
    return replace(outcomes, questions=outcomes.questions[:questions], **arrays)


def first_success() -> Outcomes:
    values = np.full((12, 4, 1), np.nan)
    for q in range(12):
        values[q, : q % 4 + 1] = 0.0
        values[q, q % 4] = 1.0
    (found,) = from_records(pool(values))
    return found
