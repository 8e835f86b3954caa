"""Monitor: every step is scored, and one below the threshold stops the thinking or is followed by a cue."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from overthink.collect.arms.interventions.guards import Guarded
from overthink.collect.arms.interventions.primer import WAIT_SAFELY, on_its_own_line
from overthink.collect.ladder.thinking import ReasoningPath, Stepper, TraceContext, insert_text
from overthink.components.base import Simulated, component
from overthink.data.record import Category


@component("monitor")
class Monitor(Guarded):
    """A guard or verifier scores every step, and stops or redirects the thinking.

    "stop": the step is discarded, and the thinking ends before it, so that the answer is forced there. "redirect": the
    step stays, and the cue is inserted after it.
    """

    decides: ClassVar[Literal["", "steps", "candidates"]] = "steps"
    action: Annotated[Literal["stop", "redirect"], Simulated("stop")] = Field(
        description="what an unsafe step does: end the thinking before it, or be answered by the cue"
    )
    cue: str = Field(WAIT_SAFELY, description="what answers an unsafe step (SafeThink's phrase)")

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the monitored stepper."""

        async def monitor_step(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
            longer = await stepper(path, room, branch=branch, cue=cue)
            is_unsafe = not await self.watch.passes(context, longer)
            if not context.decisions.act("monitor", path.n_steps, branch, is_unsafe):
                return longer
            if self.action == "stop":
                context.meter.charge(Category.REJECTED, longer.tokens - path.tokens)
                return replace(path, ended=True, is_final=True)
            return await insert_text(context.continuation, longer, on_its_own_line(longer.text, self.cue))

        return monitor_step
