"""The model's own opinion: how likely it finds the answer that was forced, or the steps that it took."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from overthink.collect.continuation import Prefix
from overthink.collect.thinking import Means, Path
from overthink.collect.verify.checks import checked_scores
from overthink.collect.verify.likelihood import Likelihood, likelihood
from overthink.collect.verify.prefixes import prefixes_of, tokens_of
from overthink.collect.verify.verifier import Scored, UnreadableScoreError, charged_if_lost

Per = Literal["answer", "token"]


@dataclass(frozen=True, slots=True)
class OwnProbability:
    """Reads the probability that the model under test gives to its own words; it decodes nothing that is kept.

    Attributes:
        per: "answer": the probability of the whole text; "token": its geometric mean per token, so that long texts
            are not worse for being long.
    """

    per: Per
    models: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"the model's own probability per {self.per}"

    async def steps(self, means: Means, path: Path, *, last_only: bool) -> Scored:
        """Score steps: the probability of each, given those before it."""
        prefixes = await prefixes_of(means, path)
        places = range(len(path.steps))[-1:] if last_only else range(len(path.steps))
        return await self._scored(means, [partial(self._of_step, means, prefixes, path.steps[i], i) for i in places])

    async def answer(self, means: Means, path: Path, answer: str) -> Scored:
        """Score an answer: its probability behind the close of the thinking."""
        prefixes = await prefixes_of(means, path)
        return await self._scored(means, [partial(self._of_answer, means, prefixes, answer)])

    async def solution(self, means: Means, path: Path, answer: str) -> Scored:
        """Score the steps, and the answer behind them."""
        prefixes = await prefixes_of(means, path)
        asked = [partial(self._of_step, means, prefixes, step, i) for i, step in enumerate(path.steps)]
        return await self._scored(means, [*asked, partial(self._of_answer, means, prefixes, answer)])

    async def _of_answer(self, means: Means, prefixes: list[Prefix], answer: str) -> Likelihood:
        close = means.way.format.close + means.way.format.cue
        fork = await means.continuation.append_text(prefixes[-1], close)
        said = answer.removeprefix(means.way.format.cue)
        truth = means.way.told("answer", tokens_of(prefixes, len(prefixes) - 1))
        return await likelihood(means.continuation, fork, said, truth=truth)

    async def _of_step(self, means: Means, prefixes: list[Prefix], step: str, at: int) -> Likelihood:
        truth = means.way.told("think", tokens_of(prefixes, at))
        return await likelihood(means.continuation, prefixes[at], step, truth=truth)

    async def _scored(self, means: Means, asked: Sequence[Callable[[], Awaitable[Likelihood]]]) -> Scored:
        counts: list[int | None] = []
        numbers: list[float] = []
        with charged_if_lost(means, lambda: _sum(counts)):
            for one in asked:
                try:
                    found = await one()
                except UnreadableScoreError as gap:
                    raise UnreadableScoreError(gap.reason, _sum([*counts, gap.tokens])) from gap
                counts.append(found.tokens)
                numbers.append(self._probability(found.log_probabilities))
        tokens = _sum(counts)
        return Scored(checked_scores(numbers, len(asked), verifier=self.name, sigmoid=None, tokens=tokens), tokens)

    def _probability(self, logs: tuple[float, ...]) -> float:
        whole = math.fsum(logs)
        return math.exp(min(whole / len(logs) if self.per == "token" else whole, 0.0))


def _sum(counts: Sequence[int | None]) -> int | None:
    return None if None in counts else sum(count or 0 for count in counts)
