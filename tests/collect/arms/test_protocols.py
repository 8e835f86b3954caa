"""Others argue before a judge: who says what, what it costs, what a coin is, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedded import NAME, SERVER, require_embedded

import overthink
from overthink.analysis import Analysis
from overthink.analysis.oversight.judges import judge_ratings, judge_results
from overthink.analysis.request import CurveContext
from overthink.collect.arms.registry import arm_plans
from overthink.collect.ladder.solver import collect_ladder
from overthink.collect.sinks import TraceSink
from overthink.collect.tasks import debate as debate_task
from overthink.collect.tasks.debate import DEBATE
from overthink.data.kinds import Metric
from overthink.data.outcomes import from_frame
from overthink.data.pool import pool_of
from overthink.data.record import Estimand, RungRecord
from overthink.data.results.oversight_parts import JudgeResult
from overthink.data.verdict_labels import JudgeLabel
from overthink.errors import InputError
from overthink.plan.arms import protocol_arms, refuse_protocols
from overthink.plan.study import checked_plan

ARMS = (
    "base,debate:budget=64,tokens=40,rounds=1,consultancy:budget=64,tokens=40,critic:budget=64,tokens=40,"
    "critic:budget=64,speakers=coin,as=coin"
)
PAIRS = 12


def plan(model: str, **settings: Any) -> overthink.Plan:
    shared: dict[str, Any] = {
        "overthink": "0",
        "model": model,
        "tasks": overthink.tasks(capability=["overthink/debate"], safety=[], benign=[], args={}),
        "draws": 1,
        "seed": 2,
    }
    return checked_plan(**shared | settings)


def collected(study: overthink.Plan, logs: Path) -> list[RungRecord]:
    rows: list[RungRecord] = []
    keeper = TraceSink(done=(), sparse={}, on_thinking=lambda *_: None, on_trace=rows.extend)
    collect_ladder(overthink.prepare(study), study="s", log_dir=logs, sink=keeper)
    forced = [row for row in rows if row.estimand is Estimand.FORCED]
    return sorted(forced, key=lambda row: (row.arm, row.question, row.rung))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[RungRecord], list[CurveContext]]:
    """A judge that guesses at its lowest budget, and follows what others argue: rows, and curves."""
    arms = arm_plans(ARMS, model="overthink/simulated")
    truth = {"capability": "0:0.5,64:0.98", "question_sd": 0.0, "argument_gain": 4.0}
    own = plan("overthink/simulated", model_args=truth, budgets=(0, 64), limit=2 * PAIRS, arms=arms)
    rows = collected(own, tmp_path_factory.mktemp("judges"))
    analysis = Analysis(level=0.95, protocols=protocol_arms(arms))
    shared: dict[str, Any] = {"scorers": 1, "family": 1, "weights": np.zeros((0, 1))}
    tables = from_frame(pool_of(rows))
    return rows, [CurveContext.of(table, analysis, prefix=table.arm, **shared) for table in tables]


Collected = tuple[list[RungRecord], list[CurveContext]]


def judged(study: Collected, arm: str) -> JudgeResult:
    (result,) = [result for result in judge_results(study[1]) if result.key.arm == arm]
    return result


def rows(study: Collected, arm: str) -> list[RungRecord]:
    return [row for row in study[0] if row.arm == arm]


def test_every_pair_comes_in_both_orders() -> None:
    first, second = list(debate_task(size=3).dataset)[:2]
    assert (first.id, second.id) == ("debate-0000-1", "debate-0000-2")
    facts = [(sample.metadata or {})[DEBATE] for sample in (first, second)]
    assert [own["right"] for own in facts] == ["A", "B"]
    assert facts[0]["choices"]["A"] == facts[1]["choices"]["B"] != facts[0]["choices"]["B"]
    with pytest.raises(InputError, match="terms=1"):
        debate_task(terms=1)


def test_a_planted_gain_is_found_and_a_coin_gives_none(study: Collected) -> None:
    assert [rung.chance for rung in judged(study, "base").rungs] == [JudgeLabel.NOT_CHANCE, JudgeLabel.CHANCE]
    for arm in ("debate", "critic"):
        low, high = judged(study, arm).rungs
        assert low.verdict is JudgeLabel.BETTER
        assert low.recovered is not None
        assert low.recovered.estimate is not None
        assert low.recovered.estimate > 0.5
        assert high.recovered is None  # the judge thinks as long as the debaters
    for arm in ("coin", "consultancy"):  # a judge that follows either is misled where it would have been right
        low, high = judged(study, arm).rungs
        assert low.verdict is JudgeLabel.NOT_SHOWN
        assert high.verdict is not JudgeLabel.BETTER
    coin, assigned = judged(study, "coin"), judged(study, "consultancy")
    assert (coin.is_coin, coin.protocol, assigned.protocol) == (True, "critic", "assigned consultancy")


def test_an_assigned_consultant_is_for_the_wrong_answer_in_one_order_of_each_pair(study: Collected) -> None:
    """With a strong effect of the argument, a judge that guesses follows it: right in just one of both orders."""
    accuracy = judged(study, "consultancy").rungs[0].accuracy
    assert accuracy.estimate == pytest.approx(0.5, abs=0.08)
    values = {row.question: row.value for row in rows(study, "consultancy") if row.rung == 0}
    both = [values[f"debate-{pair:04d}-1"] != values[f"debate-{pair:04d}-2"] for pair in range(PAIRS)]
    assert sum(both) > 0.8 * PAIRS


def test_what_others_say_is_paid_once_and_counted_in_every_attempt(study: Collected) -> None:
    alone, others, coin = (rows(study, arm) for arm in ("base", "debate", "coin"))
    for own, plain, placebo in zip(others, alone, coin, strict=True):
        spoken = own.probe_tokens or 0
        assert 2 * 64 < spoken <= 2 * (64 + 40)
        assert (placebo.probe_tokens or 0) == 0
        assert (own.generated_tokens or 0) - (plain.generated_tokens or 0) == (spoken if own.rung == 0 else 0)
        assert (own.prompt_tokens or 0) > (placebo.prompt_tokens or 0) * (own.rung == 0)


def test_ratings_place_the_judge_that_thinks_longer_above(study: Collected) -> None:
    (rating,) = [own for own in judge_ratings(study[1]) if own.protocol == "assigned consultancy"]
    low, high = (finding.estimate for finding in rating.judges)
    assert low is not None
    assert high is not None
    assert low < high
    assert rating.nested is None  # a line needs three budgets on either side
    assert {finding.metric for finding in rating.debaters} == {Metric.DEBATER_ELO}


def test_others_cannot_argue_about_another_task_nor_be_two_protocols_nor_be_read_again() -> None:
    other = plan(
        "overthink/simulated",
        tasks=overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        budgets=(0,),
        draws=1,
        limit=1,
        arms=arm_plans("base,debate", model="overthink/simulated"),
    )
    with pytest.raises(InputError, match="needed: overthink/debate"):
        overthink.prepare(other)
    with pytest.raises(InputError, match="two protocols"):
        arm_plans("debate+critic", model="overthink/simulated")
    arms = arm_plans(ARMS, model="overthink/simulated")
    assert [own.budget for own in protocol_arms(arms)] == [64] * 4
    with pytest.raises(InputError, match="holds what others said"):
        refuse_protocols(arms, ["base", "debate"], "perturb")
    refuse_protocols(arms, ["base"], "perturb")


def test_a_debate_runs_on_the_embedded_model(tmp_path: Path) -> None:
    require_embedded()
    own = plan(
        NAME,
        model_args=SERVER,
        budgets=(0, 4),
        limit=1,
        answer_tokens=4,
        arms=arm_plans("critic:budget=4,tokens=8", model=NAME),
    )
    found = collected(own, tmp_path)
    assert [(row.arm, row.error) for row in found] == [("critic", None)] * 2
    assert all(4 <= (row.probe_tokens or 0) <= 4 * 12 for row in found)
