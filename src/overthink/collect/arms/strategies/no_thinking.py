"""ZeroThink and LessThink: the thinking is closed before it begins, empty or with one inserted sentence.

SafeChain, arXiv 2502.12025, where the first was the safest decoding. They do no thinking, so they have one rung.
"""

from typing import ClassVar, Self

from pydantic import Field

from overthink.collect.arms.component import StepperSetup, Strategy
from overthink.collect.ladder.thinking import ReasoningPath, Thinker, TraceContext, insert_text
from overthink.collect.providers.continuation import Prefix
from overthink.components.base import component
from overthink.errors import InputError
from overthink.plan.study import Plan


class AnswersAtOnce:
    """Thinker without thinking."""

    def __init__(self, context: TraceContext, thought: str) -> None:
        self._context = context
        self._thought = thought

    async def begin(self, prefix: Prefix) -> None:
        """Start after the opening of the assistant's turn, and insert the replacement of the thinking."""
        self._path = await insert_text(self._context.continuation, ReasoningPath(prefix), self._thought)

    async def to(self, rung: int, budget: int) -> ReasoningPath:
        """Return the initial path."""
        return self._path


class NoThinking(Strategy):
    """Base of strategies without thinking."""

    answers_at_once: ClassVar[bool] = True

    @property
    def max_segments(self) -> int:
        """No thinking at all."""
        return 0

    def open(self, plan: Plan) -> Self:
        """Return the strategy.

        Raises:
            InputError: The lowest budget is above 0.
        """
        if plan.budgets is not None and plan.budgets[0] != 0:
            raise InputError(f"--arms {self.key} thinks 0 tokens, which is no rung of --budgets; begin them with 0")
        return self

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return AnswersAtOnce(context, "".join(self.inserted_texts))


@component("zerothink")
class ZeroThink(NoThinking):
    """The thinking is closed before it begins."""


@component("lessthink")
class LessThink(NoThinking):
    """One sentence of ours stands for the thinking."""

    thought: str = Field(
        "Okay, the user ask for this, I can answer it without thinking much. ",
        description="the sentence (as SafeChain's paper gives it)",
    )

    @property
    def inserted_texts(self) -> tuple[str, ...]:
        """The sentence."""
        return (self.thought,)
