"""The climb against a scripted model whose next token depends on the prefix alone."""

import asyncio
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import Step, run_ladder
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import InOnePiece, TraceContext
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.collect.providers.think_tags import for_prompt, think_format

WAY = SamplingSpec(
    budgets=(0, 4, 8, 16), format=think_format("plain"), answer_tokens=3, temperature=0.0, top_p=1.0, seed=7
)


@dataclass
class Scripted:
    """One letter per token; thinking ends after `length` letters."""

    length: int = 1000
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def start(self, messages: Any, opening: str) -> Prefix:
        return Prefix("PROMPT|" + opening)

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        return Prefix(prefix.text + text)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        return Prefix(prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: Any = None) -> Segment:
        self.asked.append((prefix.text, sampling.max_tokens))
        opened = "PROMPT|" + WAY.format.open
        text, thought = prefix.text, len(prefix.text) - len(opened)
        thinking = WAY.format.cue not in text
        out = ""
        while len(out) < sampling.max_tokens and not (thinking and thought + len(out) >= self.length):
            out += "abcdefgh"[hashlib.sha256((text + out).encode()).digest()[0] % 8]
        return Segment(out, None, len(out), len(out) < sampling.max_tokens, len(text), None)


def steps(model: Scripted, way: SamplingSpec = WAY) -> list[Step]:
    async def collect() -> list[Step]:
        context = TraceContext(model, way, UsageMeter(), ())
        return [step async for step in run_ladder(context, InOnePiece(context))]

    return asyncio.run(collect())


def uninterrupted(length: int, way: SamplingSpec = WAY) -> str:
    return steps(Scripted(length), replace(way, budgets=way.budgets[-1:]))[0].thought


@given(length=st.integers(0, 30), budgets=st.sets(st.integers(0, 24), min_size=1, max_size=6))
def test_segments_join_to_the_uninterrupted_trace(length: int, budgets: set[int]) -> None:
    way = replace(WAY, budgets=tuple(sorted(budgets)))
    climbed = steps(Scripted(length), way)
    assert "".join(step.thought for step in climbed) == uninterrupted(length, way)
    for step in climbed:
        assert step.thinking_tokens == min(length, step.requested_tokens)
        assert step.natural_end == (length < step.requested_tokens)


def test_a_lost_segment_would_be_noticed() -> None:
    class Forgetful(Scripted):
        def append(self, prefix: Prefix, segment: Segment) -> Prefix:
            return prefix

    assert "".join(step.thought for step in steps(Forgetful())) != uninterrupted(1000)


def test_a_trace_that_ended_is_carried_forward_at_no_cost() -> None:
    model = Scripted(length=5)
    climbed = steps(model)
    assert [step.is_carried for step in climbed] == [False, False, False, True]
    last = climbed[-1]
    assert (last.usage.decoded_tokens, last.usage.prompt_tokens, last.usage.cached_tokens) == (0, 0, 0)
    assert (last.answer, last.thinking_tokens, last.natural_end) == (climbed[2].answer, 5, True)
    assert len(model.asked) == 1 + 2 + 2  # an answer at rung 0, then a segment and an answer at each of two rungs


def test_what_a_rung_generated_is_its_segment_and_its_answer() -> None:
    climbed = steps(Scripted())
    assert [step.usage.decoded_tokens for step in climbed] == [3, 4 + 3, 4 + 3, 8 + 3]
    assert [step.requested_tokens for step in climbed] == [0, 4, 8, 16]


def test_rungs_are_visited_in_ascending_order() -> None:
    model = Scripted()
    steps(model)
    thinking = [text for text, _ in model.asked if WAY.format.cue not in text]
    assert thinking == sorted(thinking, key=len)


def test_a_model_that_writes_the_cue_itself_has_stopped_thinking() -> None:
    line = for_prompt(think_format("plain"), "End with a line ANSWER: 4", cue=None)
    assert (line.cue, line.stop, line.answer_stop) == ("ANSWER:", ("ANSWER:",), ("\n",))
    tags = for_prompt(think_format("think"), "Write a poem.", cue=None)
    assert (tags.cue, tags.stop, tags.answer_stop) == ("", ("</think>",), ())
    theirs = for_prompt(think_format("think"), "End with ANSWER:", cue="So:")
    assert (theirs.cue, theirs.stop) == ("So:", ("</think>", "So:"))
