"""Self-consistency and best-of-N beside its_hub's, on the same embedded model and questions: values, tokens, time.

its_hub is installed into a folder of its own (``pip install --target FOLDER its_hub==1.2.0``), its source unmodified.
Both ask the same llama.cpp server with the same prompts; the verifier of best-of-N is the same seeded function of
question and answer, right more often than not. its_hub draws every budget anew, as its own benchmark script does;
Overthink draws the largest once and reads every budget from the pool. Run:

    python benchmarks/parallel_its_hub.py FOLDER [QUESTIONS]
"""

import asyncio
import math
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from inspect_ai.model import ChatMessageUser, get_model

import overthink.collect.registered  # noqa: F401 (registers the provider)
from overthink import best_at_k, majority_at_k
from overthink.collect.ladder.sampling import seed_for
from overthink.collect.providers.continuation import Prefix, Sampling, TokenContinuation
from overthink.collect.providers.simulated.model import uniform

SIZES = (1, 2, 4, 8, 16)
ANSWER_TOKENS = 6


@dataclass
class Asked:
    """One question, opened at the server."""

    name: str
    truth: str
    opened: Prefix


class Server:
    """The embedded model, with what it decoded."""

    def __init__(self) -> None:
        self._model = TokenContinuation(get_model("overthink/smollm2", memoize=False, context=256))
        self.decoded = 0

    async def opened(self, number: int) -> Asked:
        """A question, ready to be answered."""
        run = [number + 1 + (3 + number % 5) * i for i in range(4)]
        prompt = [ChatMessageUser(content="Count upwards in equal steps.")]
        opening = ", ".join(map(str, run[:3])) + ","
        return Asked(f"after {run[2]}", str(run[3]), await self._model.start(prompt, opening))

    async def attempt(self, asked: Asked, *named: str | int) -> str:
        """One answer; its first number is what votes."""
        sampling = Sampling(ANSWER_TOKENS, seed_for(asked.name, *named), 0.8, 0.95, ("\n",))
        segment = await self._model.decode(asked.opened, sampling)
        self.decoded += segment.tokens
        numbers = re.findall(r"\d+", segment.text)
        return numbers[0] if numbers else ""


def score(asked: Asked, answer: str) -> float:
    """What both verifiers say."""
    return uniform("verifier", asked.name, answer) + 0.5 * (answer == asked.truth)


async def ours(questions: list[Asked], server: Server) -> dict[str, list[float]]:
    """Values at every size, from one pool of the largest."""
    majority, best = np.zeros((len(questions), len(SIZES))), np.zeros((len(questions), len(SIZES)))
    sizes = np.array(SIZES)
    for i, asked in enumerate(questions):
        answers = await asyncio.gather(*(server.attempt(asked, "ours", draw) for draw in range(SIZES[-1])))
        votes = Counter(answers)
        names = sorted(votes)
        right = names.index(asked.truth) if asked.truth in votes else None
        majority[i] = majority_at_k(np.array([votes[name] for name in names]), right, sizes)
        marks = np.array([score(asked, answer) for answer in answers])
        best[i] = best_at_k(marks, np.array([float(answer == asked.truth) for answer in answers]), sizes)
    return {"self-consistency": majority.mean(axis=0).tolist(), "best-of-N": best.mean(axis=0).tolist()}


async def theirs(questions: list[Asked], server: Server) -> dict[str, list[float]]:
    """The same by its_hub: every size drawn anew."""
    from its_hub.api import AbstractLanguageModel, AbstractOutcomeRewardModel
    from its_hub.core.algorithms.bon import BestOfN
    from its_hub.core.algorithms.self_consistency import SelfConsistency

    class Lm(AbstractLanguageModel):
        def __init__(self, asked: Asked, run: str) -> None:
            self.asked, self.run, self.calls = asked, run, 0

        async def agenerate(self, messages: Any, stop: Any = None, **_: Any) -> Any:
            raise NotImplementedError

        async def agenerate_single(self, messages: Any, stop: Any = None, **_: Any) -> dict[str, Any]:
            self.calls += 1
            answer = await server.attempt(self.asked, self.run, self.calls)
            return {"role": "assistant", "content": answer}

    class Orm(AbstractOutcomeRewardModel):
        def __init__(self, asked: Asked) -> None:
            self.asked = asked

        def score(self, messages: Any, **_: Any) -> Any:
            raise NotImplementedError

        async def ascore(self, messages: Any, **_: Any) -> list[float]:
            return [score(self.asked, str(chat[-1].content)) for chat in messages]

    found: dict[str, list[float]] = {}
    for name in ("self-consistency", "best-of-N"):
        found[name] = []
        for size in SIZES:
            right = 0
            for asked in questions:
                algorithm = SelfConsistency() if name == "self-consistency" else BestOfN(Orm(asked))
                chosen = await algorithm.ainfer(Lm(asked, f"{name}{size}"), asked.name, budget=size)
                right += chosen["content"] == asked.truth
            found[name].append(right / len(questions))
    return found


async def compare(count: int) -> None:
    server = Server()
    questions = [await server.opened(number) for number in range(count)]
    await server.attempt(questions[0], "warm")
    told = []
    for run in (ours, theirs):
        server.decoded, began = 0, time.monotonic()
        values = await run(questions, server)
        told.append((values, server.decoded, time.monotonic() - began))
    (mine, tokens, seconds), (its, their_tokens, their_seconds) = told
    for name in mine:
        print(f"{name}: N = {', '.join(map(str, SIZES))}")
        for who, values in (("ours", mine[name]), ("its_hub", its[name])):
            print(f"    {who:8} {'  '.join(f'{value:.3f}' for value in values)}")
        apart = [a - b for a, b in zip(mine[name], its[name], strict=True)]
        error = [math.sqrt(max(b * (1 - b), 0.25 / count) / count) for b in its[name]]
        errors_apart = [round(difference / one, 2) for difference, one in zip(apart, error, strict=True)]
        print(f"    differences over its_hub's standard error {errors_apart}")
    print(f"decoded tokens: ours {tokens:,}, its_hub {their_tokens:,}; ratio {tokens / their_tokens:.3f}")
    print(f"wall time: ours {seconds:.1f} s, its_hub {their_seconds:.1f} s; ratio {seconds / their_seconds:.3f}")


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    asyncio.run(compare(int(sys.argv[2]) if len(sys.argv) > 2 else 40))
