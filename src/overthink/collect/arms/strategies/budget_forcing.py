"""Budget forcing: where the model ends its thinking, a cue replaces the end, and the thinking continues.

The model's end is removed, so that it is never part of the prefix. Every decoded token counts, the suppressed end
included, and decoding never exceeds the budget of a rung. A new limit per round would exceed it: s1's own code does
that, and truncates decoded tokens afterwards.

Budget forcing with a minimum: an early end of the thinking is replaced by "Wait", and the thinking continues.

s1, arXiv 2501.19393: the end of the thinking is suppressed and "Wait" appended, until the minimum is reached or the
rounds are used up. The maximum is the rung, as in every arm.

MoreThink: every end of the thinking is replaced by a sentence that asks to think again, at most ten times.

SafeChain, arXiv 2502.12025. The source draws the sentences at random from another list.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Self

from pydantic import Field

from overthink.collect.arms.component import StepperSetup, Strategy
from overthink.collect.arms.interventions.insertions import at_line_start
from overthink.collect.ladder.sampling import seed_for
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, Thinker, TraceContext, insert_text, think_on
from overthink.collect.providers.continuation import Prefix
from overthink.components.base import Simulated, component
from overthink.errors import InputError
from overthink.plan.study import Plan


@dataclass(frozen=True)
class BudgetForcing:
    """Suppression of ends, which the strategies below share.

    Attributes:
        cues: Replacements of an end; each trace draws one of them per round.
        rounds: Maximum number of suppressed ends.
        minimum: Tokens after which the model may end; None to suppress ends within the whole budget.
    """

    cues: tuple[str, ...]
    rounds: int
    minimum: int | None

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return BudgetForcedThinker(self, context, setup)


class BudgetForcedThinker:
    """Thinks along one path, with suppressed ends."""

    def __init__(self, how: BudgetForcing, context: TraceContext, setup: StepperSetup) -> None:
        self._how = how
        self._context = context
        self._setup = setup
        self._round = 0
        self._due = ""

    async def begin(self, prefix: Prefix) -> None:
        """Start after the opening of the assistant's turn and the prefix text of interventions."""
        self._path = await insert_text(self._context.continuation, ReasoningPath(prefix), self._setup.prefix_text)

    async def to(self, rung: int, budget: int) -> ReasoningPath:
        """Think until the budget is used up, or the thinking ends after the minimum."""
        while True:
            if self._path.ended and self._may_not_end():
                self._round += 1
                self._due = self._cue()  # inserted when there is room for thinking, not before an answer
                self._path = replace(self._path, ended=False, stop=None)
            if self._path.ended or self._path.tokens >= budget:
                return self._path
            self._path = await self._on(rung, budget - self._path.tokens)

    def _may_not_end(self) -> bool:
        early = self._how.minimum is None or self._path.tokens < self._how.minimum
        return early and self._round < self._how.rounds and not self._path.is_final

    def _cue(self) -> str:
        index = seed_for(self._context.spec.seed, "cue", self._round) % len(self._how.cues)
        return at_line_start(self._path.text, self._how.cues[index])

    async def _on(self, rung: int, room: int) -> ReasoningPath:
        cue, self._due = self._due, ""
        if not self._setup.is_plain:
            return await self._setup.stepper(self._path, room, cue=cue)
        path = await insert_text(self._context.continuation, self._path, cue)
        purpose = (
            (rung, "think", self._round) if self._round else (rung, "think")
        )  # the plain ladder's name, until the first end
        return await think_on(self._context, path, room, *purpose)


@component("wait")
class Wait(Strategy):
    """Budget forcing with a minimum: an early end of the thinking is replaced by a cue."""

    cue: str = Field("Wait", description="what takes the place of an early end (s1's)")
    rounds: Annotated[int, Simulated(2)] = Field(ge=1, description="how often an end is suppressed at most")
    minimum: Annotated[int, Simulated(64)] = Field(
        ge=1, description="thinking tokens before which an end is suppressed; the top budget for all"
    )

    @property
    def max_segments(self) -> int:
        """One per suppressed end."""
        return self.rounds

    @property
    def inserted_texts(self) -> tuple[str, ...]:
        """The cue, once per suppressed end."""
        return (f"{LINE_END}{self.cue}",) * self.rounds

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return BudgetForcing((self.cue,), self.rounds, self.minimum).thinker(context, setup)


MAX_ROUNDS = 10
"""The source's limit."""

RETHINK = (
    "Let me go over this once more from the beginning.",
    "Before I answer, I should check each of these points again.",
    "I may have missed something, so I will look at it from another side.",
    "Let me think again about what is being asked, and why.",
)


@component("morethink")
class MoreThink(Strategy):
    """Every end of the thinking is replaced by a sentence that asks to think again."""

    rounds: int = Field(
        MAX_ROUNDS, ge=1, le=MAX_ROUNDS, description="how often an end is replaced at most (SafeChain's)"
    )
    cues: str = Field("|".join(RETHINK), description="the sentences, with | between them; one is drawn each time")

    @property
    def max_segments(self) -> int:
        """One per replaced end."""
        return self.rounds

    @property
    def inserted_texts(self) -> tuple[str, ...]:
        """The longest sentence, once per replaced end."""
        return (LINE_END + max(self.cues.split("|"), key=len),) * self.rounds

    def open(self, plan: Plan) -> Self:
        """Return the strategy.

        Raises:
            InputError: There is no sentence.
        """
        if not self.sentences:
            raise InputError("--arms morethink: cues holds no sentence; needed: sentences with | between them")
        return self

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences, each a line."""
        return tuple(cue.strip() + LINE_END for cue in self.cues.split("|") if cue.strip())

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return BudgetForcing(self.sentences, self.rounds, None).thinker(context, setup)
