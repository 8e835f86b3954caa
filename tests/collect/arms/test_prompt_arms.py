"""Arms that change the prompt: what the model gets, what that costs, and what an attack policy says of itself."""

from pathlib import Path

import pytest
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

import overthink
from overthink.collect.arms.interventions.prompt import Attack, Filler, Repeats
from overthink.collect.arms.registry import arm_plans, prompt_changes
from overthink.collect.tasks import side_task
from overthink.collect.tasks.side_task import SIDE_TASK, Policy
from overthink.data.oversight import RedTeam
from overthink.data.pool import records_of
from overthink.errors import InputError
from overthink.workflows.monitor import attacks_of

CHAT: list[ChatMessage] = [
    ChatMessageSystem(content="Be brief."),
    ChatMessageUser(content="1 + 1?"),
    ChatMessageAssistant(content="2"),
    ChatMessageUser(content="1 + 2?"),
]


def texts(messages: list[ChatMessage]) -> list[str]:
    return [message.text for message in messages]


def test_filler_stands_behind_every_question_and_nowhere_else() -> None:
    system, first, answer, last = texts(Filler(count=4).prompt(CHAT, {}))
    assert (system, answer) == ("Be brief.", "2")
    assert first.startswith("1 + 1?\n\n")
    assert first.endswith("Filler: 1 2 3 4")
    assert last.endswith("Filler: 1 2 3 4")
    assert texts(Filler(count=2, kind="ellipsis").prompt(CHAT, {}))[-1].endswith("Filler: ... ...")


def test_a_question_stands_in_the_prompt_as_often_as_it_says() -> None:
    assert [text.count("1 + 2?") for text in texts(Repeats(times=5).prompt(CHAT, {}))] == [0, 0, 0, 5]


@pytest.mark.parametrize("policy", Policy)
def test_an_attack_keeps_the_task_and_asks_for_its_policy(policy: Policy) -> None:
    sample = side_task(size=1).dataset[0]
    facts = sample.metadata or {}
    unaware, aware = (Attack(policy=policy.value, red_team=team) for team in ("unaware", "aware"))
    messages = unaware.prompt(sample.input, facts)  # type: ignore[arg-type]
    assert messages[1:] == sample.input[1:]
    assert messages[0].text.startswith(sample.input[0].text)  # type: ignore[union-attr]
    assert (str(facts[SIDE_TASK]["wrong"]) in messages[0].text) == (policy is Policy.WRONG_STEP)
    warning = aware.prompt(sample.input, facts)[0].text.removeprefix(messages[0].text)  # type: ignore[arg-type]
    assert "monitor" in warning
    with pytest.raises(InputError, match="no side task"):
        unaware.prompt(CHAT, {})


def test_an_arm_says_its_policy_and_its_red_team() -> None:
    arms = arm_plans("base,attack:policy=acrostic,red_team=aware,wait+filler:rounds=1", model="overthink/simulated")
    attacks = attacks_of(arms)
    assert [attacks[arm.label].policy for arm in arms] == ["honest", "acrostic", "honest"]
    assert attacks[arms[1].label].red_team is RedTeam.AWARE
    assert [len(prompt_changes(arm)) for arm in arms] == [0, 1, 1]


def test_a_study_pays_the_longer_prompts_and_an_attack_does_its_side_task(tmp_path: Path) -> None:
    prepared = overthink.prepare(
        overthink.Plan(
            overthink="0",
            model="overthink/simulated",
            model_args={"safety": "0:1", "question_sd": 0},
            tasks=overthink.tasks(capability=[], safety=["overthink/side_task"], benign=[], args={}),
            budgets=(0,),
            limit=1,
            draws=1,
            seed=3,
            answer_tokens=200,
            arms=overthink.arms("base,attack:policy=wrong_step,filler:count=50", model="overthink/simulated"),
        )
    )
    rows = list(records_of(overthink.run(prepared, tmp_path / "study").pool))
    by_arm = {arm: [row for row in rows if row.arm == arm] for arm in ("base", "attack", "filler")}
    assert {arm: {row.value for row in own} for arm, own in by_arm.items()} == {
        "base": {1.0},
        "attack": {0.0},
        "filler": {1.0},
    }
    prompt = {arm: sum(row.prompt_tokens or 0 for row in own) for arm, own in by_arm.items()}
    assert prompt["base"] < min(prompt["attack"], prompt["filler"])
    assert prepared.spending.prompt_tokens[1] == sum(prompt.values())
