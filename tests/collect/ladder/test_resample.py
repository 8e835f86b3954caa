"""Thinking anew from the rungs: a planted commitment is found where it is, and every token is paid."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import overthink
from overthink.data.pool import records_of
from overthink.data.record import Estimand, RungRecord
from overthink.plan.study import Plan, checked_plan
from overthink.workflows.analyse import Study, report

STEP = 12
BUDGETS = tuple(STEP * n for n in range(7))


def plan(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "model_args": {"capability": "0:0.5", "question_sd": 0.0, "step_tokens": STEP, "commit_step": 3},
        "tasks": overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        "budgets": BUDGETS,
        "draws": 2,
        "limit": 4,
        "seed": 2,
        "resamples": 8,
    }
    return checked_plan(**fields | changes)


def collected(folder: Path, **changes: Any) -> Study:
    return overthink.run(overthink.prepare(plan(**changes)), folder / "s")


def anew(study: Study) -> list[RungRecord]:
    return [row for row in records_of(study.pool) if row.estimand == Estimand.RESAMPLED]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return collected(tmp_path_factory.mktemp("resampled"))


def test_a_planted_commitment_step_is_found(study: Study) -> None:
    shares = defaultdict(list)
    for row in anew(study):
        shares[row.rung].append(row.value)
    for rung in range(7):
        settled = {0.0, 1.0} >= set(shares[rung])
        assert settled == (rung >= 3)
    (committed,) = study.find(kind="commitment", metric="committed")
    assert committed.estimate is not None
    assert committed.estimate > 0.9
    (tokens,) = study.find(kind="commitment", metric="commitment_tokens")
    assert tokens.estimate == pytest.approx(3 * STEP, abs=3)


@pytest.mark.simulation
def test_a_trace_that_never_commits_is_not_said_to(tmp_path: Path) -> None:
    open_ended = collected(tmp_path, draws=1, model_args={"capability": "0:0.5", "question_sd": 0.0, "commit_step": 99})
    (committed,) = open_ended.find(kind="commitment", metric="committed")
    assert committed.estimate is not None
    assert committed.estimate <= 0.2
    assert 0.4 < np.mean([row.value for row in anew(open_ended)]) < 0.6  # type: ignore[misc]


def test_the_cost_is_charged_to_the_rows(tmp_path: Path, counted: list[int]) -> None:
    small = collected(tmp_path, limit=2, draws=1, resamples=4, model_args={"natural_length": 50.0})
    assert sum((r.prompt_tokens or 0) + (r.generated_tokens or 0) for r in records_of(small.pool)) == sum(counted)
    forced = [row for row in records_of(small.pool) if row.estimand == Estimand.FORCED]
    assert sum((r.prompt_tokens or 0) + (r.generated_tokens or 0) for r in forced) < sum(counted) / 2


@pytest.mark.long
def test_bisecting_looks_only_where_outcomes_differ_and_finds_the_same(study: Study, tmp_path: Path) -> None:
    some = collected(tmp_path, resample_at="bisect")
    every = {(r.question, r.draw, r.rung): r.value for r in anew(study)}
    looked = {(r.question, r.draw, r.rung): r.value for r in anew(some)}
    assert looked.items() <= every.items()  # the same seeds, so the same outcomes
    assert len(looked) < 0.8 * len(every)
    (committed,) = some.find(kind="commitment", metric="committed")
    assert committed.estimate is not None
    assert committed.estimate > 0.7


def test_a_report_made_again_says_the_same(study: Study) -> None:
    assert study.folder is not None
    again = report(study.folder.path)
    assert again.find(kind="commitment") == study.find(kind="commitment")
