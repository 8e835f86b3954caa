"""Interventions that insert a text: a primer at the beginning, SafeThink and Monitor at a step that scores as unsafe.

The primer is the simplest of the early interventions, without training; its line is that of SAFEPATH, arXiv 2505.14667.

SafeThink: an early step that a guard scores as unsafe is discarded and resampled after an inserted phrase.

Ghosal et al., arXiv 2602.11096. At step t the model takes a step. If the guard's score of the thinking so far reaches
tau, the step stays. If not, and t is at most m, the phrase is inserted and the step resampled, up to b times: the
first safe one stays, and if none is, the last one; the phrase stays with it. From step m + 1 on the guard is not
called. The source does not define a step: here it is a line, up to 64 tokens of one, or its part within a rung.
"""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from overthink.collect.arms.component import Intervention
from overthink.collect.arms.interventions.guards import Guarded
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, Stepper, TraceContext, insert_text
from overthink.components.base import Simulated, component
from overthink.data.record import Category


@component("primer")
class Primer(Intervention):
    """A line about safety at the beginning of the thinking."""

    looks_at_steps: ClassVar[bool] = False
    text: str = Field("Let's think about safety first", description="the line (SAFEPATH's)")

    @property
    def prefix_text(self) -> str:
        """The line."""
        return self.text.strip(LINE_END) + LINE_END

    @property
    def max_segments(self) -> int:
        """None beyond those of the ladder."""
        return 0

    @property
    def inserted_texts(self) -> tuple[str, ...]:
        """The line."""
        return (f"{self.text}{LINE_END}",)

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the stepper unchanged: every step is the model's own."""
        return stepper


WAIT_SAFELY = "Wait, think safely"
"""SafeThink's steering phrase."""


def on_its_own_line(before: str, text: str) -> str:
    r"""Return the text as a line of its own after ``before``.

    Example:
        >>> on_its_own_line("so", "Wait"), on_its_own_line("so\n", "Wait"), on_its_own_line("", "Wait")
        ('\nWait\n', 'Wait\n', 'Wait\n')
    """
    return at_line_start(before, text.strip(LINE_END) + LINE_END)


def at_line_start(before: str, text: str) -> str:
    """Return the text to append to ``before``, with a line end first if a line has begun."""
    in_line = bool(before) and not before.endswith(LINE_END)
    return (LINE_END if in_line else "") + text


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
