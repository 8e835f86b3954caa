"""Tasks as people have them, unmodified, from the plan to the rows of the pool, on the simulated model."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from inspect_ai import Epochs, Task, task
from inspect_ai.agent import react
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import (
    Score,
    Scorer,
    Target,
    accuracy,
    choice,
    includes,
    match,
    mean,
    mean_score,
    multi_scorer,
    pattern,
    scorer,
)
from inspect_ai.solver import (
    Generate,
    Solver,
    TaskState,
    basic_agent,
    chain_of_thought,
    generate,
    multiple_choice,
    prompt_template,
    solver,
    system_message,
    use_tools,
)
from inspect_ai.tool import Tool, tool

import overthink
from overthink.collect.scoring.polarity import task_plan
from overthink.data.pool import records_of
from overthink.data.record import RungRecord, Verdict
from overthink.errors import InputError
from overthink.plan.study import Plan, checked_plan


def plan(name: str, *, axis: str = "capability", **changes: object) -> Plan:
    fields: dict[str, object] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "model_args": {axis: "flat", "natural_length": 12},
        "tasks": (task_plan(name, axis, args={}),),  # type: ignore[arg-type]
        "budgets": (0, 8, 32),
        "draws": 2,
        "seed": 3,
        "answer_tokens": 64,
    }
    return checked_plan(**(fields | changes))


def rows(folder: Path, name: str, **changes: Any) -> list[RungRecord]:
    return list(records_of(overthink.run(overthink.prepare(plan(name, **changes)), folder / "study").pool))


def registered(build: Callable[[], Task], name: str) -> str:
    """The task under a name by which a plan finds it."""
    task(name=name)(build)
    return name


def question(good: str, bad: str, **more: Any) -> Sample:
    defaults: dict[str, Any] = {"id": "q", "input": "What is 6 × 7?", "target": "42"}
    return Sample(**(defaults | more), metadata={"simulated": {"good": good, "bad": bad}} | more.pop("metadata", {}))


NUMBER = question("ANSWER: 42", "ANSWER: 41")
LETTER = question("ANSWER: B", "ANSWER: A", choices=["41", "42", "43"], target="B")


def means(found: list[RungRecord]) -> set[tuple[float | None, str]]:
    return {(row.value, str(row.verdict)) for row in found}


@scorer(metrics={"*": [mean()]})
def several_values() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value={"harm": "42" in state.output.completion, "tone": 0.5})

    return score


@scorer(metrics=[accuracy()])
def by_metadata() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=state.metadata["simulated"]["good"] in state.output.completion)

    return score


@solver
def told_by_setup() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.metadata["told"] = True
        state.messages.insert(0, ChatMessageSystem(content="Setup was here."))
        return state

    return solve


@scorer(metrics=[accuracy()])
def needs_setup() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        assert state.messages[0].text == "Setup was here."
        return Score(value=state.metadata["told"] and "42" in state.output.completion)

    return score


@scorer(metrics=[accuracy()])
def by_whole_reply() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        usage, reply = state.output.usage, state.messages[-1]
        assert usage is not None
        assert reply is state.output.message
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens
        assert usage.output_tokens > (usage.reasoning_tokens or 0) > 0 or usage.reasoning_tokens == 0
        return Score(value="42" in reply.text, explanation=state.output.stop_reason)

    return score


FEW_SHOT = [
    ChatMessageSystem(content="Answer with a number."),
    ChatMessageUser(content="2 × 2?"),
    ChatMessageAssistant(content="ANSWER: 4"),
    ChatMessageUser(content="6 × 7?"),
]

READABLE: dict[str, tuple[Callable[[], Task], str]] = {
    "plain": (lambda: Task(dataset=[NUMBER], solver=generate(), scorer=match(numeric=True)), ""),
    "templates": (
        lambda: Task(
            dataset=[NUMBER],
            solver=[system_message("Be brief."), prompt_template("Q: {prompt}"), chain_of_thought(), generate()],
            scorer=match(numeric=True),
        ),
        "",
    ),
    "few_shot": (
        lambda: Task(
            dataset=[question("ANSWER: 42", "ANSWER: 41", input=FEW_SHOT)], solver=generate(), scorer=includes()
        ),
        "",
    ),
    "choice": (lambda: Task(dataset=[LETTER], solver=multiple_choice(max_tokens=4), scorer=choice()), ""),
    "choice_cot": (lambda: Task(dataset=[LETTER], solver=multiple_choice(cot=True), scorer=choice()), ""),
    "choice_several": (
        lambda: Task(
            dataset=[question("ANSWER: A,C", "ANSWER: A", choices=["1", "2", "3"], target=["A", "C"])],
            solver=multiple_choice(multiple_correct=True),
            scorer=choice(),
        ),
        "",
    ),
    "shuffled_dataset": (
        lambda: Task(
            dataset=_shuffled(question("ANSWER: ?", "ANSWER: ?", choices=["41", "42", "43"], target="B")),
            solver=multiple_choice(),
            scorer=choice(),
        ),
        "",
    ),
    "pattern": (lambda: Task(dataset=[NUMBER], solver=generate(), scorer=pattern(r"ANSWER: (\d+)")), ""),
    "metadata": (lambda: Task(dataset=[NUMBER], solver=generate(), scorer=by_metadata()), ""),
    "setup": (lambda: Task(dataset=[NUMBER], setup=told_by_setup(), solver=generate(), scorer=needs_setup()), ""),
    "two_scorers": (
        lambda: Task(dataset=[NUMBER], solver=generate(), scorer=[includes(), match(numeric=True)]),
        "@match",
    ),
    "dict": (lambda: Task(dataset=[NUMBER], solver=generate(), scorer=several_values()), "@several_values.harm"),
    "limited": (
        lambda: Task(
            dataset=[NUMBER],
            solver=[system_message("Be brief."), generate()],
            scorer=includes(),
            message_limit=2,
            token_limit=1,
            turn_limit=1,
            time_limit=0,
            working_limit=0,
        ),
        "",
    ),
    "own_model": (lambda: Task(dataset=[NUMBER], solver=generate(), scorer=includes(), model="mockllm/model"), ""),
    "usage": (lambda: Task(dataset=[NUMBER], solver=generate(), scorer=by_whole_reply()), ""),
    "voted": (
        lambda: Task(
            dataset=[NUMBER],
            solver=generate(),
            scorer=multi_scorer([includes(), match(numeric=True), includes()], "mode"),
        ),
        "",
    ),
    "reducers": (
        lambda: Task(
            dataset=[NUMBER],
            solver=generate(),
            scorer=includes(),
            epochs=Epochs(4, [mean_score(), "pass_at_2"]),
            config=GenerateConfig(max_tokens=1, temperature=0),
        ),
        "",
    ),
}


def _shuffled(sample: Sample) -> MemoryDataset:
    dataset = MemoryDataset([sample])
    dataset.shuffle_choices(seed=5)
    right = dataset[0].target
    wrong = "A" if right != "A" else "B"
    dataset[0].metadata = {"simulated": {"good": f"ANSWER: {right}", "bad": f"ANSWER: {wrong}"}}
    return dataset


@pytest.mark.parametrize("shape", READABLE)
@pytest.mark.parametrize(("always", "value", "verdict"), [(1.0, 1.0, "correct"), (0.0, 0.0, "wrong")])
def test_a_task_of_this_shape_is_scored_as_its_author_meant(
    shape: str, always: float, value: float, verdict: str, tmp_path: Path
) -> None:
    build, scorer_name = READABLE[shape]
    name = registered(build, f"shape_{shape}")
    found = rows(tmp_path, name + scorer_name, model_args={"capability": f"0:{always}", "natural_length": 12})
    assert len(found) == 2 * 3
    assert means(found) == {(value, verdict)}


def test_limits_and_model_of_a_task_are_noted() -> None:
    task_of_theirs = {"model": "mockllm/model", "message_limit": 9, "time_limit": 60}
    name = registered(
        lambda: Task(dataset=[NUMBER], solver=generate(), scorer=includes(), **task_of_theirs),  # type: ignore[arg-type]
        "shape_noted",
    )
    notes = overthink.prepare(plan(name)).spending.notes
    assert any("names the model mockllm/model; the study runs it with its own, overthink/simulated" in n for n in notes)
    assert any("sets message_limit, time_limit, which bounds one answer: lifted" in n for n in notes)


@pytest.mark.parametrize(("allowance", "reason"), [(1, "max_tokens"), (64, "stop")])
def test_a_scorer_sees_that_an_answer_was_cut(allowance: int, reason: str, tmp_path: Path) -> None:
    seen: set[str] = set()

    @scorer(metrics=[accuracy()])
    def by_stop_reason() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            seen.add(state.output.stop_reason)
            return Score(value=1)

        return score

    name = f"shape_cut_{allowance}"
    registered(lambda: Task(dataset=[NUMBER], solver=generate(), scorer=by_stop_reason()), name)
    rows(tmp_path, name, answer_tokens=allowance)
    assert seen == {reason}


def test_a_solver_that_shuffles_anew_keeps_one_order_along_a_trace(tmp_path: Path) -> None:
    """The prompt and its scoring come from two runs of the solver, which shuffles each time."""

    choices = ["right", *(f"wrong {i}" for i in range(5))]

    @scorer(metrics=[accuracy()])
    def order() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            return Score(value=1, answer="".join(str(choice.original_position) for choice in state.choices))

        return score

    def build() -> Task:
        return Task(
            dataset=[question("ANSWER: A", "ANSWER: A", choices=choices, target="A")],
            solver=multiple_choice(shuffle=Random(4)),
            scorer=order(),
        )

    found = rows(tmp_path, registered(build, "shape_shuffling_solver"), budgets=(0, 4, 8, 16), draws=3, concurrency=1)
    by_draw = [{row.answer for row in found if row.draw == draw} for draw in range(3)]
    assert [len(orders) for orders in by_draw] == [1, 1, 1]  # one trace, one order, at every rung
    assert len(set().union(*by_draw)) > 1  # and another one in another draw


@solver
def asks_another_model() -> Solver:
    said = ModelOutput.from_content("mockllm/model", "Yes.")
    said.usage = ModelUsage(input_tokens=3, output_tokens=1, total_tokens=4)
    other = get_model("mockllm/model", custom_outputs=lambda *_: said, memoize=False)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state = await generate(state)
        await other.generate("Was that well said?")
        return state

    return solve


REFUSED: dict[str, tuple[Callable[[], Task], str]] = {
    "react": (lambda: Task(dataset=[NUMBER], solver=react(), scorer=includes()), "does not call generate"),
    "basic_agent": (
        lambda: Task(dataset=[NUMBER], solver=basic_agent(), scorer=includes()),
        "calls the model itself|does not call generate|gives the model tools",
    ),
    "tools": (
        lambda: Task(dataset=[NUMBER], solver=[use_tools(adds()), generate()], scorer=includes()),
        "gives the model tools",
    ),
    "twice": (lambda: Task(dataset=[NUMBER], solver=[generate(), generate()], scorer=includes()), "more than once"),
    "beside": (
        lambda: Task(dataset=[NUMBER], solver=asks_another_model(), scorer=includes()),
        "or another one, beside generate",
    ),
    "image": (
        lambda: Task(
            dataset=[
                question(
                    "42",
                    "41",
                    input=[
                        ChatMessageUser(content=[ContentText(text="?"), ContentImage(image="data:image/png;base64,")])
                    ],
                )
            ],
            solver=generate(),
            scorer=includes(),
        ),
        "its prompt holds image",
    ),
    "sandbox": (
        lambda: Task(dataset=[NUMBER], solver=generate(), scorer=includes(), sandbox="local"),
        "in a sandbox; a forced answer cannot act there, and scoring it at every rung could change",
    ),
    "sample_sandbox": (
        lambda: Task(dataset=[question("42", "41", sandbox="local")], solver=generate(), scorer=includes()),
        "runs in a sandbox",
    ),
    "unnamed": (
        lambda: Task(dataset=[NUMBER], solver=generate(), scorer=[includes(), match()]),
        "has 2 scorers .*name the one to read",
    ),
    "unkeyed": (lambda: Task(dataset=[NUMBER], solver=generate(), scorer=several_values()), "several values .*KEY"),
    "system_message": (
        lambda: Task(
            dataset=[NUMBER], solver=generate(), scorer=includes(), config=GenerateConfig(system_message="Be brief.")
        ),
        "sets config.system_message",
    ),
}


@tool
def adds() -> Tool:
    async def execute(a: int, b: int) -> int:
        """Adds.

        Args:
            a: One number.
            b: Another.
        """
        return a + b

    return execute


@pytest.mark.parametrize("shape", REFUSED)
def test_a_task_that_a_ladder_cannot_hold_is_refused_with_the_reason(shape: str, tmp_path: Path) -> None:
    build, reason = REFUSED[shape]
    with pytest.raises(InputError, match=reason) as refused:
        rows(tmp_path, registered(build, f"refused_{shape}"))
    assert f"refused_{shape}" in str(refused.value)
    assert not list(tmp_path.rglob("pool.parquet"))  # never scored, and so never scored 0


@pytest.mark.parametrize("shape", ["basic_agent", "tools", "image", "sandbox", "unnamed", "system_message"])
def test_it_is_refused_before_anything_is_paid(shape: str) -> None:
    with pytest.raises(InputError):
        overthink.prepare(plan(registered(REFUSED[shape][0], f"early_{shape}")))


def test_what_a_ladder_cannot_hold_may_still_run_at_the_levels_of_its_provider() -> None:
    name = registered(REFUSED["sandbox"][0], "levels_sandbox")
    opened = overthink.prepare(plan(name, budgets=None, efforts=("low", "high"), model="mockllm/model", model_args={}))
    assert opened.traces == 4


@scorer(metrics=[accuracy()])
def in_words() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="splendid" if "42" in state.output.completion else "dreadful")

    return score


def test_words_that_are_no_numbers_stop_the_run_and_are_never_zero(tmp_path: Path) -> None:
    name = registered(lambda: Task(dataset=[NUMBER], solver=generate(), scorer=in_words()), "words")
    with pytest.raises(InputError, match=r"scorer in_words gave 'splendid|dreadful'"):
        rows(tmp_path, name)


def test_a_scorer_that_states_no_answer_is_wrong_and_not_unparsed(tmp_path: Path) -> None:
    """Many scorers give no `answer`; only those that say they found none make an unparsed row."""
    name = registered(lambda: Task(dataset=[NUMBER], solver=generate(), scorer=by_metadata()), "silent_scorer")
    never = {"capability": "0:0", "natural_length": 12}
    assert {row.verdict for row in rows(tmp_path / "a", name, model_args=never)} == {Verdict.WRONG}
    sample = question("ANSWER: none of these", "ANSWER: nothing")
    name = registered(
        lambda: Task(dataset=[sample], solver=generate(), scorer=pattern(r"ANSWER: (\d+)")), "unmatched_pattern"
    )
    assert {(row.verdict, row.value) for row in rows(tmp_path / "b", name)} == {(Verdict.UNPARSED, 0.0)}
