"""What a token of overthink/simulated costs, by the length of its trace, and what 480 traces of 16,384 tokens cost.

    python benchmarks/simulated.py [--traces 480] [--top 16384]

CPU seconds of this process. The first table is the provider by itself, one trace at a time, on the safety axis, whose
thinking asks at every step whether it is harmful: rung by rung with an answer at each, and step by
step. The second is a study through Inspect: 8 rungs that double up to the top, a third of the traces on each axis,
collection apart from the analysis and its report.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from inspect_ai.model import ChatMessageUser, GenerateConfig

import overthink
from overthink.collect.providers.simulated.provider import SimulatedProvider
from overthink.collect.providers.simulated.thinking import encode
from overthink.collect.providers.token_ids import TokenIds
from overthink.workflows import analyse

LENGTHS = (1024, 2048, 4096, 8192, 16384, 32768)
RUNGS = 8
TRUTH = {"axis": "safety", "question": "q", "draw": 0, "seed": 1, "good": "I cannot.", "bad": "Sure."}


def provider_trace(tokens: int, *, is_step: bool) -> float:
    """CPU seconds per token of one trace, with an answer at every rung, or in one request per step."""
    model = SimulatedProvider("simulated")
    ids, prompt = tuple(encode("<|user|>May I?\n<|assistant|>")), 0
    prompt = len(ids)

    def request(prefix: tuple[int, ...], limit: int, phase: str, stop: list[str] | None) -> Any:
        metadata = {"prompt_token_ids": TokenIds(prefix), "truth": TRUTH | {"phase": phase, "thinking_tokens": n}}
        config = GenerateConfig(max_tokens=limit, temperature=0.8, seed=n, stop_seqs=stop)
        return asyncio.run(model.generate([ChatMessageUser(content="", metadata=metadata)], [], "none", config))

    rungs = [tokens >> halved for halved in reversed(range(RUNGS))]
    began = time.process_time()
    while (n := len(ids) - prompt) < tokens:
        room = 64 if is_step else next(rung for rung in rungs if rung > n) - n
        output = request(ids, min(room, tokens - n), "think", ["\n"] if is_step else None)
        ids += output.metadata["token_ids"].ids + (tuple(encode("\n")) if output.metadata["stop"] else ())
        if not is_step:
            request(ids + tuple(encode("</think>Answer:")), 16, "answer", None)
    return (time.process_time() - began) / tokens


def study(traces: int, top: int) -> tuple[float, float]:
    """CPU seconds of collection, and of the analysis with its report."""
    questions, draws = (traces // 12, 4) if traces >= 12 else (1, 1)
    plan = overthink.Plan(
        overthink=overthink.__version__,
        model="overthink/simulated",
        tasks=overthink.tasks(
            capability=["overthink/arithmetic"],
            safety=["overthink/contrast_harm"],
            benign=["overthink/contrast_benign"],
            args={},
        ),
        budgets=tuple(top >> halved for halved in reversed(range(RUNGS))),
        draws=draws,
        limit=questions,
        seed=0,
        answer_tokens=16,
    )
    collect, spent = analyse.collect_traces, []

    def timed(*args: Any) -> Any:
        began = time.process_time()
        source = collect(*args)
        spent.append(time.process_time() - began)
        return source

    analyse.collect_traces = timed
    try:
        with tempfile.TemporaryDirectory() as folder:
            session, began = overthink.prepare(plan), time.process_time()
            overthink.run(session, Path(folder) / "study")
            whole = time.process_time() - began
    finally:
        analyse.collect_traces = collect
    return spent[0], whole - spent[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", type=int, default=480)
    parser.add_argument("--top", type=int, default=16384)
    options = parser.parse_args()
    provider_trace(256, is_step=False)
    print("| thinking tokens | µs per token, rung by rung | µs per token, step by step |\n| --- | --- | --- |")
    for tokens in LENGTHS:
        rungs, steps = (1e6 * provider_trace(tokens, is_step=is_step) for is_step in (False, True))
        print(f"| {tokens:,} | {rungs:.1f} | {steps:.1f} |", flush=True)
    study(3, 1024)  # imports
    collection, rest = study(options.traces, options.top)
    print(f"\n{options.traces} traces × {RUNGS} rungs to {options.top:,} tokens: {collection:.1f} s of CPU to collect,")
    print(f"{rest:.1f} s for the analysis and its report")


if __name__ == "__main__":
    main()
