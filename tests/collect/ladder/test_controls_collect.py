"""What is collected beside the forced ladder: the same answers where nothing differs, and effects that were planted."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.log import list_eval_logs, read_eval_log
from inspect_ai.model import ModelUsage, modelapi

import overthink
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import Step, run_ladder
from overthink.collect.ladder.controls import ControlRow, Controls
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.solver import collect_ladder
from overthink.collect.ladder.thinking import InOnePiece, TraceContext
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.collect.providers.simulated.provider import SimulatedProvider
from overthink.collect.providers.think_tags import ThinkFormat, for_prompt, think_format
from overthink.collect.scoring.judging import Judgement
from overthink.collect.session.prepare import open_plan
from overthink.collect.session.task_run import TEXTS
from overthink.collect.sinks import TraceSink
from overthink.data.missing_rungs import SparseTrace
from overthink.data.record import ON_TRACE, Estimand, RungRecord, Verdict
from overthink.errors import InputError
from overthink.plan.study import checked_plan

ALL = ("sham", "natural", "truncated")
PLAIN, LINE = (for_prompt(think_format("plain"), words, cue=None) for words in ("", "End with ANSWER: x"))
THINK = for_prompt(think_format("think"), "", cue=None)


@dataclass
class Scripted:
    """One letter per token. It thinks `length` letters, is stopped by `stop`, and answers in three letters."""

    length: int = 1000
    stop: str | None = None
    asked: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)

    async def start(self, messages: Any, opening: str) -> Prefix:
        return Prefix("|" + opening)

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        return Prefix(prefix.text + text)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        return Prefix(prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: Any = None) -> Segment:
        self.asked.append((prefix.text, sampling.max_tokens, sampling.stop))
        thinking = not any(closed in prefix.text for closed in ("</think>", "ANSWER:", "Final response:"))
        wanted = self.length - sum(c in "abcdefgh" for c in prefix.text.split("\n", 1)[1]) if thinking else 2
        out = ""
        while len(out) < min(sampling.max_tokens, max(wanted, 0)):
            out += "abcdefgh"[hashlib.sha256((prefix.text + out).encode()).digest()[0] % 8]
        ended = wanted < sampling.max_tokens
        return Segment(out, None, len(out), ended, 7, None, self.stop if thinking and ended else None)


@dataclass
class Judged:
    """A scorer that remembers what it was shown."""

    seen: list[tuple[str, bool]] = field(default_factory=list)

    async def __call__(self, completion: str, cut: bool, usage: ModelUsage) -> Judgement:
        self.seen.append((completion, cut))
        return Judgement(float("a" in completion), Verdict.CORRECT, completion[-1:] or None, 5, None)


def climbed(
    model: Scripted, shape: ThinkFormat, wanted: Sequence[str] = ALL, *, judge_traces: bool = True, answer: int = 3
) -> tuple[list[Step], dict[str, list[ControlRow]], Judged]:
    way = SamplingSpec(budgets=(0, 4, 8, 16), format=shape, answer_tokens=answer, temperature=0.0, top_p=1.0, seed=7)
    judged = Judged()
    context = TraceContext(model, way, UsageMeter(), ())
    controls = Controls(context, judged, wanted, judged if judge_traces else None)
    steps: list[Step] = []
    rows: dict[str, list[ControlRow]] = defaultdict(list)

    async def collect() -> None:
        forced: Judgement | None = None
        async for step in run_ladder(context, InOnePiece(context)):
            if forced is None or not step.is_carried:
                forced = await judged(step.answer.text, not step.answer.is_complete, ModelUsage())
            steps.append(step)
            for row in await controls.at(step, step.answer.text, forced):
                rows["trace" if row.on_trace else row.estimand].append(row)

    asyncio.run(collect())
    return steps, rows, judged


def test_an_ended_turn_is_its_own_answer_and_costs_nothing() -> None:
    model = Scripted(length=6, stop="")
    steps, rows, _ = climbed(model, LINE)
    (natural,) = rows["natural"]
    thought = "".join(step.thought for step in steps)
    assert len(thought) == 6
    assert natural.completion == LINE.open + thought
    assert (natural.usage.decoded_tokens, natural.thinking_tokens, natural.is_truncated) == (0, 6, False)
    assert len(model.asked) == 1 + 2 + 2  # what the ladder itself asks for


@pytest.mark.parametrize(("shape", "stop"), [(LINE, "ANSWER:"), (THINK, "</think>")])
def test_a_stop_text_is_put_back_and_the_model_goes_on_without_stops(shape: ThinkFormat, stop: str) -> None:
    model = Scripted(length=6, stop=stop)
    steps, rows, _ = climbed(model, shape)
    thought = "".join(step.thought for step in steps)
    prefix, room, stops = model.asked[-1]
    assert (prefix, room, stops) == ("|" + shape.open + thought + stop, 16 - 6 + 3, ())
    (natural,) = rows["natural"]
    own = natural.completion[-2:]
    assert len(own) == natural.usage.decoded_tokens == natural.answer_tokens == 2
    assert natural.completion == (own if shape is THINK else shape.open + thought + stop + own)


def test_where_the_server_does_not_say_the_formats_own_end_is_taken() -> None:
    for shape, end in ((THINK, "</think>"), (PLAIN, "")):
        model = Scripted(length=6, stop=None)
        steps, _, _ = climbed(model, shape, ["natural"], judge_traces=False)
        assert model.asked[-1][0] == "|" + shape.open + "".join(step.thought for step in steps) + end


@given(length=st.integers(0, 20), stop=st.sampled_from(["", "ANSWER:", None]))
def test_the_sham_is_the_forced_answer_at_the_natural_end(length: int, stop: str | None) -> None:
    steps, rows, _ = climbed(Scripted(length, stop), LINE)
    (sham,) = rows["sham"]
    ended = [step for step in steps if step.natural_end]
    if not ended:
        assert (sham.judgement.value, sham.judgement.verdict, sham.natural_end) == (None, Verdict.TRUNCATED, False)
    else:
        assert sham.completion == ended[0].answer.text == steps[-1].answer.text
        assert (sham.usage.decoded_tokens, sham.judgement.judge_tokens) == (0, 0)


@given(length=st.integers(0, 20), wanted=st.sets(st.sampled_from(ALL)), traces=st.booleans())
def test_every_trace_has_its_rows_and_every_token_is_counted_once(length: int, wanted: set[str], traces: bool) -> None:
    model = Scripted(length, stop="ANSWER:")
    steps, rows, judged = climbed(model, LINE, sorted(wanted), judge_traces=traces)
    assert {name: len(rows[name]) for name in wanted} == {n: 4 if n == "truncated" else 1 for n in wanted}
    assert set(rows) <= wanted | ({"trace"} if traces else set())
    beside = [row for some in rows.values() for row in some]
    own = 2 if length < 16 and wanted & {"natural", "truncated"} else 0
    assert sum(row.usage.decoded_tokens or 0 for row in beside) == own
    forced_judged = sum(not step.is_carried for step in steps)
    assert sum(row.judgement.judge_tokens for row in beside) == 5 * (len(judged.seen) - forced_judged)


def test_a_cut_response_is_scored_as_it_stood_and_nothing_is_decoded_for_it() -> None:
    model = Scripted()
    steps, rows, judged = climbed(model, PLAIN, ["truncated"], judge_traces=False)
    assert len(model.asked) == 1 + 2 + 2 + 2
    so_far = ["".join(step.thought for step in steps[: n + 1]) for n in range(4)]
    assert [row.completion for row in rows["truncated"]] == [PLAIN.open + text for text in so_far]
    assert [(row.rung, row.requested_tokens) for row in rows["truncated"]] == [(0, 0), (1, 4), (2, 8), (3, 16)]
    assert all((PLAIN.open + text, True) in judged.seen for text in so_far)
    hidden = climbed(Scripted(), THINK, ["truncated"], judge_traces=False)[1]["truncated"]
    assert {row.completion for row in hidden} == {""}  # a reader sees nothing before </think>


def test_the_thinking_is_judged_where_there_is_some_and_once() -> None:
    steps, rows, judged = climbed(Scripted(length=6, stop=""), PLAIN, [])
    thought = "".join(step.thought for step in steps)
    assert [(row.rung, row.completion) for row in rows["trace"]] == [(1, thought[:4]), (2, thought), (3, thought)]
    assert [row.judgement.judge_tokens for row in rows["trace"]] == [5, 5, 0]
    assert [text for text, _ in judged.seen if text == thought] == [thought]


@modelapi(name="flustered")
class Flustered(SimulatedProvider):
    """The simulated model, but a forced close makes a third of its good answers bad."""

    def _answer(self, truth: dict[str, Any], *request: Any) -> list[int]:
        key = f"{truth['question']}|{truth['draw']}".encode()
        forced = truth["phase"] == "answer" and hashlib.sha256(key).digest()[0] % 3 == 0
        return super()._answer(truth | {"good": truth["bad"]} if forced else truth, *request)


def collected(folder: Path, model: str, keeper: TraceSink | None = None, **fields: Any) -> list[RungRecord]:
    """The rows of a small study; its log is in the folder."""
    plan = checked_plan(
        overthink="0",
        model=model,
        model_args={"natural_length": 40.0, "capability": "0:0.8"},
        tasks=overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        seed=1,
        **{"budgets": (0, 16, 64), "limit": 6, "draws": 3, "controls": ALL, "judge_traces": True} | fields,
    )
    rows: list[RungRecord] = []
    keeper = keeper or TraceSink(done=(), sparse={}, on_thinking=lambda *_: None, on_trace=rows.extend)
    collect_ladder(open_plan(plan), study="s", log_dir=folder, sink=keeper)
    return rows


def cells(rows: Sequence[RungRecord], estimand: Estimand, rung: int = 0) -> dict[tuple[str, int], float | None]:
    own = [r for r in rows if r.estimand == estimand and r.rung == rung and not r.scorer.endswith(ON_TRACE)]
    return {(r.question, r.draw): r.value for r in own}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("controls")


@pytest.fixture(scope="module")
def simulated(folder: Path) -> list[RungRecord]:
    return collected(folder, "overthink/simulated")


def test_on_the_simulated_model_forcing_does_nothing(simulated: list[RungRecord]) -> None:
    natural, sham = (cells(simulated, e) for e in (Estimand.NATURAL, Estimand.SHAM))
    top = cells(simulated, Estimand.FORCED, 2)
    ended = {r.question + str(r.draw) for r in simulated if r.rung == 2 and r.natural_end}
    known = {trace for trace, value in natural.items() if value is not None}
    assert 0 < len(known) < 18
    assert len(ended) == len(known)
    for trace in natural:
        assert natural[trace] == sham[trace]
        assert natural[trace] == (top[trace] if trace in known else None)


def test_a_planted_effect_of_forcing_is_found(tmp_path: Path) -> None:
    rows = collected(tmp_path, "flustered/m", judge_traces=False)
    natural, sham = (cells(rows, e) for e in (Estimand.NATURAL, Estimand.SHAM))
    lost = [trace for trace, value in natural.items() if value == 1 and sham[trace] == 0]
    assert lost
    assert not [trace for trace, value in natural.items() if value == 0 and sham[trace] == 1]


def test_rows_of_a_trace_travel_together_and_their_texts_stay_in_the_log(
    simulated: list[RungRecord], folder: Path
) -> None:
    per_trace = defaultdict(list)
    for row in simulated:
        per_trace[row.question, row.draw].append(row)
    assert len(per_trace) == 18
    for rows in per_trace.values():
        count = {e: sum(r.estimand == e for r in rows) for e in Estimand}
        assert (count["natural"], count["sham"], count["truncated"]) == (1, 1, 3)
        assert count["forced"] in (3 + 2, 3)  # thinking that ended at once leaves nothing to judge
        decoded = sum(row.generated_tokens or 0 for row in rows)
        top = next(r for r in rows if r.estimand == "forced" and r.rung == 2)
        answers = [r for r in rows if r.generated_tokens and not r.scorer.endswith(ON_TRACE)]
        assert decoded == (top.thinking_tokens or 0) + sum(r.answer_tokens or 0 for r in answers)
    (log,) = list_eval_logs(str(folder))
    sample = (read_eval_log(log).samples or [])[0]
    kinds = [text.get("beside") for text in sample.store[TEXTS]]
    assert set(kinds) >= {None, "natural", "sham", "truncated"}


def test_the_ladder_is_the_same_with_controls_and_without(simulated: list[RungRecord], tmp_path: Path) -> None:
    bare = collected(tmp_path, "overthink/simulated", controls=(), judge_traces=False)
    plain = {(r.question, r.draw, r.rung): r for r in bare}
    forced = [r for r in simulated if r.estimand == "forced" and not r.scorer.endswith(ON_TRACE)]
    assert len(forced) == len(plain)
    for row in forced:
        assert replace(row, log=None) == replace(plain[row.question, row.draw, row.rung], log=None)


def test_a_failure_beside_the_ladder_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Controls, step: Step) -> None:
        raise ConnectionError("reset by peer")

    monkeypatch.setattr(Controls, "_natural", broken)
    rows = collected(tmp_path, "overthink/simulated", limit=1, draws=2, concurrency=1)
    failed = [row for row in rows if row.error]
    assert {row.estimand for row in failed} >= {"natural", "sham", "truncated"}
    assert {row.value for row in failed} == {None}


def test_a_study_with_controls_may_gain_rungs_and_keeps_what_it_has(tmp_path: Path) -> None:
    few = collected(tmp_path, "overthink/simulated", budgets=(0, 64), limit=2)
    traces = defaultdict(list)
    for row in few:
        traces[row.task, row.arm, row.question, row.draw].append(row)
    thought = {name: tuple(range(1, 65)) for name in traces}  # any ids will do: only their number is looked at here
    plan_now = (0, 16, 64)
    keeper_rows: list[RungRecord] = []
    sparse = {name: SparseTrace(tuple(rows), thought[name]) for name, rows in traces.items()}
    keeper = TraceSink(done=(), sparse=sparse, on_thinking=lambda *_: None, on_trace=keeper_rows.extend)
    collected(tmp_path, "overthink/simulated", budgets=plan_now, limit=2, keeper=keeper)
    assert not [row for row in keeper_rows if row.error]
    once = (Estimand.NATURAL, Estimand.SHAM)
    key = lambda row: (row.question, row.draw, row.estimand)  # noqa: E731
    kept, now = (sorted((r for r in rows if r.estimand in once), key=key) for rows in (few, keeper_rows))
    assert kept == now
    cut = [row for row in keeper_rows if row.estimand == "truncated"]
    assert {(row.rung, row.requested_tokens) for row in cut} == {(0, 0), (2, 64)}
    assert {row.rung for row in keeper_rows if row.estimand == "forced"} == {0, 1, 2}


def test_controls_belong_to_a_forced_ladder() -> None:
    fields: dict[str, Any] = {"overthink": "0", "model": "m", "tasks": (), "draws": 1, "seed": 0}
    fields["tasks"] = overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={})
    for wrong, said in (
        ({"efforts": ("low",), "controls": ("sham",)}, "--controls belongs to a forced ladder"),
        ({"efforts": ("low",), "judge_traces": True}, "--judge-traces belongs to a forced ladder"),
        ({"budgets": (0,), "controls": ("sham", "sham")}, "name one twice"),
        ({"budgets": (0,), "controls": ("shame",)}, "controls"),
    ):
        with pytest.raises(InputError, match=said):
            checked_plan(**fields | wrong)
