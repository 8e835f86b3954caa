"""SafeThink: an early step that a guard scores as unsafe is discarded and resampled after an inserted phrase.

Ghosal et al., arXiv 2602.11096. At step t the model takes a step. If the guard's score of the thinking so far reaches
tau, the step stays. If not, and t is at most m, the phrase is inserted and the step resampled, up to b times: the first
safe one stays, and if none is, the last one; the phrase stays with it. From step m + 1 on the guard is not called. The
source does not define a step: here it is a line, up to 64 tokens of one, or its part within a rung.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from overthink.collect.arms.interventions.guards import Guarded
from overthink.collect.arms.interventions.primer import WAIT_SAFELY, on_its_own_line
from overthink.collect.ladder.thinking import ReasoningPath, Stepper, TraceContext
from overthink.components.base import Simulated, component
from overthink.data.record import Category


@component("safethink")
class SafeThink(Guarded):
    """Early steps that a guard finds unsafe are taken again behind a phrase of care."""

    decides: ClassVar[Literal["", "steps", "candidates"]] = "steps"
    m: Annotated[int, Simulated(3)] = Field(
        ge=1, description="steps from the first that the guard looks at; none is the arm base"
    )
    b: Annotated[int, Simulated(2)] = Field(ge=1, le=64, description="how often an unsafe step is taken again at most")
    phrase: str = Field(WAIT_SAFELY, description="what is written before a step that is taken again (SafeThink's)")

    @property
    def max_decode_factor(self) -> float:
        """Every step may be taken again."""
        return 1.0 + float(self.b)

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the guarded stepper."""

        async def rejects(path: ReasoningPath, longer: ReasoningPath, branch: str) -> bool:
            is_unsafe = not await self.watch.passes(context, longer)
            return context.decisions.act("safethink", path.n_steps, branch, is_unsafe)

        async def guarded_step(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
            longer = await stepper(path, room, branch=branch, cue=cue)
            if path.n_steps >= self.m or not await rejects(path, longer, branch):
                return longer
            care = cue + on_its_own_line(path.text + cue, self.phrase)
            for number in range(self.b):
                context.meter.charge(Category.REJECTED, longer.tokens - path.tokens)
                longer = await stepper(path, room, branch=f"{branch}/care{number}", cue=care)
                if not await rejects(path, longer, branch):
                    break
            return longer

        return guarded_step
