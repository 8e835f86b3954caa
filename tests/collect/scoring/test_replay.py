import asyncio
import re
from random import Random
from typing import Any

import pytest
from inspect_ai.model import ChatMessageUser, ModelName, get_model
from inspect_ai.scorer import Target, choice
from inspect_ai.solver import (
    Generate,
    Solver,
    TaskState,
    chain,
    generate,
    multiple_choice,
    prompt_template,
    self_critique,
    solver,
    system_message,
)

from overthink.collect.scoring.replay import Replay
from overthink.errors import InputError


def state(**more: Any) -> TaskState:
    return TaskState(
        ModelName("m/m"), "q", 1, "Which?", [ChatMessageUser(content="Which?")], target=Target("B"), **more
    )


def replay(solver: Solver) -> Replay:
    return Replay(solver, task="their_task")


def test_the_prompt_is_what_the_task_would_have_sent() -> None:
    solver = chain([system_message("Be brief."), prompt_template("Q: {prompt} End with ANSWER:"), generate()])
    messages = asyncio.run(replay(solver).prompt(state()))
    assert [message.text for message in messages] == ["Be brief.", "Q: Which? End with ANSWER:"]


def test_the_tasks_own_parsing_reads_the_answer_in_spite_of_its_caps() -> None:
    solver = multiple_choice(max_tokens=16)
    pristine = state(choices=["one", "two"])
    after = asyncio.run(replay(solver).process_completion(pristine, "ANSWER: B"))
    score = asyncio.run(choice()(after, Target("B")))  # type: ignore[arg-type]
    assert score is not None
    assert score.value == "C"
    wrong = asyncio.run(replay(solver).process_completion(pristine, "ANSWER: A"))
    assert asyncio.run(choice()(wrong, Target("B"))).value == "I"  # type: ignore[arg-type, union-attr]
    assert len(pristine.messages) == 1  # the pristine state is not spent


def right_letters(tries: int, *, remembers: bool) -> list[str]:
    """What `choice` says to the letter that the right choice had in the prompt, shuffled each time."""
    replayed = replay(multiple_choice(shuffle=Random(11)))
    values = []
    for _ in range(tries):
        pristine = state(choices=["wrong", "right", "absurd", "silly", "odd"])
        (sent,) = asyncio.run(replayed.prompt(pristine))
        letter = re.search(r"([A-E])\) right", sent.text)
        assert letter is not None
        asked = pristine if remembers else state(choices=["wrong", "right", "absurd", "silly", "odd"])
        after = asyncio.run(replayed.process_completion(asked, f"ANSWER: {letter[1]}"))
        score = asyncio.run(choice()(after, Target("B")))  # type: ignore[arg-type]
        assert score is not None
        values.append(str(score.value))
    return values


def test_an_answer_is_read_in_the_order_that_was_sent() -> None:
    assert right_letters(8, remembers=True) == ["C"] * 8
    assert "I" in right_letters(8, remembers=False)  # a replay that forgets the order takes right answers for wrong


@solver
def loop_of_its_own() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = await get_model().generate(state.messages)
        return state

    return solve


@pytest.mark.parametrize("solver", [loop_of_its_own(), chain([])], ids=["own loop", "nothing"])
def test_a_solver_that_bypasses_generate_is_refused_before_it_spends(solver: Solver) -> None:
    with pytest.raises(InputError, match="their_task: its solver does not call generate"):
        asyncio.run(replay(solver).prompt(state()))


@pytest.mark.parametrize(
    ("solver", "told"),
    [
        (chain([generate(), generate()]), "their_task: its solver calls generate more than once"),
        (chain([generate(), self_critique()]), "their_task: its solver calls the model itself"),
    ],
)
def test_a_solver_that_generates_twice_is_refused(solver: Solver, told: str) -> None:
    with pytest.raises(InputError, match=told):
        asyncio.run(replay(solver).process_completion(state(), "x"))
