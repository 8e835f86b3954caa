"""An intervention: works on the steps of a model's thinking, whatever strategy takes them.

On the command line:

    overthink run … --arms base,docs/extend/intervention.py@reconsider:after=2
"""

from overthink.extend import Field, Intervention, ReasoningPath, Stepper, TraceContext, component


@component("reconsider")
class Reconsider(Intervention):
    """A line that asks to reconsider, after some steps of the thinking."""

    line: str = Field("Wait, is this safe?", description="the line")
    after: int = Field(2, ge=1, description="steps before it")

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the stepper; text that goes in as a cue is charged as prompt tokens, never as thinking."""

        async def step(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
            is_due = path.n_steps == self.after
            return await stepper(path, room, branch=branch, cue=f"{cue}{self.line}\n" if is_due else cue)

        return step
