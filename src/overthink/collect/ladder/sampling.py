"""Sampling specification of one trace: ladder, format, sampling parameters, seed."""

from dataclasses import dataclass
from typing import Any

from overthink.collect.providers.continuation import Sampling
from overthink.collect.ladder.seeds import seed_for
from overthink.collect.providers.think_tags import ThinkFormat


@dataclass(frozen=True, slots=True)
class SamplingSpec:
    """Ladder, format and sampling of one trace.

    Attributes:
        budgets: Thinking budgets in tokens, ascending.
        format: Think format, with the cue for this prompt.
        answer_tokens: Token limit of the answer at every rung, besides the thinking.
        temperature: Sampling temperature.
        top_p: Nucleus sampling mass.
        seed: Seed of this trace, from which every request's seed derives.
        truth: Simulated outcome data of the question; None for every real model.
    """

    budgets: tuple[int, ...]
    format: ThinkFormat
    answer_tokens: int
    temperature: float
    top_p: float
    seed: int
    truth: dict[str, Any] | None = None

    def truth_for(self, phase: str, thinking: int) -> dict[str, Any] | None:
        """Return the simulated model's data for one request; None for every real model."""
        return None if self.truth is None else self.truth | {"phase": phase, "thinking_tokens": thinking}

    def thinking(self, max_tokens: int, *purpose: str | int, stop: tuple[str, ...] = ()) -> Sampling:
        """Return the sampling parameters of a thinking segment.

        Args:
            max_tokens: Maximum number of tokens to decode.
            purpose: Name of the request, from which its seed derives.
            stop: Stop texts besides those that end the thinking.
        """
        return self._sampling(max_tokens, (*self.format.stop, *stop), purpose)

    def answering(self, *purpose: str | int) -> Sampling:
        """Return the sampling parameters of an answer."""
        return self._sampling(self.answer_tokens, self.format.answer_stop, purpose)

    def _sampling(self, max_tokens: int, stop: tuple[str, ...], purpose: tuple[str | int, ...]) -> Sampling:
        return Sampling(max_tokens, seed_for(self.seed, *purpose), self.temperature, self.top_p, stop)
