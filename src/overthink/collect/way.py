"""How one trace climbs: its ladder, its format, its sampling, its seed."""

from dataclasses import dataclass
from typing import Any

from overthink.collect.continuation import Sampling
from overthink.collect.seeds import seed_for
from overthink.collect.think import ThinkFormat


@dataclass(frozen=True, slots=True)
class Way:
    """What one trace needs to know to climb.

    Attributes:
        budgets: Thinking budgets in tokens, ascending.
        format: How thinking opens and closes, cue settled for this prompt.
        answer_tokens: Allowance for the answer at every rung, apart from the thinking.
        temperature: Sampling temperature.
        top_p: Nucleus sampling mass.
        seed: Seed of this trace; every request derives its own from it.
        truth: What a simulated model may know of the question; None for every real one.
    """

    budgets: tuple[int, ...]
    format: ThinkFormat
    answer_tokens: int
    temperature: float
    top_p: float
    seed: int
    truth: dict[str, Any] | None = None

    def told(self, phase: str, thinking: int) -> dict[str, Any] | None:
        """What a simulated model is told of one request; None for every real one."""
        return None if self.truth is None else self.truth | {"phase": phase, "thinking_tokens": thinking}

    def thinking(self, max_tokens: int, *named: str | int, stop: tuple[str, ...] = ()) -> Sampling:
        """How a piece of thinking is drawn.

        Args:
            max_tokens: The most tokens to decode.
            named: What the request is for; its seed hangs on that and on nothing else.
            stop: Text that ends the piece, beside what ends the thinking.
        """
        return self._sampling(max_tokens, (*self.format.stop, *stop), named)

    def answering(self, *named: str | int) -> Sampling:
        """How an answer is drawn."""
        return self._sampling(self.answer_tokens, self.format.answer_stop, named)

    def _sampling(self, max_tokens: int, stop: tuple[str, ...], named: tuple[str | int, ...]) -> Sampling:
        return Sampling(max_tokens, seed_for(self.seed, *named), self.temperature, self.top_p, stop)
