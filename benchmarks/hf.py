"""`hf/NAME`: is a trace in segments the trace in one piece, and what is saved against reading every prefix again?

    python benchmarks/hf.py FOLDER [--dtypes float32,bfloat16] [--prompts 16] [--rungs 5] [--step 512]
        [--batch 1,8,16,32]

FOLDER holds weights for Transformers; `python tests/support/hf_weights.py FOLDER` makes SmolLM2's. The parts (--parts),
each on caches of its own:

exact   Greedy traces with a fork at every rung, one at a time, against the trace in one piece, which begins without any
        cache.
generate  The same against Transformers' own `generate`, which reads the prompt in other portions.
seeds   Sampled draws, repeated.
speed   One ladder that keeps its cache, and the same requests that keep none, in processor seconds of this process (the
        machine may be shared).
pieces  What that ladder consists of, where a machine is too busy for it: seconds of a decoded token, with several
        numbers of requests in flight, and of a token that is read, both in the middle of the ladder; and the ratio that
        follows from them.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from typing import Any

import torch
from inspect_ai.model import ChatMessageUser, GenerateConfig, Model, ModelOutput

from exactness import agreement, prompts_for
from overthink.collect.session.open import open_model

CUE = "\n\nFinal response:"
ANSWER_TOKENS = 16

ROUNDS = 3
"""Rounds in which the pieces take turns, of which the least time counts: the machine may be shared."""


async def decode(model: Model, ids: Sequence[int], limit: int, **config: Any) -> ModelOutput:
    message = ChatMessageUser(content="", metadata={"prompt_token_ids": list(ids)})
    settings = GenerateConfig(max_tokens=limit, **({"temperature": 0.0} | config))
    return await model.generate([message], config=settings, cache=False)


async def climb(model: Model, prompt: list[int], rungs: Sequence[int], answer: int = 4, **config: Any) -> list[int]:
    cue = await model.api.tokenize(CUE)
    tokens: list[int] = []
    for rung in rungs:
        if rung > len(tokens):
            output = await decode(model, prompt + tokens, rung - len(tokens), **config)
            tokens += output.metadata["token_ids"].ids
        await decode(model, [*prompt, *tokens, *cue], answer, **config)
        if len(tokens) < rung:
            break
    return tokens


async def uninterrupted(model: Model, prompt: list[int], limit: int) -> list[int]:
    """Transformers' own generation, without the end of the turn."""
    inner: Any = model.api._inner
    with torch.inference_mode():
        ids = torch.tensor([prompt], device=inner.model.device)
        mask = torch.ones_like(ids)
        own = inner.model.generate(ids, attention_mask=mask, max_new_tokens=limit, do_sample=False)
    return [token for token in own[0, len(prompt) :].tolist() if token not in model.api._engine.ends]


async def exact(folder: str, dtype: str, count: int, rungs: Sequence[int], name: str) -> None:
    whole = {"one piece": one_piece, "Transformers' generate": uninterrupted}[name]
    model = open_model(f"hf/{folder}", {"dtype": dtype})
    fresh = open_model(f"hf/{folder}", {"dtype": dtype, "cache_gb": 1e-9})
    pairs = []
    for number, prompt in enumerate(await prompts_for(model, count), start=1):
        pairs.append((await climb(model, prompt, rungs), await whole(fresh, prompt, rungs[-1])))
        same, share = agreement(pairs)
        print(f"{dtype}: {same} of {number} equal to {name}; mean share before a difference {share:.3f}", flush=True)


async def one_piece(model: Model, prompt: list[int], limit: int) -> list[int]:
    return list((await decode(model, prompt, limit)).metadata["token_ids"].ids)


async def seeds(folder: str, dtype: str, count: int, limit: int) -> None:
    model = open_model(f"hf/{folder}", {"dtype": dtype})
    again = []
    for prompt in await prompts_for(model, count):
        outputs = [await decode(model, prompt, limit, temperature=0.8, top_p=0.95, seed=seed) for seed in (1, 1, 2)]
        first, same, other = (list(output.metadata["token_ids"].ids) for output in outputs)
        again.append((first == same, first == other))
    same_seed, other_seed = (sum(equal) for equal in zip(*again, strict=True))
    print(f"{dtype}: same seed, same draw: {same_seed} of {count}; other seed, same draw: {other_seed}", flush=True)


