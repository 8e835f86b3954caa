"""Thinking that is not let end: where the model ends it, a cue takes its place, and it thinks on.

The end that the model writes is cut off, so that it never stands in the prefix. Every token that was decoded counts,
the suppressed end included, and what is decoded never exceeds the budget of a rung. Taking a round's limit anew each
time would: s1's own code does that, and cuts afterwards what has been paid.
"""

from dataclasses import dataclass, replace

from overthink.collect.continuation import Prefix
from overthink.collect.part import Steered
from overthink.collect.seeds import seed_for
from overthink.collect.steer.phrase import at_line_start
from overthink.collect.thinking import Means, Path, Thinker, gone_on, written


@dataclass(frozen=True)
class Prolonging:
    """The strategy.

    Attributes:
        cues: What takes the place of an end; each trace draws one of them for every round.
        rounds: How often an end is suppressed at most.
        minimum: Tokens after which the model may end; None for as long as the budget lasts.
    """

    cues: tuple[str, ...]
    rounds: int
    minimum: int | None

    def thinker(self, means: Means, steered: Steered) -> Thinker:
        """Who thinks in one trace."""
        return Prolonged(self, means, steered)


class Prolonged:
    """Thinks along one path, beyond its ends."""

    def __init__(self, how: Prolonging, means: Means, steered: Steered) -> None:
        self._how = how
        self._means = means
        self._steered = steered
        self._round = 0
        self._due = ""

    async def begin(self, opened: Prefix) -> None:
        """Start behind the opening of the assistant's turn, and what an intervention writes there."""
        self._path = await written(self._means.continuation, Path(opened), self._steered.opening)

    async def to(self, rung: int, budget: int) -> Path:
        """Think until the budget is used up, or the thinking ends and may."""
        while True:
            if self._path.ended and self._may_not_end():
                self._round += 1
                self._due = self._cue()  # written when there is room to think on, not before an answer
                self._path = replace(self._path, ended=False, stop=None)
            if self._path.ended or self._path.tokens >= budget:
                return self._path
            self._path = await self._on(rung, budget - self._path.tokens)

    def _may_not_end(self) -> bool:
        early = self._how.minimum is None or self._path.tokens < self._how.minimum
        return early and self._round < self._how.rounds and not self._path.stopped

    def _cue(self) -> str:
        drawn = seed_for(self._means.way.seed, "cue", self._round) % len(self._how.cues)
        return at_line_start(self._path.text, self._how.cues[drawn])

    async def _on(self, rung: int, room: int) -> Path:
        cue, self._due = self._due, ""
        if not self._steered.plain:
            return await self._steered.stepper(self._path, room, cue=cue)
        path = await written(self._means.continuation, self._path, cue)
        named = (rung, "think", self._round) if self._round else (rung, "think")  # the plain ladder's, until it ends
        return await gone_on(self._means, path, room, *named)
