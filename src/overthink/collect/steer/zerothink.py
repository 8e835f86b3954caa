"""ZeroThink and LessThink: the thinking is closed before it begins, with nothing in it or one sentence of ours.

SafeChain, arXiv 2502.12025, where the first was the safest way to decode. They think nothing, so they have one rung.
"""

from dataclasses import dataclass

from overthink.collect.continuation import Prefix
from overthink.collect.part import Part, Setting, Settings, Steered
from overthink.collect.thinking import Means, Path, Thinker, written
from overthink.errors import InputError
from overthink.plan import Plan


class AnswersAtOnce:
    """Thinks nothing."""

    def __init__(self, means: Means, thought: str) -> None:
        self._means = means
        self._thought = thought

    async def begin(self, opened: Prefix) -> None:
        """Start behind the opening of the assistant's turn, and write what stands for the thinking."""
        self._path = await written(self._means.continuation, Path(opened), self._thought)

    async def to(self, rung: int, budget: int) -> Path:
        """The path as it began."""
        return self._path


@dataclass(frozen=True)
class NoThinking:
    """The strategy.

    Attributes:
        thought: What stands for the thinking.
    """

    thought: str

    def thinker(self, means: Means, steered: Steered) -> Thinker:
        """Who answers one trace."""
        return AnswersAtOnce(means, self.thought)


def _make(name: str, thought: str, plan: Plan) -> NoThinking:
    if plan.budgets is not None and plan.budgets[0] != 0:
        raise InputError(f"--arms {name} thinks 0 tokens, which is no rung of --budgets; begin them with 0")
    return NoThinking(thought)


def _less(settings: Settings, plan: Plan) -> NoThinking:
    return _make("lessthink", str(settings["thought"]), plan)


ZEROTHINK = Part(
    "zerothink",
    "strategy",
    "the thinking is closed before it begins",
    lambda settings, plan: _make("zerothink", "", plan),
    answers_at_once=True,
    pieces=lambda settings: 0,
)
"""What `--arms` calls `zerothink`."""

LESSTHINK = Part(
    "lessthink",
    "strategy",
    "one sentence of ours stands for the thinking",
    _less,
    settings={
        "thought": Setting(
            str,
            "the sentence (as SafeChain's paper gives it)",
            default="Okay, the user ask for this, I can answer it without thinking much. ",
        )
    },
    answers_at_once=True,
    pieces=lambda settings: 0,
    writes=lambda settings: (str(settings["thought"]),),
)
"""What `--arms` calls `lessthink`."""
