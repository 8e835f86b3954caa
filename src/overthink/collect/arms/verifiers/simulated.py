"""Verifier of ``overthink/simulated``: it reads the quality marks at the beginning of the steps."""

from typing import Annotated

from pydantic import Field

from overthink.collect.arms.verifiers.base import Scores, Verifier
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.simulated.model import uniform
from overthink.collect.providers.simulated.thinking import SHAKY, SOUND, token_count
from overthink.components.base import Simulated, component

SCORES = {SOUND: 0.9, SHAKY: 0.1}
"""Score of a step by its mark."""

UNMARKED = 0.5
"""Score of an unmarked step before any marked one; a later one gets the mean of those before it."""


@component("simulated")
class SimulatedVerifier(Verifier):
    """Reads the marks of quality that overthink/simulated writes.

    With an error of 0 it is perfect, with 0.5 uninformative, and with 1 always wrong.
    """

    error: Annotated[float, Simulated(0.0)] = Field(
        ge=0, le=1, description="share of steps that it takes for the opposite"
    )

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        """Score the steps of a path."""
        mark = self._mark_score(path.steps[-1]) if last_only and path.steps else None  # that of a mark needs no other
        scores = self._scores(path.steps) if mark is None else (mark,)
        return Scores(scores[-1:] if last_only else scores, token_count(path.text))

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score an answer by the steps before it."""
        return Scores(self._scores((*path.steps, ""))[-1:], token_count(path.text + answer))

    async def solution(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score the steps of a path, and the answer by its steps."""
        return Scores(self._scores((*path.steps, "")), token_count(path.text + answer))

    def _scores(self, steps: tuple[str, ...]) -> tuple[float, ...]:
        mark_scores: list[float] = []
        scores = []
        for step in steps:
            mark = self._mark_score(step)
            if mark is not None:
                mark_scores.append(mark)
            before = sum(mark_scores) / len(mark_scores) if mark_scores else UNMARKED
            scores.append(before if mark is None else mark)
        return tuple(scores)

    def _mark_score(self, step: str) -> float | None:
        for mark, score in SCORES.items():
            if step.startswith(mark):
                return 1 - score if uniform("verifier", step) < self.error else score
        return None
