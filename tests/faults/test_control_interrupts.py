"""A trace behind a protocol of control that is interrupted at each of its calls: what it took, and what comes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from inspect_ai.model import ChatMessageUser, GenerateConfig, ModelOutput, ModelUsage
from scripted import WAY

from overthink.collect.arms.interventions.control import ControlProtocol, Delivery
from overthink.collect.arms.interventions.control_protocols import (
    DeferToResample,
    DeferToTrusted,
    TrustedEditing,
    TrustedMonitoring,
    UntrustedMonitoring,
)
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import Step, run_ladder
from overthink.collect.ladder.thinking import InOnePiece, TraceContext
from overthink.collect.monitors.base import Excerpt, Suspicion
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.data.tokens import TokenUsage

OTHER = TokenUsage(prompt_tokens=11, decoded_tokens=2)
"""What a call of a monitor or of the trusted model takes."""


class Calls:
    """Everybody who is called in a trace: counts the calls, and is interrupted at one of them.

    Attributes:
        interrupted_at: Number of the call, from 1, that no answer comes for; 0 for none.
        count: Calls so far.
        decoded: Tokens that the model under test has decoded.
        guards: Tokens that monitor and trusted model have taken.
    """

    def __init__(self, interrupted_at: int = 0) -> None:
        self.interrupted_at, self.count, self.decoded, self.guards = interrupted_at, 0, 0, 0

    def begin(self) -> None:
        self.count += 1
        if self.count == self.interrupted_at:
            raise asyncio.CancelledError

    async def start(self, messages: Any, opening: str) -> Prefix:
        return Prefix(f"{messages[-1].text}{opening}")

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        return Prefix(prefix.text + text)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        return Prefix(prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: Any = None) -> Segment:
        self.begin()
        text = " 9" if prefix.text.endswith("SUSPICION:") else f"word{sampling.seed} "
        tokens = min(3, sampling.max_tokens)
        self.decoded += tokens
        return Segment(text, None, tokens, False, 5, None)

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        self.begin()
        excerpt.meter.add(OTHER)
        self.guards += 13
        return Suspicion(0.9 - len(str(excerpt.key[-1])) / 100)  # each draw has one of its own

    async def generate(self, messages: Any, config: GenerateConfig, *, cache: bool) -> ModelOutput:
        self.begin()
        self.guards += 13
        output = ModelOutput.from_content("trusted", "Answer: 4")
        output.usage = ModelUsage(input_tokens=11, output_tokens=2, total_tokens=13)
        return output


def climb(protocol: ControlProtocol, calls: Calls) -> tuple[list[Step], UsageMeter]:
    """The steps of one trace that came before an interrupt, and its meter."""
    meter, messages = UsageMeter(), (ChatMessageUser(content="2 + 2?"),)
    context = TraceContext(calls, replace(WAY, budgets=(0, 4, 8)), meter, messages)  # type: ignore[arg-type]
    delivery = Delivery(context, messages, {}, ("t", "q", 0), complete=str)
    for name in ("_monitor", "_trusted"):
        if name in type(protocol).__private_attributes__:
            setattr(protocol, name, calls)
    steps: list[Step] = []

    async def collect() -> None:
        ladder = run_ladder(context, InOnePiece(context), partial(protocol.review, delivery))
        while (step := await anext(ladder, None)) is not None:
            steps.append(step)  # what came before an interrupt stays

    if calls.interrupted_at:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(collect())
    else:
        asyncio.run(collect())
    return steps, meter


PROTOCOLS: dict[str, Callable[[], ControlProtocol]] = {
    "trusted_monitoring": lambda: TrustedMonitoring(monitor="lexical:words=x", threshold=0.5),
    "untrusted_monitoring": lambda: UntrustedMonitoring(budget=4, threshold=0.5),
    "trusted_editing": lambda: TrustedEditing(monitor="lexical:words=x", trusted="mockllm/model", threshold=0.5),
    "defer_to_trusted": lambda: DeferToTrusted(monitor="lexical:words=x", trusted="mockllm/model", threshold=0.5),
    "defer_to_resample": lambda: DeferToResample(monitor="lexical:words=x", resamples=2, threshold=0.5),
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_interrupt_at_each_call_loses_that_call_alone_and_a_new_try_gives_the_same(name: str) -> None:
    whole = Calls()
    steps, meter = climb(PROTOCOLS[name](), whole)
    assert len(steps) == 3
    assert (meter.since(0).decoded_tokens, meter.overhead.guard_tokens) == (whole.decoded, whole.guards)
    for number in range(1, whole.count + 1):
        calls = Calls(interrupted_at=number)
        before, paid = climb(PROTOCOLS[name](), calls)
        assert calls.count == number  # nobody is called behind it
        assert (paid.since(0).decoded_tokens, paid.overhead.guard_tokens) == (calls.decoded, calls.guards)
        assert paid.n_pending <= 1
        assert before == steps[: len(before)]
        assert climb(PROTOCOLS[name](), Calls())[0] == steps
