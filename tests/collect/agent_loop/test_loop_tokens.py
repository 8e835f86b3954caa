"""Loops scored within so many generated tokens: what stands at a checkpoint, what is paid there, and gaps."""

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, GenerateConfig, ModelOutput, get_model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, match, model_graded_qa, scorer
from inspect_ai.solver import TaskState, chain, generate, use_tools
from inspect_ai.tool import Tool, ToolInfo, tool
from inspect_ai.util import store
from sweeps import few
from tool_model import CALLS, behaviour, call, paid, plan, question_of, results, say

import overthink
from overthink.collect.agent_loop.solver import run_agent_loops
from overthink.collect.session import task_run
from overthink.collect.sinks import TraceSink
from overthink.cost.attempt import attempt_tokens
from overthink.data.outcomes import from_records
from overthink.data.record import RungRecord, Verdict
from overthink.data.tokens import CutShort
from overthink.errors import StoppedError
from overthink.plan.study import Plan

COSTS = {f"q{i}": costs for i, costs in enumerate(((5, 7, 9, 4), (30,), (1, 1, 1, 1, 1, 1), (12, 3, 40, 2), (8, 8, 8)))}
"""By question: what each turn of its loop generates; the last one calls no tool."""


@behaviour("spender")
def spender(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
    costs, turn = COSTS[question_of(messages)], len(results(messages))
    if turn + 1 < len(costs):
        return call("count", tokens=costs[turn])
    return say("done", tokens=costs[turn])


@tool
def count() -> Tool:
    async def execute() -> str:
        """Count on."""
        store().set("count", store().get("count", 0) + 1)
        return "counted"

    return execute


SCORED: list[tuple[int, int]] = []
"""By call of the scorer: turns that it saw, and how often the tool had been called by then."""


@scorer(metrics=[accuracy()])
def turns_seen() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        turns = sum(message.role == "assistant" for message in state.messages)
        assert state.store.get("count", 0) == store().get("count", 0)
        SCORED.append((turns, store().get("count", 0)))
        return Score(value=turns / 10)

    return score


def collected(wanted: Plan, folder: Path, **keeps: Any) -> list[RungRecord]:
    CALLS.clear()
    SCORED.clear()
    found: list[RungRecord] = []
    keeper = TraceSink(
        **({"done": set(), "sparse": {}, "on_thinking": lambda *_: None, "on_trace": found.extend} | keeps)
    )
    try:
        run_agent_loops(overthink.prepare(wanted), study="s", log_dir=folder / "logs", sink=keeper)
    except StoppedError as stop:
        if "every trace failed" not in str(stop):
            raise
    return found


def spent(
    folder: Path, *, model: str = "toolmock/spender", build: Callable[[], Task] | None = None, **changes: Any
) -> list[RungRecord]:
    samples = [Sample(id=name, input=name, target="x") for name in COSTS]
    own = lambda: Task(dataset=samples, solver=chain([use_tools(count()), generate()]), scorer=turns_seen())  # noqa: E731
    task(name="spending")(build or own)
    fields = {"task": "spending", "model": model, "turns": None, "draws": 1, "concurrency": 1}
    return collected(plan(folder, **(fields | changes)), folder)


def one(says: Any, folder: Path, *, tools: Any = count, scored: Any = turns_seen, **changes: Any) -> list[RungRecord]:
    """The rows of one question whose model says something else."""
    behaviour("other")(says)
    sample = Sample(id="q", input="q", target="x")
    build = lambda: Task(dataset=[sample], solver=chain([use_tools(tools()), generate()]), scorer=scored())  # noqa: E731
    return spent(folder, model="toolmock/other", build=build, **changes)


def kept(costs: tuple[int, ...], most: int) -> int:
    """Turns of the state at a checkpoint: those that together took at most so many tokens."""
    return sum(whole <= most for whole in accumulate(costs))


def past(costs: tuple[int, ...], most: int) -> int:
    """Turns up to the first end at or after so many tokens: what is paid to know, and as a state a broken rule."""
    return min(len(costs), 1 + sum(whole < most for whole in accumulate(costs)))


LADDERS = [tuple(sorted(np.random.default_rng(seed).choice(60, size=4, replace=False) + 1)) for seed in range(3)]


@pytest.mark.parametrize("ladder", few([(ladder,) for ladder in (*LADDERS, (5, 12, 21, 25), (1,), (61, 62))], 3))
def test_a_state_took_at_most_what_its_checkpoint_says_and_everything_is_paid_once(
    tmp_path: Path, ladder: tuple[int, ...]
) -> None:
    ladder = tuple(map(int, ladder))
    rows = {(row.question, row.rung): row for row in spent(tmp_path, loop_tokens=ladder)}
    differs = 0
    for question, costs in COSTS.items():
        mine, decoded = [rows[question, rung] for rung in range(len(ladder))], 0
        for row, most in zip(mine, ladder, strict=True):
            turns = kept(costs, most)
            differs += turns != past(costs, most)
            assert row.value == (turns / 10 if turns else None)
            assert row.verdict != Verdict.TRUNCATED if turns else row.verdict == Verdict.TRUNCATED
            assert row.natural_end is (turns == len(costs))
            assert (row.requested_tokens, row.error) == (most, None)
            decoded += row.generated_tokens or 0
            assert decoded - (row.cancelled_tokens or 0) == sum(costs[:turns]) <= most
            assert decoded == sum(costs[: past(costs, most)])  # what a loop with this checkpoint alone pays
        assert sum(row.prompt_tokens or 0 for row in mine) == 100 * past(costs, ladder[-1])
    assert differs or ladder[0] > max(map(sum, COSTS.values()))  # positive control: another rule gives other values
    assert len(CALLS) == sum(past(costs, ladder[-1]) for costs in COSTS.values())
    states = {(question, kept(costs, most)) for question, costs in COSTS.items() for most in ladder}
    assert len(SCORED) == sum(turns > 0 for _, turns in states)  # no state is scored twice


def test_the_world_is_scored_as_it_stood_before_the_turn_that_passes(tmp_path: Path) -> None:
    """At 12 tokens the second turn of 5 + 7 is over; at 13 to 20 the third has begun, and its tool was not called."""
    for ladder, seen in (((12, 21), [(2, 2), (3, 3)]), ((13, 20), [(2, 2)]), ((4,), []), ((25,), [(4, 3)])):
        folder = tmp_path / str(ladder[0])
        folder.mkdir()
        spent(folder, loop_tokens=ladder, limit=1)
        assert seen == SCORED


def test_checkpoints_at_the_tokens_of_turns_give_the_rows_of_these_turns(tmp_path: Path) -> None:
    (tmp_path / "turns").mkdir()
    by_turns = collected(plan(tmp_path / "turns"), tmp_path / "turns")
    by_tokens = collected(plan(tmp_path, turns=None, loop_tokens=(10, 21, 46, 108)), tmp_path)

    def bare(rows: list[RungRecord]) -> list[RungRecord]:
        free = {"requested_tokens": None, "effort": None, "seconds": None, "attempt_seconds": None, "log": None}
        return sorted((replace(row, **free) for row in rows), key=lambda row: (row.question, row.draw, row.rung))

    assert bare(by_tokens) == bare(by_turns)
    assert len(by_tokens) == 8 * 2 * 4
    assert [row.effort for row in by_tokens[:4]] == ["10 tokens", "21 tokens", "46 tokens", "108 tokens"]
    (tmp_path / "less").mkdir()
    less = collected(plan(tmp_path / "less", turns=None, loop_tokens=(10, 20, 46, 108)), tmp_path / "less")
    assert bare(less) != bare(by_turns)  # positive control: one token less is another state


def test_a_loop_that_ends_is_carried_on_and_a_grader_is_asked_once_for_a_state(tmp_path: Path) -> None:
    behaviour("judge")(lambda *_: say("GRADE: C", tokens=3))

    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        return (
            say("done", tokens=40)
            if len(results(messages)) == 2
            else call("count", tokens=(5, 30)[len(results(messages))])
        )

    rows = one(says, tmp_path, scored=model_graded_qa, loop_tokens=(5, 10, 20, 35, 75, 90), grader="toolmock/judge")
    assert [row.value for row in rows] == [1] * 6
    assert [row.judge_tokens for row in rows] == [103, 0, 0, 103, 103, 0]
    assert [row.generated_tokens for row in rows] == [5, 30, 0, 0, 40, 0]
    assert [row.cancelled_tokens for row in rows] == [0, 30, 30, 0, 0, 0]
    assert [row.natural_end for row in rows] == [False] * 4 + [True] * 2


@tool
def asks() -> Tool:
    async def execute() -> str:
        """Ask the model itself."""
        return (await get_model().generate("Well?")).completion

    return execute


def test_what_a_tool_asks_of_the_model_counts_and_leaves_a_gap_where_it_passes(tmp_path: Path) -> None:
    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        if not tools:
            return say("inside", tokens=20)
        return call("asks", tokens=5) if not results(messages) else say("done", tokens=4)

    rows = one(says, tmp_path, tools=asks, loop_tokens=(6, 24, 25, 29))
    assert [row.value for row in rows] == [None, None, 0.1, 0.2]
    assert [row.verdict for row in rows][:2] == [Verdict.UNPARSED] * 2
    assert [row.generated_tokens for row in rows] == [25, 0, 0, 4]
    assert [row.cancelled_tokens for row in rows] == [25, 25, 0, 0]


def test_a_gap_is_told_in_the_findings_with_its_reason_and_costs_what_was_tried(tmp_path: Path) -> None:
    rows = spent(tmp_path, loop_tokens=(2, 60), limit=2)
    (table,) = from_records(rows)
    assert np.nanmean(attempt_tokens(table), axis=(0, 1)).tolist() == [(5 + 30) / 2, (25 + 30) / 2]
    wanted = plan(
        tmp_path, task="spending", model="toolmock/spender", turns=None, draws=1, loop_tokens=(2, 60), limit=2
    )
    study = overthink.run(overthink.prepare(wanted), tmp_path / "s")
    first, last = study.find(kind="value", metric="mean")
    assert (first.estimate, first.reason) == (None, "no loop had finished a turn within this many tokens")
    assert first.gates_failed == ("truncation",)
    assert last.estimate is not None
    assert (last.at.requested_tokens, last.at.effort) == (60, "60 tokens")


@tool
def breaks() -> Tool:
    async def execute() -> str:
        """Break."""
        raise RuntimeError("broken")

    return execute


def test_what_was_paid_before_a_failure_is_told_by_the_first_row_that_it_reached(tmp_path: Path) -> None:
    def says(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
        return call("breaks", tokens=9)

    rows = one(says, tmp_path, tools=breaks, loop_tokens=(4, 20, 30))
    assert [row.verdict for row in rows] == [Verdict.TRUNCATED, Verdict.ERRORED, Verdict.ERRORED]
    assert [row.generated_tokens for row in rows] == [9, 0, 0]
    again = tmp_path / "turns"
    again.mkdir()
    rows = one(says, again, tools=breaks, turns=(1, 2))
    assert [(row.generated_tokens, row.cancelled_tokens, row.prompt_tokens) for row in rows] == [(9, 9, 100), (0, 9, 0)]
    assert np.isnan(attempt_tokens(from_records(rows)[0])).all()  # what failed was no attempt


def test_what_was_paid_for_a_trace_that_is_not_kept_is_told(tmp_path: Path) -> None:
    cut: list[CutShort] = []

    def full(_: object) -> None:
        raise StoppedError("the disk is full")

    spent(tmp_path, loop_tokens=(60,), limit=1)  # makes the task
    wanted = plan(tmp_path, task="spending", model="toolmock/spender", turns=None, loop_tokens=(60,), limit=1, draws=1)
    with pytest.raises(StoppedError):
        collected(wanted, tmp_path, on_trace=full, on_cut_short=cut.append)
    assert [(one.question, one.paid.decoded_tokens, one.paid.prompt_tokens, one.unanswered) for one in cut] == [
        ("q0", 25, 400, 0)
    ]


def test_time_is_that_of_calls_and_tools_and_not_of_scoring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves on by a second whenever it is read: a piece of work takes one."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(task_run, "clock_of", lambda *_: lambda: float(next(ticks)))
    rows = spent(tmp_path, loop_tokens=(12, 15, 21, 90), limit=1)  # four turns of 5, 7, 9 and 4; three call a tool
    assert [row.seconds for row in rows] == [4, 1, 1, 1]
    assert [row.attempt_seconds for row in rows] == [4, 5, 6, 7]
    monkeypatch.setattr(task_run, "clock_of", lambda *_: None)
    (tmp_path / "untimed").mkdir()
    assert {row.seconds for row in spent(tmp_path / "untimed", loop_tokens=(12, 90))} == {None}


def test_thinking_that_shows_late_to_be_counted_beside_the_output_leaves_a_gap_and_is_paid(tmp_path: Path) -> None:
    def says(thinking: int, output: int) -> Callable[..., ModelOutput]:
        def model(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
            first = not results(messages)
            told = call("count") if len(results(messages)) < 2 else say("done")
            return paid(told, 12 if first else output, thinking=10 if first else thinking)

        return model

    rows = one(says(50, 5), tmp_path, loop_tokens=(12, 90, 200))
    assert [(row.value, row.verdict) for row in rows][:2] == [(None, Verdict.UNPARSED), (0.2, Verdict.WRONG)]
    assert [row.generated_tokens for row in rows] == [12 + 10, 2 * (5 + 50), 0]
    (tmp_path / "within").mkdir()
    within = one(says(5, 50), tmp_path / "within", loop_tokens=(12, 90, 200))  # positive control
    assert [row.value for row in within] == [0.1, 0.2, 0.3]
    assert [row.thinking_tokens for row in within] == [10, 15, 20]


def test_a_match_on_its_way_is_wrong_and_no_gap(tmp_path: Path) -> None:
    """Positive control of the gaps: a state without an answer was scored, and is a 0."""
    says = lambda messages, *_: say("x", tokens=3) if results(messages) else call("count", tokens=3)  # noqa: E731
    rows = one(says, tmp_path, scored=match, loop_tokens=(2, 3, 6))
    assert [(row.value, row.verdict) for row in rows] == [
        (None, Verdict.TRUNCATED), (0, Verdict.WRONG), (1, Verdict.CORRECT)
    ]  # fmt: skip
