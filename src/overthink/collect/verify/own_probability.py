"""The model's own opinion: how likely it finds the answer that was forced, or the steps that it took."""

import math
from dataclasses import dataclass
from typing import Literal

from overthink.collect.continuation import Prefix
from overthink.collect.thinking import Means, Path
from overthink.collect.verify.checks import checked_scores
from overthink.collect.verify.likelihood import Likelihood, likelihood
from overthink.collect.verify.prefixes import prefixes_of, tokens_of
from overthink.collect.verify.verifier import Scored

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
        found = [await self._of(means, prefixes[i], path.steps[i], thinking=prefixes, at=i) for i in places]
        return self._scored(found)

    async def answer(self, means: Means, path: Path, answer: str) -> Scored:
        """Score an answer: its probability behind the close of the thinking."""
        prefixes = await prefixes_of(means, path)
        return self._scored([await self._of_answer(means, prefixes, answer)])

    async def solution(self, means: Means, path: Path, answer: str) -> Scored:
        """Score the steps, and the answer behind them."""
        prefixes = await prefixes_of(means, path)
        found = [await self._of(means, prefixes[i], step, thinking=prefixes, at=i) for i, step in enumerate(path.steps)]
        return self._scored([*found, await self._of_answer(means, prefixes, answer)])

    async def _of_answer(self, means: Means, prefixes: list[Prefix], answer: str) -> Likelihood:
        close = means.way.format.close + means.way.format.cue
        fork = await means.continuation.append_text(prefixes[-1], close)
        said = answer.removeprefix(means.way.format.cue)
        truth = means.way.told("answer", tokens_of(prefixes, len(prefixes) - 1))
        return await likelihood(means.continuation, fork, said, truth=truth)

    async def _of(self, means: Means, prefix: Prefix, step: str, *, thinking: list[Prefix], at: int) -> Likelihood:
        truth = means.way.told("think", tokens_of(thinking, at))
        return await likelihood(means.continuation, prefix, step, truth=truth)

    def _scored(self, found: list[Likelihood]) -> Scored:
        counts = [one.tokens for one in found]
        tokens = None if any(count is None for count in counts) else sum(count or 0 for count in counts)
        numbers = [self._probability(one.log_probabilities) for one in found]
        return Scored(checked_scores(numbers, len(found), verifier=self.name, sigmoid=None, tokens=tokens), tokens)

    def _probability(self, logs: tuple[float, ...]) -> float:
        whole = math.fsum(logs)
        return math.exp(min(whole / len(logs) if self.per == "token" else whole, 0.0))
