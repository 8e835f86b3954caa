"""A model whose lines are written down, a verifier that reads them, and a search over them."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from overthink.collect.arms.component import StepperSetup
from overthink.collect.arms.registry import PARTS
from overthink.collect.arms.strategies import tree
from overthink.collect.arms.verifiers.base import Scores
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import Step, run_ladder
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import OneStep, ReasoningPath, Stepper, TraceContext
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.collect.providers.think_tags import think_format
from overthink.components.base import SettingValue, resolve_settings
from overthink.plan.study import Plan, checked_plan

WAY = SamplingSpec(
    budgets=(0, 4, 8, 16), format=think_format("plain"), answer_tokens=3, temperature=0.8, top_p=1.0, seed=7
)
OPENED = "PROMPT|" + WAY.format.open
PLAN = checked_plan(
    overthink="0",
    model="overthink/simulated",
    tasks=({"task": "t", "axis": "capability", "high": "correct"},),
    budgets=(0, 4),
    draws=1,
    seed=0,
)


@dataclass
class Model:
    """One letter per token, the line end too. `line` gives the lines; "!" in one ends the thinking there.

    Attributes:
        line: The line that comes behind a text, for the how-manieth request from there, and whether it is greedy.
        answer: What is answered behind a text.
        asked: Text, tokens decoded, and temperature of every request.
        reports_stop: It says what ended a piece.
    """

    line: Callable[[str, int, bool], str]
    answer: Callable[[str], str] = lambda text: "abc"
    asked: list[tuple[str, str, float]] = field(default_factory=list)
    reports_stop: bool = True

    def __post_init__(self) -> None:
        self._times: Counter[tuple[str, bool]] = Counter()
        self._rest: dict[str, str] = {}

    async def start(self, messages: Any, opening: str) -> Prefix:
        return Prefix("PROMPT|" + opening)

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        return Prefix(prefix.text + text)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        return Prefix(prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: Any = None) -> Segment:
        await asyncio.sleep(0)
        text, greedy = prefix.text, sampling.temperature == 0
        if text.endswith(WAY.format.cue):
            said = self.answer(text)[: sampling.max_tokens]
            self.asked.append((text, said, sampling.temperature))
            return Segment(said, None, len(said), True, len(text), None)
        rest = self._rest.get(text)  # of a line that was cut
        if rest is None:
            line = self.line(text.removeprefix(OPENED), self._times[text, greedy], greedy)
            self._times[text, greedy] += 1
            rest = line if "!" in line else line + "\n"
        out = rest.partition("!")[0][: sampling.max_tokens]
        if out and not out.endswith("\n"):
            self._rest[text + out] = rest[len(out) :]
        self.asked.append((text, out, sampling.temperature))
        ends = "!" in rest and len(out) < sampling.max_tokens
        at_line_end = out.endswith("\n")
        shown = out.removesuffix("\n")
        stop = "\n" if at_line_end else "" if ends else None
        return Segment(shown, None, len(out), stop is not None, len(text), None, stop if self.reports_stop else None)

    def thought(self) -> list[tuple[str, str]]:
        """Text and tokens of the requests that were no answers."""
        return [(text, out) for text, out, _ in self.asked if not text.endswith(WAY.format.cue)]


@dataclass
class Reader:
    """A verifier that scores a step by its text, and takes a token a letter of the thinking."""

    score: Callable[[str], float]
    tokens: int = 0
    name: str = "reader"
    models: tuple[str, ...] = ()

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        await asyncio.sleep(0)
        self.tokens += len(path.text)
        return Scores(tuple(map(self.score, path.steps[-1:] if last_only else path.steps)), len(path.text))

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        self.tokens += len(path.text) + len(answer)
        return Scores((self.score(answer),), len(path.text) + len(answer))


def random_line(text: str, number: int, greedy: bool, *, salt: int = 0) -> str:
    """A line of one to six letters that depends on all before it; one in twelve ends the thinking."""
    digest = hashlib.sha256(f"{text}|{number}|{greedy}|{salt}".encode()).digest()
    line = "".join("abcdefgh"[byte % 8] for byte in digest[1 : 2 + digest[0] % 6])
    return line + ("!" if digest[30] % 12 == 0 else "")


def early(step: str) -> float:
    """How early in the alphabet its letters are on average, from 0 (h and beyond) to 1 (a)."""
    letters = step.strip()
    return sum("hgfedcba".find(letter) for letter in letters if letter in "abcdefgh") / (7 * max(1, len(letters)))


def plan(**changes: Any) -> Plan:
    return PLAN.model_copy(update=changes)


def searched(
    model: Model,
    reader: Any,
    arm: str,
    way: SamplingSpec = WAY,
    around: Callable[[Stepper, TraceContext], Stepper] | None = None,
    **settings: SettingValue,
) -> tuple[list[Step], TraceContext]:
    """The steps of one trace in an arm, perhaps with an intervention around its stepper, and its means."""
    part = PARTS[arm]
    complete, _ = resolve_settings(part, {"verifier": "reader"} | settings, simulated=False, owner=arm)

    async def collect() -> tuple[list[Step], TraceContext]:
        context = TraceContext(model, way, UsageMeter(), ())
        with patch.object(tree, "read_verifier", lambda *_, **__: opens(reader)):
            strategy: Any = part(**complete).open(plan(budgets=way.budgets))
        stepper: Stepper = OneStep(context)
        stepper = stepper if around is None else around(stepper, context)
        thinker = strategy.thinker(context, StepperSetup(stepper, "", around is None))
        return [step async for step in run_ladder(context, thinker)], context

    return asyncio.run(collect())


def opens(reader: Any) -> Any:
    """What reading the name of a verifier gives, where it is this reader."""
    verifier = SimpleNamespace(is_oracle=False, address=None, models=())
    return SimpleNamespace(verifier=verifier, aggregate=None, open=lambda: reader)


def thinking(steps: Sequence[Step]) -> list[str]:
    """All of the thinking that each rung answers from."""
    told = ""
    texts = []
    for step in steps:
        told = step.thought if step.is_restart else told + step.thought
        texts.append(told)
    return texts


def ladder(*budgets: int) -> SamplingSpec:
    return replace(WAY, budgets=budgets)
