"""Steps and tills: a step is a line, nothing is decoded beyond the budget, and every token is paid once."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageUser, get_model

import overthink
import overthink.collect.registered
from overthink.collect.arms.component import Intervention
from overthink.collect.arms.registry import PARTS, arm_plans
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import run_ladder
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import OneStep, StepByStep, Stepper, TraceContext
from overthink.collect.ladder.thinking import ReasoningPath as Line
from overthink.collect.providers.continuation import Segment, TokenContinuation
from overthink.collect.providers.think_tags import think_format
from overthink.components.base import component
from overthink.data.pool import records_of
from overthink.data.record import Category, RungRecord
from overthink.data.tokens import DECODED, NO_USAGE
from overthink.plan.study import Plan, checked_plan

TRUTH = {"axis": "capability", "question": "q", "draw": 0, "seed": 5, "good": "ANSWER: 42", "bad": "ANSWER: 7"}


@component("picky")
class Picky(Intervention):
    """Asks for every step again, and throws the first one away."""

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        async def again(path: Line, room: int, *, branch: str = "", cue: str = "") -> Line:
            first = await stepper(path, room, branch=f"{branch}first", cue=cue)
            context.meter.charge(Category.REJECTED, first.tokens - path.tokens)
            context.meter.charge(Category.GUARD, 5)
            return await stepper(path, room, branch=f"{branch}again", cue=cue or "Once more.")

        return again


def context(budgets: tuple[int, ...] = (0, 10, 40), **model: Any) -> TraceContext:
    way = SamplingSpec(budgets, think_format("plain"), answer_tokens=8, temperature=0.8, top_p=1.0, seed=3, truth=TRUTH)
    continuation = TokenContinuation(get_model("overthink/simulated", memoize=False, **model))
    return TraceContext(continuation, way, UsageMeter(), (ChatMessageUser(content="Why?"),))


async def steps_of(given: TraceContext, stepper: Stepper) -> list[Any]:
    return [step async for step in run_ladder(given, StepByStep(given, stepper))]


@pytest.mark.parametrize("natural_length", [None, 25])
def test_steps_are_lines_and_budgets_hold(natural_length: int | None) -> None:
    for seed in range(5):
        given = context(natural_length=natural_length)
        given = replace(given, spec=replace(given.spec, seed=seed))
        made = asyncio.run(steps_of(given, OneStep(given)))
        text = "".join(step.thought for step in made)
        lines = text.splitlines()
        assert all(line.startswith((" fix", " off")) for line in lines)
        assert [step.thinking_tokens for step in made] == sorted(step.thinking_tokens for step in made)
        for step in made:
            assert step.thinking_tokens <= step.requested_tokens
            assert step.natural_end or step.thinking_tokens == step.requested_tokens
            assert not step.is_restart
        paid = sum(step.usage.decoded_tokens or 0 for step in made)
        read = sum(step.answer.tokens for step in made if not step.is_carried)
        assert paid == made[-1].thinking_tokens + read


def test_lines_that_hold_nothing_never_hang() -> None:
    class Empty:
        reports_stop = True

        def __init__(self, tokens: int) -> None:
            self.tokens = tokens

        async def append_text(self, prefix: Any, text: str) -> Any:
            return prefix

        def append(self, prefix: Any, segment: Segment) -> Any:
            return prefix

        async def decode(self, prefix: Any, sampling: Any, *, truth: Any = None) -> Segment:
            return Segment("", None, self.tokens, is_complete=True, prompt_tokens=1, cached_tokens=0, stop="\n")

    for tokens, took in ((0, 0), (1, 6)):  # a server may leave the stop text out of its count
        given = replace(context(), continuation=Empty(tokens))
        path = asyncio.run(OneStep(given)(Line(prefix=None), 6))  # type: ignore[arg-type]
        assert (path.tokens, path.ended) == (took, tokens == 0)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50) | st.none()), max_size=6))
def test_a_receipt_tells_what_came_behind_its_place(requests: list[tuple[int, int | None]]) -> None:
    meter = UsageMeter()
    for decoded, prompt in requests:
        meter.record(Segment("", None, decoded, is_complete=True, prompt_tokens=prompt, cached_tokens=0))
    receipt = meter.since(0)
    prompts = [prompt for _, prompt in requests]
    assert receipt.decoded_tokens == sum(decoded for decoded, _ in requests)
    assert receipt.prompt_tokens == (None if None in prompts else sum(p or 0 for p in prompts))
    assert meter.since(meter.requests) == NO_USAGE
    for place, (decoded, prompt) in enumerate(requests):
        later = meter.since(place)
        assert ((later - meter.since(place + 1)).decoded_tokens, prompt is None) == (
            decoded,
            None in prompts[place:][:1],
        )


def study_plan(arms: str, **changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "tasks": overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        "budgets": (0, 16, 40),
        "draws": 2,
        "limit": 3,
        "seed": 5,
        "arms": arm_plans(arms, model="overthink/simulated"),
    }
    return checked_plan(**fields | changes)


def total(rows: list[RungRecord]) -> int:
    return sum((row.prompt_tokens or 0) + (row.generated_tokens or 0) for row in rows)


def test_an_arm_is_charged_for_what_it_throws_away_and_may_be_added_later(
    counted: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PARTS, "picky", Picky)
    base = overthink.run(overthink.prepare(study_plan("base")), tmp_path / "s")
    assert total(records_of(base.pool)) == sum(counted)
    before = len(counted)
    both = overthink.run(overthink.prepare(study_plan("base,picky")), tmp_path / "s", resume=True)
    assert total(records_of(both.pool)) == sum(counted)
    kept = [row for row in records_of(both.pool) if row.arm == "base"]
    # Nothing of the first arm was asked for again.
    assert sorted(kept, key=str) == sorted(records_of(base.pool), key=str)
    mine = [row for row in records_of(both.pool) if row.arm == "picky"]
    assert len(mine) == len(kept)
    assert len(counted) > 2 * before
    for row in mine:
        thrown = sum(getattr(row, f"{category}_tokens") or 0 for category in DECODED)
        assert thrown == row.rejected_tokens
        assert (row.guard_tokens or 0) % 5 == 0
    assert all((row.rejected_tokens or 0) > 0 for row in mine if row.rung)
    wrong = [replace(row, generated_tokens=(row.generated_tokens or 0) - (row.rejected_tokens or 0)) for row in mine]
    assert total(wrong) + total(kept) != sum(counted)  # the control: a till that forgets what was thrown away
