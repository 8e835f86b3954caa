"""Beam search beside its_hub's, on the same simulated server and questions: accuracy, and every token of both.

its_hub is installed into a folder of its own (``pip install --target FOLDER its_hub==1.2.0``), its source unmodified.
The server is ``overthink/simulated``, asked directly; the verifier reads the same marks for both. its_hub forces no
answer, so that its chosen path is asked for one in the same way as ours. Of a beam of ``width`` paths of which it keeps
some, its_hub draws width/kept first steps: ``first`` says the same of ours. By default ours draws ``width`` of them, as
its sources do, which is measured as well. Run:

    python benchmarks/search_its_hub.py FOLDER [QUESTIONS]
"""

import asyncio
import math
import sys
import time
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model

import overthink.collect.registered  # noqa: F401 (registers the provider)
from overthink.collect.arms.registry import arm_plans, open_arm
from overthink.collect.arms.verifiers.simulated import SimulatedVerifier
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import run_ladder
from overthink.collect.ladder.sampling import SamplingSpec, seed_for
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix, Sampling, Segment, TokenContinuation
from overthink.collect.providers.think_tags import think_format
from overthink.plan.study import Plan, checked_plan

STEP = 12
SIZES = ((4, 1), (8, 2))
"""Width, and paths kept."""


@dataclass
class Tally:
    """Tokens by what they were spent on."""

    prompt: int = 0
    thinking: int = 0
    answers: int = 0
    verifier: int = 0


class Server(TokenContinuation):
    """The simulated provider, asked directly, and counted."""

    def __init__(self) -> None:
        arguments: dict[str, Any] = {"capability": "0:0.4", "step_gain": 2.5, "step_tokens": STEP}
        super().__init__(get_model("overthink/simulated", memoize=False, **arguments))
        self.tally = Tally()

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        """Decode, and count."""
        message = ChatMessageUser(content="", metadata={"prompt_token_ids": list(prefix.ids or ()), "truth": truth})
        config = GenerateConfig(
            max_tokens=sampling.max_tokens,
            seed=sampling.seed,
            temperature=sampling.temperature,
            stop_seqs=list(sampling.stop),
        )
        output = await self._api.generate([message], [], "none", config)
        used, stop = output.usage, output.metadata["stop"]
        self.tally.prompt += used.input_tokens
        if truth is not None and truth["phase"] == "think":
            self.tally.thinking += used.output_tokens
        else:
            self.tally.answers += used.output_tokens
        ids, ended = output.metadata["token_ids"].ids, output.stop_reason == "stop"
        return Segment(output.completion, ids, used.output_tokens, ended, used.input_tokens, None, stop)


def truth_of(question: int) -> dict[str, Any]:
    return {"axis": "capability", "question": f"q{question}", "draw": 0, "seed": 1, "good": "4", "bad": "7"}


def way_of(question: int, budgets: tuple[int, ...], salt: str) -> SamplingSpec:
    seed = seed_for(salt, question)
    return SamplingSpec(budgets, think_format("plain"), 8, 0.8, 1.0, seed=seed, truth=truth_of(question))


async def ours(plan: Plan, questions: int) -> tuple[list[float], Tally]:
    """Share of right answers at each budget, and the tokens as our rows have them."""
    server, arm = Server(), open_arm(plan.arms[0], plan)
    right, tally = [0] * len(arm.budgets), Tally()
    for question in range(questions):
        prompt = (ChatMessageUser(content=f"{question}?"),)
        context = TraceContext(server, way_of(question, arm.budgets, "ours"), UsageMeter(), prompt)
        steps = [step async for step in run_ladder(context, arm.thinker(context))]
        for step in steps:
            right[step.rung] += step.answer.text == "4"
            tally.prompt += step.usage.prompt_tokens or 0
            tally.answers += step.answer.tokens
        spent = steps[-1].usage
        tally.thinking += steps[-1].thinking_tokens + (spent.pruned_tokens or 0)
        tally.verifier += spent.step_verifier_tokens or 0
    server.tally.verifier = tally.verifier  # of the verifier nobody but the rows keeps count
    assert tally == server.tally, f"the rows say {tally}, the server {server.tally}"
    return [count / questions for count in right], tally


@dataclass
class Lm:
    """What its_hub asks for steps: the same server, for one question."""

    server: Server
    spec: SamplingSpec
    opened: Prefix
    calls: int = 0

    async def agenerate(self, chats: Any, stop: str, **_: Any) -> list[dict[str, str]]:
        """The next step of every chat."""
        return await asyncio.gather(*(self._one(chat, stop) for chat in chats))

    async def _one(self, chat: Any, stop: str) -> dict[str, str]:
        prefix = await self.server.append_text(self.opened, chat[1].content if len(chat) > 1 else "")
        self.calls += 1
        sampling = self.spec.thinking(64, "step", self.calls, stop=(stop,))
        segment = await self.server.decode(prefix, sampling, truth=self.spec.truth_for("think", 0))
        return {"role": "assistant", "content": segment.text}


