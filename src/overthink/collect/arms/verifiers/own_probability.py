"""Verifier by the model's own probability of its forced answer, or of its steps."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from overthink.collect.providers.continuation import Prefix
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.arms.verifiers.checks import checked_scores
from overthink.collect.arms.verifiers.likelihood import Likelihood, likelihood
from overthink.collect.arms.verifiers.prefixes import prefixes_of, tokens_of
from overthink.collect.arms.verifiers.base import Scores, UnreadableScoreError, charged_if_lost

Per = Literal["answer", "token"]


@dataclass(frozen=True, slots=True)
class OwnProbability:
    """Scores by the model under test's probability of its own text; no decoded token is kept.

    Attributes:
        per: "answer": the probability of the whole text; "token": its geometric mean per token, which does not depend
            on the length.
    """

    per: Per
    models: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name in reports."""
        return f"the model's own probability per {self.per}"

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        """Score steps by the probability of each, given those before it."""
        prefixes = await prefixes_of(context, path)
        places = range(len(path.steps))[-1:] if last_only else range(len(path.steps))
        return await self._score(context, [partial(self._of_step, context, prefixes, path.steps[i], i) for i in places])

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score an answer by its probability after the end of the thinking."""
        prefixes = await prefixes_of(context, path)
        return await self._score(context, [partial(self._of_answer, context, prefixes, answer)])

    async def solution(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score the steps, and the answer after them."""
        prefixes = await prefixes_of(context, path)
        requests = [partial(self._of_step, context, prefixes, step, i) for i, step in enumerate(path.steps)]
        return await self._score(context, [*requests, partial(self._of_answer, context, prefixes, answer)])

    async def _of_answer(self, context: TraceContext, prefixes: list[Prefix], answer: str) -> Likelihood:
        close = context.spec.format.close + context.spec.format.cue
        fork = await context.continuation.append_text(prefixes[-1], close)
        text = answer.removeprefix(context.spec.format.cue)
        truth = context.spec.truth_for("answer", tokens_of(prefixes, len(prefixes) - 1))
        return await likelihood(context.continuation, fork, text, truth=truth)

    async def _of_step(self, context: TraceContext, prefixes: list[Prefix], step: str, at: int) -> Likelihood:
        truth = context.spec.truth_for("think", tokens_of(prefixes, at))
        return await likelihood(context.continuation, prefixes[at], step, truth=truth)

    async def _score(self, context: TraceContext, requests: Sequence[Callable[[], Awaitable[Likelihood]]]) -> Scores:
        counts: list[int | None] = []
        numbers: list[float] = []
        with charged_if_lost(context, lambda: _sum(counts)):
            for request in requests:
                try:
                    result = await request()
                except UnreadableScoreError as failure:
                    raise UnreadableScoreError(failure.reason, _sum([*counts, failure.tokens])) from failure
                counts.append(result.tokens)
                numbers.append(self._probability(result.log_probabilities))
        tokens = _sum(counts)
        return Scores(checked_scores(numbers, len(requests), verifier=self.name, sigmoid=None, tokens=tokens), tokens)

    def _probability(self, logs: tuple[float, ...]) -> float:
        whole = math.fsum(logs)
        return math.exp(min(whole / len(logs) if self.per == "token" else whole, 0.0))


def _sum(counts: Sequence[int | None]) -> int | None:
    return None if None in counts else sum(count or 0 for count in counts)
