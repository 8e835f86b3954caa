"""Wall time by a clock that a token moves by a second, a look of a verifier by ten, and a judge by a thousand."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ModelUsage, get_model

import overthink
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import Step, added_forks, run_ladder
from overthink.collect.ladder.clock import Stopwatch, clock_of
from overthink.collect.ladder.controls import ControlRow, Controls
from overthink.collect.ladder.resample import Resampling
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.solver import collect_ladder
from overthink.collect.ladder.thinking import InOnePiece, StepByStep, TraceContext
from overthink.collect.ladder.thinking import ReasoningPath as Line
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.collect.providers.simulated.provider import SimulatedProvider
from overthink.collect.providers.think_tags import for_prompt, think_format
from overthink.collect.scoring.judging import AnswerJudge, Judgement
from overthink.collect.sinks import TraceSink
from overthink.data.missing_rungs import SparseTrace
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.plan.study import checked_plan

ANSWER, LOOK, JUDGE = 3, 10.0, 1000.0
FORMAT = for_prompt(think_format("plain"), "End with ANSWER: x", cue=None)


@dataclass
class Wall:
    """A clock that stands still unless somebody works."""

    now: float = 5000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Scripted:
    """Thinks `length` letters and ends its turn; an answer has three letters. Every token takes a second."""

    wall: Wall
    length: int = 1000
    reports_stop: bool = True

    async def start(self, messages: Any, opening: str) -> Prefix:
        self.wall.now += 0.5
        return Prefix("|", ())

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        return Prefix(prefix.text + text, prefix.ids)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        return Prefix(prefix.text + segment.text, (prefix.ids or ()) + (segment.ids or ()))

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: Any = None) -> Segment:
        thinking = "ANSWER:" not in prefix.text
        left = self.length - prefix.text.count("x") if thinking else ANSWER
        tokens = min(sampling.max_tokens, left)
        self.wall.now += tokens
        return Segment("x" * tokens, (7,) * tokens, tokens, left < sampling.max_tokens, 1, 0, None if thinking else "")


def means_of(model: Scripted, budgets: Sequence[int], *, timed: bool = True) -> TraceContext:
    way = SamplingSpec(tuple(budgets), FORMAT, answer_tokens=8, temperature=0.8, top_p=1.0, seed=1)
    return TraceContext(model, way, UsageMeter(), (), watch=Stopwatch(model.wall if timed else None))


def climbed(context: TraceContext, thinker: Any = None, judge: Any = None) -> list[Step]:
    async def up() -> list[Step]:
        steps = []
        async for step in run_ladder(context, thinker or InOnePiece(context)):
            steps.append(step)
            context.continuation.wall.now += JUDGE  # type: ignore[attr-defined]
            if judge is not None:
                await judge(step)
        return steps

    return asyncio.run(up())


def test_a_rung_takes_its_thinking_and_its_answer_and_no_judging() -> None:
    steps = climbed(means_of(Scripted(Wall()), (0, 4, 10)))
    assert [step.seconds for step in steps] == [0.5 + 3, 4 + 3, 6 + 3]
    assert [step.thinking_seconds for step in steps] == [0.5, 4.5, 10.5]
    assert [step.attempt_seconds for step in steps] == [3.5, 7.5, 13.5]


@given(length=st.integers(0, 30), budgets=st.sets(st.integers(0, 24), min_size=1, max_size=6))
def test_the_rungs_of_a_trace_add_up_to_its_time(length: int, budgets: set[int]) -> None:
    context = means_of(Scripted(Wall(), length), sorted(budgets))
    steps = climbed(context)
    assert sum(step.seconds or 0 for step in steps) == context.watch.seconds
    for step in steps:
        assert step.attempt_seconds == 0.5 + step.thinking_tokens + step.answer.tokens
        assert not step.is_carried or step.seconds == 0


def test_a_clock_that_never_stops_would_count_the_judge() -> None:
    class Running(Stopwatch):
        def since(self, earlier: float | None) -> float | None:
            return wall.now - 5000.0

    wall = Wall()
    steps = climbed(replace(means_of(Scripted(wall), (0, 4)), watch=Running(wall)))
    assert steps[1].seconds == 0.5 + 3 + JUDGE + 4 + 3


def test_nobody_takes_the_time_of_whom_it_takes_none() -> None:
    steps = climbed(means_of(Scripted(Wall(), 6), (0, 4, 8, 16), timed=False))
    assert {(step.seconds, step.thinking_seconds, step.attempt_seconds) for step in steps} == {(None, None, None)}
    simulated, other = get_model("overthink/simulated"), get_model("mockllm/model")
    assert (clock_of(simulated, Wall()), clock_of(other, wall := Wall())) == (None, wall)


def test_what_steers_the_thinking_takes_time_on_the_way() -> None:
    model = Scripted(Wall())
    context = means_of(model, (0, 4))

    async def watched(path: Line, room: int, *, branch: str = "", cue: str = "") -> Line:
        segment = await context.meter.send(model.decode(path.prefix, context.spec.thinking(1, path.tokens)))
        model.wall.now += LOOK
        return replace(path, prefix=model.append(path.prefix, segment), tokens=path.tokens + 1)

    steps = climbed(context, StepByStep(context, watched))
    assert [step.seconds for step in steps] == [3.5, 4 * (1 + LOOK) + 3]
    assert steps[1].attempt_seconds == 0.5 + 4 * (1 + LOOK) + 3


def test_a_piece_of_work_that_fails_has_taken_its_time() -> None:
    wall = Wall()
    watch = Stopwatch(wall)

    def work() -> None:
        wall.now += 7
        raise ConnectionError

    with pytest.raises(ConnectionError), watch.running():
        work()
    assert watch.seconds == 7


def beside(length: int, wanted: Sequence[str]) -> tuple[list[Step], dict[str, list[ControlRow]]]:
    context = means_of(Scripted(Wall(), length), (0, 4, 8, 16))
    rows: dict[str, list[ControlRow]] = {}

    async def score(completion: str, cut: bool, usage: ModelUsage) -> Judgement:
        context.continuation.wall.now += JUDGE  # type: ignore[attr-defined]
        return Judgement(1.0, Verdict.CORRECT, None, 0, None)

    controls = Controls(context, score, wanted, score)

    async def look(step: Step) -> None:
        for row in await controls.at(step, "x", await score("x", False, ModelUsage())):
            rows.setdefault("trace" if row.on_trace else row.estimand, []).append(row)

    return climbed(context, judge=look), rows


def test_controls_take_what_they_decode_and_the_rungs_above_do_not_pay_for_it() -> None:
    steps, rows = beside(6, ("natural", "sham", "truncated"))
    (natural,), (sham,) = rows["natural"], rows["sham"]
    assert [step.seconds for step in steps] == [3.5, 7, 2 + 3, 0]
    own = natural.usage.decoded_tokens or 0
    assert (natural.seconds, natural.attempt_seconds) == (own, 0.5 + 6 + own)
    assert (sham.seconds, sham.attempt_seconds) == (0, steps[2].attempt_seconds)
    assert [row.seconds for row in rows["truncated"]] == [0, 0, 0, 0]
    assert [row.attempt_seconds for row in rows["truncated"]] == [0.5, 4.5, natural.attempt_seconds, 6.5 + own]
    assert {(row.seconds, row.attempt_seconds) for row in rows["trace"]} == {(0, None)}
    (never,) = beside(1000, ("natural",))[1]["natural"]
    assert (never.seconds, never.attempt_seconds) == (0, None)


def test_resamples_take_the_time_of_all_tries_together() -> None:
    model = Scripted(Wall(), 6)
    context = means_of(model, (0, 4, 8, 16))
    steps = climbed(context)

    async def score(answer: Segment) -> Judgement:
        model.wall.now += JUDGE
        return Judgement(1.0, Verdict.CORRECT, None, 0, None)

    rows = asyncio.run(Resampling(context, score, tries=2, bisect=False).of(steps))
    assert [row.seconds for row in rows] == [2 * (6 + 3), 2 * (2 + 3), 2 * 3, 0]
    assert {row.attempt_seconds for row in rows} == {None}


def test_an_added_rung_takes_its_answer_and_what_its_thinking_took_is_unknown() -> None:
    def row(rung: int, budget: int, **told: Any) -> RungRecord:
        fields = {"generated_tokens": 10, "thinking_tokens": budget, "natural_end": False, **told}
        labels = ("s", "base", Axis.CAPABILITY, "t", "m", "q", 0, rung, Estimand.FORCED)
        return RungRecord(*labels, requested_tokens=budget, **fields)

    there = (row(0, 4, seconds=7.0, attempt_seconds=7.5), row(1, 16, seconds=15.0, attempt_seconds=19.5))
    context = means_of(Scripted(Wall()), (0, 4, 8, 16))

    async def up() -> list[RungRecord | Step]:
        return [entry async for entry in added_forks(context, SparseTrace(there, (7,) * 16))]

    first, second, third, fourth = asyncio.run(up())
    told = [(entry.seconds, entry.attempt_seconds) for entry in (first, second, third, fourth)]
    assert told == [(0.5 + 3, 0.5 + 3), (7.0, 7.5), (3, None), (15.0, 19.5)]


def test_a_carried_row_that_is_moved_takes_no_time_again() -> None:
    from overthink.data.missing_rungs import place_rungs

    labels = ("s", "base", Axis.CAPABILITY, "t", "m", "q", 0, 0, Estimand.FORCED)
    ended = RungRecord(*labels, requested_tokens=16, natural_end=True, generated_tokens=9, seconds=9.0)
    trace = SparseTrace((replace(ended, thinking_tokens=6, attempt_seconds=9.0),), (7,) * 6)
    placed = [entry for entry in place_rungs(trace, (4, 8, 16)) if isinstance(entry, RungRecord)]
    assert [(row.requested_tokens, row.seconds, row.attempt_seconds) for row in placed] == [(8, 9, 9), (16, 0, 9)]
    untimed = replace(trace, rows=(replace(trace.rows[0], seconds=None),))
    assert {row.seconds for row in place_rungs(untimed, (4, 8, 16)) if isinstance(row, RungRecord)} == {None}


@dataclass
class Ticking:
    """The simulated model with a clock: every request takes a second, every judgement a thousand."""

    wall: Wall = field(default_factory=Wall)
    requests: int = 0

    def install(self, monkeypatch: pytest.MonkeyPatch, *, failing: int | None = None) -> None:
        generate, judge = SimulatedProvider.generate, AnswerJudge.__call__

        async def slow(provider: SimulatedProvider, *args: Any, **more: Any) -> Any:
            self.requests += 1
            self.wall.now += 1
            if self.requests == failing:
                raise ConnectionError("reset")
            return await generate(provider, *args, **more)

        async def judged(own: AnswerJudge, *args: Any, **more: Any) -> Judgement:
            self.wall.now += JUDGE
            return await judge(own, *args, **more)

        monkeypatch.setattr(SimulatedProvider, "generate", slow)
        monkeypatch.setattr(SimulatedProvider, "takes_time", True)
        monkeypatch.setattr(AnswerJudge, "__call__", judged)

    def collected(self, folder: Path, **changes: Any) -> list[RungRecord]:
        secret = overthink.tasks(capability=[], safety=["overthink/secret"], benign=[], args={})
        fields: dict[str, Any] = {"budgets": (0, 8, 16), "draws": 1, "limit": 1, "concurrency": 1, "seed": 5}
        plan = checked_plan(overthink="0", model="overthink/simulated", tasks=secret, **fields | changes)
        rows: list[RungRecord] = []
        keeper = TraceSink(done=(), sparse={}, on_thinking=lambda *_: None, on_trace=rows.extend)
        collect_ladder(overthink.prepare(plan), study="s", log_dir=folder, sink=keeper, clock=self.wall)
        return rows


def test_a_study_is_timed_by_the_clock_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticking = Ticking()
    ticking.install(monkeypatch)
    rows = ticking.collected(tmp_path)
    assert [(row.seconds, row.attempt_seconds) for row in rows] == [(1, 1), (2, 2), (2, 3)]


def test_of_a_trace_that_failed_the_first_errored_row_tells_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking = Ticking()
    ticking.install(monkeypatch, failing=3)
    rows = ticking.collected(tmp_path)
    assert [(row.seconds, row.attempt_seconds) for row in rows] == [(1, 1), (2, None), (0, None)]
    assert [row.cancelled_tokens for row in rows] == [0, 8, 8]
