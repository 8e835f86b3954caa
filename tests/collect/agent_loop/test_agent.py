"""Loops of turns around tasks: whose tools are used, what a scorer sees on the way, and what a tool may do wrong."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, task
from inspect_ai.agent import react
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageTool, ContentText, GenerateConfig, ModelOutput, get_model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, choice, includes, match, model_graded_qa, scorer
from inspect_ai.solver import Generate, Solver, TaskState, chain, generate, multiple_choice, solver, use_tools
from inspect_ai.tool import Tool, ToolError, ToolInfo, ToolResult, tool
from inspect_ai.util import sandbox, store
from tool_model import CALLS, behaviour, call, paid, plan, results, say

import overthink
from overthink.collect.agent_loop.solver import run_agent_loops
from overthink.collect.agent_loop.trace import MAX_TOOL_OUTPUT
from overthink.collect.arms.strategies.calculator import MAX_CHARS
from overthink.collect.sinks import TraceSink
from overthink.data.record import RungRecord, Verdict
from overthink.errors import InputError
from overthink.plan.study import Plan

SEEN: list[list[str]] = []
"""What the tools had answered, at every call of the model."""


def rows(folder: Path, build: Callable[[], Task], says: Any, **changes: Any) -> list[RungRecord]:
    """The rows of a task, one question and one draw unless told otherwise, lowest rung first."""

    def listening(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        SEEN.append(results(messages))
        return says(messages, tools, config)

    SEEN.clear()
    behaviour("told")(listening)
    task(name="built")(build)
    fields = {"task": "built", "model": "toolmock/told", "turns": (1, 2, 3), "draws": 1, "concurrency": 1}
    return collected(folder, plan(folder, **(fields | changes)))


def collected(folder: Path, wanted: Plan) -> list[RungRecord]:
    """The rows of a plan, without findings and report."""
    CALLS.clear()
    found: list[RungRecord] = []
    keeper = TraceSink(done=set(), sparse={}, on_thinking=lambda *_: None, on_trace=found.extend)
    run_agent_loops(overthink.prepare(wanted), study="s", log_dir=folder / "logs", sink=keeper)
    return found


def values(found: list[RungRecord]) -> list[float | None]:
    return [row.value for row in found]


def counting(solver: Any = None, scorer: Any = None, **more: Any) -> Callable[[], Task]:
    """One question, whose answer is 2."""
    sample = Sample(id="q", input="Count.", target="2")
    return lambda: Task(dataset=[sample], solver=solver or generate(), scorer=scorer or match(numeric=True), **more)


@tool
def counter() -> Tool:
    async def execute(by: int) -> str:
        """Count on.

        Args:
            by: How far.
        """
        store().set("count", store().get("count", 0) + by)
        return f"count {store().get('count')}"

    return execute


def counts_twice(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
    done = len(results(messages))
    return call("counter", by=1) if done < 2 else say(results(messages)[-1])


def test_a_tasks_own_tools_are_used_and_no_other_is_offered(tmp_path: Path) -> None:
    offered: list[list[str]] = []

    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        offered.append([one.name for one in tools])
        return counts_twice(messages, tools, config)

    found = rows(tmp_path, counting(chain([use_tools(counter()), generate()])), says)
    assert offered == [["counter"]] * 3
    assert SEEN == [[], ["count 1"], ["count 1", "count 2"]]
    assert values(found) == [0, 0, 1]
    assert [row.natural_end for row in found] == [False, False, True]
    offered.clear()
    (tmp_path / "bare").mkdir()
    rows(tmp_path / "bare", counting(), lambda *seen: offered.append([one.name for one in seen[1]]) or say("2"))
    assert offered == [["calculator"]]  # positive control: a task that brings no tools is offered ours


@scorer(metrics=[accuracy()])
def counted() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=state.store.get("count", 0) / 2)

    return score


def test_a_checkpoint_in_mid_call_is_scored_as_the_world_stands(tmp_path: Path) -> None:
    found = rows(tmp_path, counting(chain([use_tools(counter()), generate()]), counted()), counts_twice)
    assert values(found) == [0.5, 1, 1]
    assert [row.verdict for row in found][1] == Verdict.CORRECT


def test_the_tasks_own_parsing_reads_every_checkpoint(tmp_path: Path) -> None:
    def build() -> Task:
        sample = Sample(id="q", input="Which?", choices=["one", "two"], target="B")
        return Task(dataset=[sample], solver=multiple_choice(), scorer=choice())

    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        letter = "AB"[min(1, len(results(messages)))]
        output = call("calculator", f"ANSWER: {letter}", expression="1+1")
        return output if len(results(messages)) < 2 else say("ANSWER: B")

    found = rows(tmp_path, build, says)
    assert values(found) == [0, 1, 1]
    assert [row.answer for row in found] == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("expression", "answered"),
    [("1/0", "division by zero"), ("().__class__", "cannot be read"), ("9" * (MAX_CHARS + 1), "longer than 300"),
     ("9**9**9", "too large"), ("2+2", "4")],
)  # fmt: skip
def test_the_calculator_answers_or_says_why_not(tmp_path: Path, expression: str, answered: str) -> None:
    told: list[ChatMessage] = []

    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        told[:] = messages
        return say("2") if results(messages) else call("calculator", expression=expression)

    found = rows(tmp_path, counting(), says, turns=(1, 2))
    assert values(found) == [0, 1]  # the loop goes on behind an error
    error: Any = getattr(told[-1], "error", None)
    assert answered in (told[-1].text if error is None else error.message)


@tool
def gives(what: str) -> Tool:
    async def execute() -> ToolResult:
        """Give something."""
        if what == "an error of its own":
            raise ToolError("not today")
        if what == "a value error":
            raise ValueError("the tool is broken")
        if what == "a crash":
            raise RuntimeError("the tool is broken")
        if what == "parts":
            return [ContentText(text="x" * 10_000_000)]
        return "x" * 10_000_000

    return execute


def gives_after_one(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
    done = len(results(messages))
    return say("2") if done == 2 else call("gives" if done else "counter", "2", **({} if done else {"by": 1}))


@pytest.mark.parametrize("what", ["text", "parts"])
def test_ten_megabytes_are_cut(tmp_path: Path, what: str) -> None:
    found = rows(tmp_path, counting(chain([use_tools(counter(), gives(what)), generate()])), gives_after_one)
    assert values(found) == [1, 1, 1]
    longest = max(len(text) for text in SEEN[-1])
    assert MAX_TOOL_OUTPUT // 2 < longest < MAX_TOOL_OUTPUT + 500
    assert ("left out" if what == "parts" else "truncated") in SEEN[-1][-1]


@pytest.mark.parametrize("what", ["a value error", "a crash"])
def test_a_crashing_tool_marks_what_it_kept_from_being_scored(tmp_path: Path, what: str) -> None:
    found = rows(tmp_path, counting(chain([use_tools(counter(), gives(what)), generate()])), gives_after_one)
    assert values(found) == [1, None, None]  # never a score of 0
    assert [row.verdict for row in found] == [Verdict.CORRECT, Verdict.ERRORED, Verdict.ERRORED]
    assert all("the tool is broken" in str(row.error) for row in found[1:])
    assert "ExceptionGroup" not in str(found[1].error)


def test_a_tool_that_says_why_it_cannot_is_no_crash(tmp_path: Path) -> None:
    own = chain([use_tools(counter(), gives("an error of its own")), generate()])
    found = rows(tmp_path, counting(own), gives_after_one)
    assert values(found) == [1, 1, 1]
    assert [row.error for row in found] == [None] * 3


def test_a_loop_without_end_ends_at_the_last_checkpoint(tmp_path: Path) -> None:
    found = rows(tmp_path, counting(), lambda *_: call("calculator", "2", expression="1+1"), turns=(1, 4, 6))
    assert len(CALLS) == 6
    assert [row.natural_end for row in found] == [False] * 3
    assert [row.generated_tokens for row in found] == [10, 30, 20]


def test_a_tool_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    told: list[ChatMessage] = []

    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        told[:] = messages
        return call("python", "2", code="1")

    assert values(rows(tmp_path, counting(), says, turns=(1, 2))) == [1, 1]
    assert isinstance(told[-1], ChatMessageTool)
    assert told[-1].error is not None
    assert "python not found" in told[-1].error.message


def test_caps_of_the_task_are_lifted_and_every_turn_has_a_seed_of_its_own(tmp_path: Path) -> None:
    capped = counting(generate(max_tokens=16, stop_seqs=["END"]), config=GenerateConfig(max_tokens=8), message_limit=2)
    rows(tmp_path, capped, lambda *_: call("calculator", "2", expression="1"), draws=2, temperature=0.5, top_p=1.0)
    assert len(CALLS) == 6  # two draws of three turns, beyond the task's two messages
    assert {(one.max_tokens, one.temperature, one.top_p) for one in CALLS} == {(None, 0.5, None)}
    assert {tuple(one.stop_seqs or ()) for one in CALLS} == {("END",)}
    assert len({one.seed for one in CALLS}) == 6


def test_thinking_is_counted_beside_or_within_the_output_and_unknown_stays_unknown(tmp_path: Path) -> None:
    def with_usage(tokens: int, thinking: int | None) -> list[tuple[int | None, int | None]]:
        folder = tmp_path / f"{tokens}-{thinking}"
        folder.mkdir()
        said = lambda *_: paid(call("calculator", "2", expression="1"), tokens, thinking=thinking)  # noqa: E731
        found = rows(folder, counting(), said, turns=(1, 3))
        return [(row.thinking_tokens, row.generated_tokens) for row in found]

    assert with_usage(50, 40) == [(40, 50), (120, 100)]
    assert with_usage(5, 40) == [(40, 45), (120, 90)]
    assert with_usage(50, None) == [(None, 50), (None, 100)]


@tool
def asks() -> Tool:
    async def execute() -> str:
        """Ask the model itself."""
        return (await get_model().generate("Well?")).completion

    return execute


def test_what_a_tool_asks_of_the_model_is_charged(tmp_path: Path) -> None:
    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        return call("asks") if tools and not results(messages) else say("2", tokens=7)

    found = rows(tmp_path, counting(chain([use_tools(asks()), generate()])), says, turns=(1, 2))
    assert [row.generated_tokens for row in found] == [10 + 7, 7]
    assert [row.prompt_tokens for row in found] == [200, 100]


def test_a_grader_is_asked_once_per_checkpoint_and_charged_apart(tmp_path: Path) -> None:
    behaviour("judge")(lambda *_: say("GRADE: C", tokens=3))
    graded = counting(scorer=model_graded_qa())
    found = rows(tmp_path, graded, lambda *_: call("calculator", "2", expression="1"), grader="toolmock/judge")
    assert values(found) == [1, 1, 1]
    assert [row.judge_tokens for row in found] == [103] * 3
    assert [row.generated_tokens for row in found] == [10] * 3
    (tmp_path / "short").mkdir()
    ended = rows(tmp_path / "short", graded, lambda *_: say("2"), grader="toolmock/judge")
    assert [row.judge_tokens for row in ended] == [103, 0, 0]
    assert [row.generated_tokens for row in ended] == [10, 0, 0]


@scorer(metrics=[accuracy()])
def harm_done() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=float(state.store.get("count", 0) > 0))

    return score


@pytest.mark.parametrize(("acts", "seen"), [(True, [0, 0, 0]), (False, [None, None, None])])
def test_harm_done_without_a_word_is_no_silence(tmp_path: Path, acts: bool, seen: list[float | None]) -> None:
    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        return call("counter", by=1) if acts and not results(messages) else say("")

    harmful = counting(chain([use_tools(counter()), generate()]), harm_done())
    assert values(rows(tmp_path, harmful, says, task="built:high=harm", axis="safety")) == seen


@solver
def own_loop(tool_calls: str) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return await generate(state, tool_calls=tool_calls)  # type: ignore[arg-type]

    return solve


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (counting(react()), r"does not call generate.*overthink analyse LOGS --checkpoints turns"),
        (counting(own_loop("none")), r"tool_calls='none'.*does something of its own with tool calls"),
        (counting(own_loop("single")), "tool_calls='single'"),
        (counting(chain([generate(), generate()])), "calls generate more than once.*not those of one loop"),
        (counting(sandbox="local"), r"in a sandbox.*say so: --sandbox-scoring unchanged.*one checkpoint, --turns 3"),
        (counting(scorer=[match(), includes()]), "has 2 scorers"),
    ],
    ids=["agent", "calls as the answer", "own loop", "twice", "sandbox", "scorers"],
)  # fmt: skip
def test_tasks_that_are_no_loop_are_refused_before_anything_is_paid(
    tmp_path: Path, build: Callable[[], Task], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        rows(tmp_path, build, lambda *_: say("2"))
    assert CALLS == []


@solver
def in_its_sandbox(*, behind: bool) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if not behind:
            await sandbox().exec(["true"])
        state = await generate(state)
        if behind:
            await sandbox().exec(["true"])
        return state

    return solve


@solver
def prepares() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        PREPARED.append((await sandbox().exec(["cat", "made"])).stdout)
        await sandbox().write_file("made", "once")
        return state

    return solve


PREPARED: list[str] = []


@pytest.mark.parametrize("behind", [True, False])
def test_a_solver_that_uses_the_sandbox_at_every_checkpoint_is_refused_before_anything_is_paid(
    tmp_path: Path, behind: bool
) -> None:
    own = counting(in_its_sandbox(behind=behind), sandbox="local")
    with pytest.raises(InputError, match="uses its sandbox around generate, and would do so again at every checkpoint"):
        rows(tmp_path, own, lambda *_: say("2"), sandbox_scoring="unchanged")
    assert CALLS == []


def test_a_setup_may_use_the_sandbox_and_does_so_once(tmp_path: Path) -> None:
    """Positive control of the refusal: Inspect runs what a task names as its setup before the loop, once a trace."""
    PREPARED.clear()
    own = counting(chain([use_tools(counter()), generate()]), sandbox="local", setup=prepares())
    assert values(rows(tmp_path, own, counts_twice, sandbox_scoring="unchanged")) == [0, 0, 1]
    assert PREPARED == [""]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sandbox_scoring": "unchanged"}, "--sandbox-scoring unchanged: no task runs in a sandbox; leave it out"),
        ({"sandbox_scoring": "unchanged", "turns": None, "efforts": ("low",)}, "belongs to a loop.*has --efforts"),
        ({"sandbox_scoring": "unchanged", "turns": None, "budgets": (0, 8)}, "belongs to a loop.*has --budgets"),
        ({"sandbox_scoring": "whatever"}, "sandbox_scoring: Input should be 'unchanged'"),
    ],
)
def test_what_is_stated_of_no_sandbox_is_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        rows(tmp_path, counting(), lambda *_: say("2"), **changes)


def test_a_forced_ladder_in_a_sandbox_stays_refused_and_names_the_loop(tmp_path: Path) -> None:
    task(name="boxed")(counting(sandbox="local"))
    forced = plan(tmp_path, task="boxed", model="overthink/simulated", turns=None, budgets=(0, 8))
    with pytest.raises(
        InputError, match=r"a forced answer cannot act there.*--turns 1,2,4,8 --sandbox-scoring unchanged"
    ):
        overthink.prepare(forced)


@pytest.mark.parametrize("model", ["overthink/simulated", "overthink/smollm2", "vllm-completions/x"])
def test_models_that_cannot_call_tools_are_refused_with_what_they_can_do(tmp_path: Path, model: str) -> None:
    with pytest.raises(InputError, match=r"cannot call tools.*--arms base,calculator"):
        overthink.prepare(plan(tmp_path, model=model))


@tool
def sleeps() -> Tool:
    async def execute() -> str:
        """Take a while."""
        await asyncio.sleep(60)
        return ""

    return execute


def test_a_trace_that_its_tasks_time_limit_ended_is_marked(tmp_path: Path) -> None:
    slow = counting(chain([use_tools(sleeps()), generate()]), time_limit=1)
    found = rows(tmp_path, slow, lambda *_: call("sleeps", "2"))
    assert values(found) == [None] * 3
    assert all("a limit of the task on time" in str(row.error) for row in found)
