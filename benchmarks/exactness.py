"""Is a trace cut into segments the trace it would have been? What do forks reuse, and how fast is it?

    python benchmarks/exactness.py [--model overthink/smollm2] [--prompts 16] [--concurrency 1,4,8,16]

Each trace thinks in segments. At every boundary it forks: a cue and a forced answer, then it goes on from the boundary.
The same prompt is also decoded in one piece. Greedy, so both should agree token for token; with several traces in
flight the server batches them, and rounding differs with the batch.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import ChatMessageUser, GenerateConfig, Model, ModelOutput, get_model

import overthink.collect.registered  # noqa: F401 (registers the provider)

BUDGETS = (0, 16, 32, 64, 128)
CUE = "\n\nFinal response:"
ANSWER_TOKENS = 16
BATCHED = 8  # traces in flight where divergence under continuous batching is counted
QUESTIONS = (
    "Tom has {a} apples and buys {b} more, then gives {c} to each of three friends. How many are left? Show your work.",
    "A train leaves at {a} minutes past noon and travels {b} km at {c} km per hour. When does it arrive? Explain.",
    "Write down how you would plan a garden of {a} by {b} metres with {c} kinds of vegetables.",
    "A shop sells pens at {a} cents and books at {b} cents. What do {c} of each cost together? Think it through.",
)


@dataclass(frozen=True)
class Trace:
    """What one trace decoded, and what its requests found in the cache, in tokens."""

    tokens: list[int]
    prefix: int  # of the forks above rung 0, the cue left out
    prefix_cached: int
    prompt: int  # of all requests
    prompt_cached: int
    decoded: int


async def decode(model: Model, ids: Sequence[int], limit: int, *, temperature: float, seed: int) -> ModelOutput:
    message = ChatMessageUser(content="", metadata={"prompt_token_ids": list(ids)})
    return await model.generate(
        [message], config=GenerateConfig(max_tokens=limit, temperature=temperature, seed=seed), cache=False
    )


async def climb(model: Model, prompt: list[int], *, temperature: float = 0.0, seed: int = 0) -> Trace:
    """One trace up the ladder, with a fork at every rung."""
    cue = await model.api.tokenize(CUE)
    tokens: list[int] = []
    sent, cached, decoded, prefix, prefix_cached = 0, 0, 0, 0, 0
    ended = False
    for budget in BUDGETS:
        outputs = []
        if budget > len(tokens):
            outputs.append(
                await decode(model, prompt + tokens, budget - len(tokens), temperature=temperature, seed=seed)
            )
            tokens += outputs[0].metadata["token_ids"].ids
            ended = outputs[0].stop_reason != "max_tokens"
        fork = await decode(model, [*prompt, *tokens, *cue], ANSWER_TOKENS, temperature=temperature, seed=seed)
        for output in (*outputs, fork):
            sent += output.usage.input_tokens + output.usage.input_tokens_cache_read
            cached += output.usage.input_tokens_cache_read
            decoded += output.usage.output_tokens
        if tokens:
            prefix += len(prompt) + len(tokens)
            prefix_cached += min(len(prompt) + len(tokens), fork.usage.input_tokens_cache_read)
        if ended:
            break
    return Trace(tokens, prefix, prefix_cached, sent, cached, decoded)


async def whole(model: Model, prompt: list[int]) -> list[int]:
    output = await decode(model, prompt, BUDGETS[-1], temperature=0.0, seed=0)
    return list(output.metadata["token_ids"].ids)


async def in_flight(jobs: Sequence[Callable[[], Awaitable[Any]]], concurrency: int) -> list[Any]:
    gate = asyncio.Semaphore(concurrency)

    async def run(job: Callable[[], Awaitable[Any]]) -> Any:
        async with gate:
            return await job()

    return await asyncio.gather(*(run(job) for job in jobs))


def agreement(pairs: Sequence[tuple[list[int], list[int]]]) -> tuple[int, float]:
    """How many pairs are equal, and the mean share of tokens before the first difference."""
    shares = []
    for a, b in pairs:
        same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        shares.append(1.0 if a == b else same / max(len(a), len(b)))
    return sum(a == b for a, b in pairs), sum(shares) / len(shares)


async def prompts_for(model: Model, count: int) -> list[list[int]]:
    texts = [
        QUESTIONS[i % len(QUESTIONS)].format(a=11 + 3 * i, b=40 + 7 * i, c=2 + i % 5)
        + " End with a line ANSWER: $ANSWER."
        for i in range(count)
    ]
    return [await model.api.render([ChatMessageUser(content=text)]) for text in texts]


async def main(model_name: str, count: int, levels: list[int]) -> None:
    model = get_model(model_name)
    prompts = await prompts_for(model, count)
    alone = [await whole(model, prompt) for prompt in prompts]
    print(f"{model_name}: {count} prompts of about {sum(map(len, prompts)) // count} tokens, rungs {BUDGETS}\n")
    print("in flight | equal to one piece | mean share before divergence | fork reuse | all reuse")
    for level in (1, BATCHED):
        traces = await in_flight([lambda p=p: climb(model, p) for p in prompts], level)
        same, share = agreement([(trace.tokens, piece) for trace, piece in zip(traces, alone, strict=True)])
        forks = sum(t.prefix_cached for t in traces) / sum(t.prefix for t in traces)
        reuse = sum(t.prompt_cached for t in traces) / sum(t.prompt for t in traces)
        print(f"{level:9d} | {same:10d} of {count:4d} | {share:28.3f} | {forks:10.3f} | {reuse:9.3f}", flush=True)
    print("\nin flight | thinking + answer tokens | tokens/s | fork reuse | all reuse   (sampled, two draws)")
    for level in levels:
        jobs = [
            lambda p=p, s=1000 * level + i: climb(model, p, temperature=0.8, seed=s)
            for i, p in enumerate(prompts[: max(level // 2, 3)] * 2)
        ]
        start = time.perf_counter()
        traces = await in_flight(jobs, level)
        seconds = time.perf_counter() - start
        decoded = sum(t.decoded for t in traces)
        forks = sum(t.prefix_cached for t in traces) / sum(t.prefix for t in traces)
        reuse = sum(t.prompt_cached for t in traces) / sum(t.prompt for t in traces)
        print(f"{level:9d} | {decoded:24d} | {decoded / seconds:8.1f} | {forks:10.3f} | {reuse:9.3f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="overthink/smollm2")
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--concurrency", default="1,4,8,16")
    options = parser.parse_args()
    asyncio.run(main(options.model, options.prompts, [int(n) for n in options.concurrency.split(",")]))
