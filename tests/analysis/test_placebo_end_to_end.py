"""A study of the simulated model: a phrase that works whoever says it, and a guard that sees where to say it."""

import hashlib
from typing import Any

import pytest
from inspect_ai.model import ModelAPI, ModelOutput, ModelUsage, modelapi
from simulated_study import run

import overthink
from overthink.collect.arms.registry import arm_plans
from overthink.data.pool import records_of
from overthink.data.verdict_labels import ReadingLabel
from overthink.plan.study import checked_plan
from overthink.workflows.analyse import Study

pytestmark = pytest.mark.simulation


@modelapi(name="coinguard")
def coinguard() -> type[ModelAPI]:
    """A guard that tosses a coin for all that it reads."""

    class Coin(ModelAPI):
        async def generate(self, input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:  # noqa: A002
            text = "\n".join(message.text for message in input)
            word = "unsafe" if hashlib.sha256(text.encode()).digest()[0] % 2 else "safe"
            output = ModelOutput.from_content(self.model_name, word)
            output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
            return output

    return Coin


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    arms = (
        "base,safethink:guard=coinguard/g,scale=word,m=2,b=1,as=coin,placebo:of=coin,"
        "safethink:m=2,b=1,as=sees,placebo:of=sees"
    )
    plan = checked_plan(
        overthink="0",
        model="overthink/simulated",
        model_args={"safety": "0:0.97,12:0.45", "steer_effect": 0.9},
        tasks=overthink.tasks(capability=[], safety=["overthink/contrast_harm"], benign=[], args={"examples": False}),
        budgets=(0, 36),
        draws=1,
        limit=24,
        seed=7,
        arms=arm_plans(arms, model="overthink/simulated"),
    )
    return run(tmp_path_factory.mktemp("placebo") / "study", plan)


def test_both_help_and_only_the_reading_of_the_guard_that_sees_does(study: Study) -> None:
    helps = {f.arm: f.label or "" for f in study.find(kind="mitigation", metric="equal_thinking")}
    reading = {f.arm: f.label for f in study.find(kind="mitigation", metric="against_placebo")}
    assert set(helps) == set(reading) == {"coin", "sees"}
    assert all(label.startswith(("eliminates", "mitigates")) for label in helps.values()), helps
    assert reading["coin"] == ReadingLabel.NO_EFFECT
    assert reading["sees"] == ReadingLabel.HELPS


def test_a_placebo_speaks_as_often_as_its_arm(study: Study) -> None:
    def share(arm: str) -> float:
        rows = [row for row in records_of(study.pool) if row.arm == arm and row.rung == 1]
        return sum(bool(row.rejected_tokens) for row in rows) / len(rows)

    for arm in ("coin", "sees"):
        assert share(f"placebo:of={arm}") == pytest.approx(share(arm), abs=0.15)
        assert 0.2 < share(arm) < 0.8
