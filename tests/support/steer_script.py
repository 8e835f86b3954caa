"""A model that thinks the lines of a script, one letter a token, and a guard that reads them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from overthink.collect.arms.component import Intervention, StepperSetup, Strategy
from overthink.collect.arms.interventions.guard import GuardScale, GuardScore, Watch
from overthink.collect.arms.interventions.insertions import SafeThink
from overthink.collect.arms.strategies.budget_forcing import BudgetForcing
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import Step, run_ladder
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import OneStep, ReasoningPath, StepByStep, Stepper, TraceContext
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.collect.providers.think_tags import think_format

END = "END"
"""The line by which the model ends its thinking."""


@dataclass
class Script:
    """Takes the next line of its script whatever the prefix; a line that is cut is gone on with."""

    lines: list[str]
    top: tuple[float, ...] | None = None
    reports_stop: bool = True
    decoded: int = 0
    read: int = 0
    asked: list[str] = field(default_factory=list)

    async def start(self, messages: Any, opening: str) -> Prefix:
        return Prefix("PROMPT|" + opening)

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        return Prefix(prefix.text + text)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        return Prefix(prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: Any = None) -> Segment:
        self.asked.append(prefix.text)
        self.read += len(prefix.text)
        if sampling.top:
            made = Segment("?", None, 1, False, len(prefix.text), None, top=self.top)
        elif prefix.text.endswith("</think>\n\n"):
            made = Segment("A", None, 1, True, len(prefix.text), None, stop="")
        else:
            made = self._line(sampling, len(prefix.text))
        self.decoded += made.tokens
        return made

    def _line(self, sampling: Sampling, prompt: int) -> Segment:
        whole, text = "\n" not in sampling.stop, ""
        while True:
            line, room = self.lines.pop(0), sampling.max_tokens - len(text)
            if line == END and room:
                return Segment(text, None, len(text) + 1, True, prompt, None, stop="</think>")
            if len(line) + 1 > room:  # the line end is a token
                self.lines.insert(0, line if line == END else line[room:])
                cut = "" if line == END else line[:room]
                return Segment(text + cut, None, sampling.max_tokens, False, prompt, None)
            if not whole:
                return Segment(line, None, len(line) + 1, True, prompt, None, stop="\n")
            text += line + "\n"


def guarded(guard: "WordGuard", m: int, b: int, *, phrase: str = "Wait, think safely", tau: float = 0.5) -> SafeThink:
    """SafeThink with an opened guard."""
    way = SafeThink(guard="word", scale="probability", tau=tau, m=m, b=b, phrase=phrase)
    return way.with_watch(Watch(guard, tau))


@dataclass
class WordGuard:
    """Finds a thought unsafe whose last line has `bad` in it; it takes three tokens."""

    inverted: bool = False
    name: str = "word"
    scale: GuardScale = "probability"
    asked: list[str] = field(default_factory=list)

    async def score(self, context: TraceContext, path: ReasoningPath) -> GuardScore:
        self.asked.append(path.text)
        lines = [line for line in path.text.split("\n") if line]
        return GuardScore(0.9 if ("bad" in lines[-1]) == self.inverted else 0.1, 3)


@dataclass
class Run:
    """What came of one trace."""

    steps: list[Step]
    model: Script
    meter: UsageMeter

    @property
    def text(self) -> str:
        return "".join(step.thought for step in self.steps)

    @property
    def generated(self) -> int:
        return sum(step.usage.decoded_tokens or 0 for step in self.steps)


def run(
    lines: Sequence[str],
    budgets: tuple[int, ...],
    *interventions: Intervention,
    strategy: Strategy | BudgetForcing | None = None,
    top: tuple[float, ...] | None = None,
) -> Run:
    """Climb once with the think format; the script goes on with harmless lines."""
    model = Script([*lines, *(f"on{i}" for i in range(500))], top)
    way = SamplingSpec(budgets, think_format("think"), answer_tokens=3, temperature=1.0, top_p=1.0, seed=7)
    context = TraceContext(model, way, UsageMeter(), ())
    stepper: Stepper = OneStep(context)
    for one in interventions:
        stepper = one.wrap(stepper, context)
    opening = "".join(one.prefix_text for one in interventions)
    steered = StepperSetup(stepper, opening, not any(one.looks_at_steps for one in interventions))
    plain = StepByStep(context, stepper, prefix_text=opening)
    thinker = plain if strategy is None else strategy.thinker(context, steered)

    async def collect() -> list[Step]:
        return [step async for step in run_ladder(context, thinker)]

    return Run(asyncio.run(collect()), model, context.meter)
