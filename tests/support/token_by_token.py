"""Traces that are computed token by token, so that every FLOP is known: ladders, searches and agents' turns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from overthink.cost.model_shape import ModelShape
from overthink.data.record import Axis, Estimand, RungRecord

SMALL = ModelShape(1000, 1000, layers=2, heads=2, kv_heads=1, head_width=8, weight_bytes=2, cache_bytes=2)
PER_POSITION = 4 * 2 * 16
"""FLOP of attention of that shape, per token and position it attends to."""


@dataclass
class Computed:
    """What a server computed: the position of every token that it read anew, and of every one that it decoded."""

    read: list[int] = field(default_factory=list)
    decoded: list[int] = field(default_factory=list)
    asked: int = 0
    cached: int = 0

    def request(self, prompt: int, decoded: int, cached: int = 0) -> None:
        """One request, some of whose prompt is in the cache."""
        self.asked += prompt
        self.cached += cached
        self.read += range(cached + 1, prompt + 1)
        self.decoded += range(prompt + 1, prompt + decoded + 1)

    @property
    def flop(self) -> float:
        """Every token through the weights, and attending to what stands before it."""
        return self.decoding + sum(2 * 1000 + PER_POSITION * at for at in self.read)

    @property
    def decoding(self) -> float:
        """The same of decoded tokens alone."""
        return sum(2 * 1000 + PER_POSITION * at for at in self.decoded)

    @property
    def reading_attention(self) -> float:
        """Attention of what was read anew."""
        return sum(PER_POSITION * at for at in self.read)


def row(rung: int, budget: int, **told: Any) -> RungRecord:
    """One row of one trace."""
    return RungRecord(
        "made",
        "base",
        Axis.CAPABILITY,
        "t",
        "s",
        "q",
        0,
        rung,
        **{"estimand": Estimand.FORCED, **told},
        requested_tokens=budget,
    )


def ladder(
    seed: int, *, budgets: Sequence[int] = (0, 20, 60), prompt: int = 30
) -> tuple[list[RungRecord], list[Computed]]:
    """A plain ladder on a server with a cache: every rung goes on with the thinking, and answers from a fork."""
    rng = np.random.default_rng(seed)
    rows, work, before = [], [], 0
    for rung, budget in enumerate(budgets):
        here, answer = Computed(), int(rng.integers(1, 9))
        if budget:
            here.request(prompt + before, budget - before, cached=int(rng.integers(0, prompt + before + 1)))
        here.request(prompt + budget, answer, cached=int(rng.integers(0, prompt + budget + 1)))
        rows.append(
            row(
                rung,
                budget,
                thinking_tokens=budget,
                answer_tokens=answer,
                generated_tokens=len(here.decoded),
                prompt_tokens=here.asked,
                cached_tokens=here.cached,
                judge_tokens=0,
                verifier_tokens=0,
            )
        )
        work.append(here)
        before = budget
    return rows, work


def search(seed: int, *, prompt: int = 30) -> tuple[list[RungRecord], list[Computed]]:
    """A search on a tree: at every rung some branch goes on, or a new one begins, and the longest of all answers."""
    rng = np.random.default_rng(seed)
    branches: list[list[int]] = []  # the tokens of each, by number; branches share those before they part
    decoded = 0
    rows, work = [], []
    for rung, budget in enumerate((0, 1, 2, 3)):
        here = Computed()
        for _ in range(int(rng.integers(1, 4)) if budget else 0):
            parent = branches[rng.integers(len(branches))] if branches and rng.random() < 0.7 else []
            kept = int(rng.integers(0, len(parent) + 1))
            new = int(rng.integers(1, 12))
            here.request(prompt + kept, new, cached=prompt + kept)
            branches.append([*parent[:kept], *range(decoded, decoded + new)])
            decoded += new
        best = branches[rng.integers(len(branches))] if branches else []
        answer = int(rng.integers(1, 5))
        here.request(prompt + len(best), answer, cached=prompt + len(best))
        if not budget:
            here.cached, here.read = 0, list(range(1, prompt + 1))
        rows.append(
            row(
                rung,
                budget,
                thinking_tokens=len(best),
                answer_tokens=answer,
                generated_tokens=len(here.decoded),
                prompt_tokens=here.asked,
                cached_tokens=here.cached,
                pruned_tokens=decoded - len(best),
            )
        )
        work.append(here)
    return rows, work


def agent(seed: int) -> tuple[list[RungRecord], list[Computed]]:
    """An agent whose turns read again all that was said, scored after so many of them; nothing is cached."""
    rng = np.random.default_rng(seed)
    rows, work, context = [], [], 25
    for rung in range(3):
        here = Computed()
        for _ in range(int(rng.integers(1, 4))):
            decoded = int(rng.integers(1, 12))
            here.request(context, decoded)
            context += decoded + int(rng.integers(0, 9))  # the tool's answer
        rows.append(
            row(
                rung,
                rung,
                estimand=Estimand.CHECKPOINT,
                generated_tokens=len(here.decoded),
                prompt_tokens=here.asked,
                cached_tokens=0,
            )
        )
        work.append(here)
    return rows, work