@dataclass
class Prm:
    """What its_hub asks for scores: the same verifier; its tokens are counted here, as its_hub does not."""

    context: TraceContext
    opened: Prefix
    tally: Tally

    async def ascore(self, prompt: Any, texts: list[str]) -> list[float]:
        """The mean score of the steps of every text."""
        return [await self._one(text) for text in texts]

    async def _one(self, text: str) -> float:
        path = ReasoningPath(self.opened, steps=tuple(text.splitlines(keepends=True)))
        said = await SimulatedVerifier(error=0).steps(self.context, path, last_only=False)
        self.tally.verifier += said.tokens or 0
        return sum(said.scores) / len(said.scores)


async def theirs(width: int, keep: int, steps: int, questions: int) -> tuple[float, Tally]:
    """The same for its_hub, whose budget is the width, and whose beam width is what is kept."""
    from its_hub.core.algorithms.beam_search import BeamSearch
    from its_hub.core.lms.step_generation import StepGeneration

    server, right = Server(), 0
    generation = StepGeneration(max_steps=steps - 1, step_token="\n")  # it takes one step more than it says
    for question in range(questions):
        way = way_of(question, (steps * STEP,), "theirs")
        context = TraceContext(server, way, UsageMeter(), (ChatMessageUser(content=f"{question}?"),))
        opened = await server.start(list(context.prompt), way.format.open)
        search = BeamSearch(generation, Prm(context, opened, server.tally), beam_width=keep)
        lm = Lm(server, way, opened)
        found = await search.ainfer(lm, f"{question}?", budget=width, return_response_only=False)
        assert max(found.steps_used) == steps
        thought = await server.append_text(opened, found.the_one["content"] + "\n" + way.format.close + way.format.cue)
        answer = await server.decode(thought, way.answering("answer"), truth=way.truth_for("answer", steps * STEP))
        right += answer.text == "4"
    return right / questions, server.tally


def plan_of(width: int, keep: int, budgets: tuple[int, ...], first: int) -> Plan:
    arm = f"prm-beam:width={width},children={width // keep},first={first},aggregate=mean"
    return checked_plan(
        overthink="0",
        model="overthink/simulated",
        tasks=({"task": "t", "axis": "capability", "high": "correct"},),
        budgets=budgets,
        draws=1,
        seed=0,
        arms=arm_plans(arm, model="overthink/simulated"),
    )


def main() -> None:
    sys.path.append(sys.argv[1])
    questions = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    print(f"{questions} questions; tokens per question: decoded while thinking, read by the verifier, prompts")
    for width, keep in SIZES:
        for steps in (6, 16):
            beside(width, keep, steps, questions)
    budgets = tuple(steps * STEP for steps in (2, 4, 8, 16))
    shares, own = asyncio.run(ours(plan_of(8, 2, budgets, first=4), questions))
    again = [asyncio.run(theirs(8, 2, budget // STEP, questions)) for budget in budgets]
    print(f"curve over {budgets}, width 8, kept 2: ours {shares}, its_hub {[share for share, _ in again]}")
    print(f"    ratio of decoded tokens {own.thinking / sum(its.thinking for _, its in again):.3f}")


def beside(width: int, keep: int, steps: int, questions: int) -> None:
    """Print its_hub's search, and beside it ours with its first steps, and with our default where it is another."""
    began = time.process_time()
    other, its = asyncio.run(theirs(width, keep, steps, questions))
    print(f"width {width}, kept {keep}, {steps} steps")
    print(f"    its_hub, first {width // keep}: accuracy {other:.3f}; {per_question(its, questions, began)}")
    for first in sorted({width // keep, width}):
        began = time.process_time()
        (mine,), own = asyncio.run(ours(plan_of(width, keep, (steps * STEP,), first), questions))
        error = math.sqrt((mine * (1 - mine) + other * (1 - other)) / questions)
        print(f"    ours, first {first}: accuracy {mine:.3f}; {per_question(own, questions, began)}")
        print(f"        difference {mine - other:+.3f} (standard error {error:.3f}); ratio of decoded tokens ", end="")
        print(f"{own.thinking / its.thinking:.3f}, of verifier tokens {own.verifier / its.verifier:.3f}, ", end="")
        print(f"of prompt tokens {own.prompt / its.prompt:.3f}")


def per_question(tally: Tally, questions: int, began: float) -> str:
    """Tokens of a question, and the processor's seconds of all."""
    parts = [round(count / questions, 1) for count in (tally.thinking, tally.verifier, tally.prompt)]
    return f"tokens {parts}; {time.process_time() - began:.1f} s CPU"


if __name__ == "__main__":
    main()
