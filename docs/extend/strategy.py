"""A strategy: how one trace spends the thinking tokens of each rung.

On the command line:

    overthink run … --arms base,docs/extend/strategy.py@frugal:share=0.5
"""

from overthink.extend import Field, PlainLadder, Prefix, ReasoningPath, StepperSetup, Thinker, TraceContext, component


class FrugalThinker:
    """Thinks as another thinker does, with a share of every budget."""

    def __init__(self, thinker: Thinker, share: float) -> None:
        self._thinker = thinker
        self._share = share

    async def begin(self, prefix: Prefix) -> None:
        """Start after the opening of the assistant's turn."""
        await self._thinker.begin(prefix)

    async def to(self, rung: int, budget: int) -> ReasoningPath:
        """Return the path to answer from at a rung; it may not be longer than the budget."""
        return await self._thinker.to(rung, int(self._share * budget))


@component("frugal")
class Frugal(PlainLadder):
    """The plain ladder with a share of every budget."""

    share: float = Field(description="share of the budget that is thought", gt=0, le=1)

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return FrugalThinker(super().thinker(context, setup), self.share)