async def speed(folder: str, dtype: str, rungs: Sequence[int]) -> None:
    seconds = {}
    for name, gb in (("kept", {}), ("read again", {"cache_gb": 1e-9})):
        model = open_model(f"hf/{folder}", {"dtype": dtype} | gb)
        model.api._engine.ends = frozenset()  # to the top rung, whatever it says
        prompt = (await prompts_for(model, 1))[0]
        await decode(model, prompt[:16], 2)
        start = time.process_time()
        await climb(model, prompt, rungs, ANSWER_TOKENS)
        seconds[name] = time.process_time() - start
        print(f"{dtype}, prefix {name}: {seconds[name]:.1f} s of processor time, rungs {tuple(rungs)}", flush=True)
    print(f"{dtype}: {seconds['read again'] / seconds['kept']:.2f} times faster than reading the prefix again")


async def pieces(folder: str, dtype: str, rungs: Sequence[int], levels: Sequence[int]) -> None:
    model = open_model(f"hf/{folder}", {"dtype": dtype, "batch_size": max(levels)})
    middle, portion, steps = rungs[-1] // 2, 128, 6
    prompt = [token % 40_000 + 100 for token in range(middle)]
    await decode(model, prompt, 1)
    least: dict[int, float] = {}  # by requests in flight, and 0 for a token that is read
    for number in range(ROUNDS):
        start = time.process_time()
        await decode(model, [*prompt, 500 + number, *range(200, 200 + portion)], 1)
        times = {0: (time.process_time() - start) / (portion + 1)}
        for level in levels:
            starts = [[*prompt, number + 300] for number in range(level)]
            await asyncio.gather(*(decode(model, ids, 1) for ids in starts))
            seconds = []
            for limit in (2, 2 + steps):
                start = time.process_time()
                await asyncio.gather(*(decode(model, ids, limit) for ids in starts))
                seconds.append(time.process_time() - start)
            times[level] = (seconds[1] - seconds[0]) / steps / level
        least = {piece: min(spent, least.get(piece, spent)) for piece, spent in times.items()}
    decoded = sum(rungs[i] - (rungs[i - 1] if i else 0) + ANSWER_TOKENS for i in range(len(rungs)))
    reread = sum(rungs) + sum(rungs[:-1])  # the forks, and the thinking that goes on from them
    for level in levels:
        print(
            f"{dtype}, {level} in flight at {middle} tokens: {1000 * least[level]:.1f} ms per decoded token, "
            f"{1000 * least[0]:.1f} ms per token read; {decoded} decoded and {reread} read again: "
            f"{1 + reread * least[0] / (decoded * least[level]):.2f} times faster",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--dtypes", default="float32,bfloat16")
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--rungs", type=int, default=5)
    parser.add_argument("--step", type=int, default=512)
    parser.add_argument("--batch", default="1,8,16,32")
    parser.add_argument("--parts", default="exact,generate,seeds,speed,pieces")
    parser.add_argument("--exact-rungs", default="0,16,32,64")
    options = parser.parse_args()
    exact_rungs = [int(rung) for rung in options.exact_rungs.split(",")]
    ladder = [options.step * (number + 1) for number in range(options.rungs)]
    levels = [int(level) for level in options.batch.split(",")]
    for kind in options.dtypes.split(","):
        jobs = {
            "pieces": lambda kind=kind: pieces(options.folder, kind, ladder, levels),
            "exact": lambda kind=kind: exact(options.folder, kind, options.prompts, exact_rungs, "one piece"),
            "generate": lambda kind=kind: exact(
                options.folder, kind, options.prompts, exact_rungs, "Transformers' generate"
            ),
            "seeds": lambda kind=kind: seeds(options.folder, kind, options.prompts, exact_rungs[1]),
            "speed": lambda kind=kind: speed(options.folder, kind, ladder),
        }
        for part, job in jobs.items():
            if part in options.parts.split(","):
                asyncio.run(job())
