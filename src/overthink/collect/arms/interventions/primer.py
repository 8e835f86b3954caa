"""Safety primer: an inserted line at the beginning of the thinking.

The simplest of the early interventions, without training; the line is that of SAFEPATH, arXiv 2505.14667.

Texts inserted between a model's steps.
"""

from typing import ClassVar

from pydantic import Field

from overthink.collect.arms.component import Intervention
from overthink.collect.ladder.thinking import LINE_END, Stepper, TraceContext
from overthink.components.base import component


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
