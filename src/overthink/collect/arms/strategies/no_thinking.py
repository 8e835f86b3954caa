"""ZeroThink and LessThink: the thinking is closed before it begins, empty or with one inserted sentence.

SafeChain, arXiv 2502.12025, where the first was the safest decoding. They do no thinking, so they have one rung.
"""

from dataclasses import dataclass

from overthink.collect.arms.component import Component, Option, Settings, StepperSetup
from overthink.collect.ladder.thinking import ReasoningPath, Thinker, TraceContext, insert_text
from overthink.collect.providers.continuation import Prefix
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


@dataclass(frozen=True)
class NoThinking:
    """The strategy.

    Attributes:
        thought: Replacement of the thinking.
    """

    thought: str

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return AnswersAtOnce(context, self.thought)


def _make(name: str, thought: str, plan: Plan) -> NoThinking:
    if plan.budgets is not None and plan.budgets[0] != 0:
        raise InputError(f"--arms {name} thinks 0 tokens, which is no rung of --budgets; begin them with 0")
    return NoThinking(thought)


def _less(settings: Settings, plan: Plan) -> NoThinking:
    return _make("lessthink", str(settings["thought"]), plan)


ZEROTHINK = Component(
    "zerothink",
    "strategy",
    "the thinking is closed before it begins",
    lambda settings, plan: _make("zerothink", "", plan),
    answers_at_once=True,
    max_segments=lambda settings: 0,
)
"""The component `zerothink`."""

LESSTHINK = Component(
    "lessthink",
    "strategy",
    "one sentence of ours stands for the thinking",
    _less,
    settings={
        "thought": Option(
            str,
            "the sentence (as SafeChain's paper gives it)",
            default="Okay, the user ask for this, I can answer it without thinking much. ",
        )
    },
    answers_at_once=True,
    max_segments=lambda settings: 0,
    inserted_texts=lambda settings: (str(settings["thought"]),),
)
"""The component `lessthink`."""
