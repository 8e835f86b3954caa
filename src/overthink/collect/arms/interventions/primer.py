"""Safety primer: an inserted line at the beginning of the thinking.

The simplest of the early interventions, without training; the line is that of SAFEPATH, arXiv 2505.14667.

Texts inserted between a model's steps.
"""

from dataclasses import dataclass

from overthink.collect.arms.component import Component, Option
from overthink.collect.ladder.thinking import LINE_END, Stepper, TraceContext


@dataclass
class Primer:
    """The intervention.

    Attributes:
        prefix_text: Text inserted at the beginning of the thinking.
    """

    prefix_text: str
    looks_at_steps = False

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the stepper unchanged: every step is the model's own."""
        return stepper


PRIMER = Component(
    "primer",
    "intervention",
    "a line about safety at the beginning of the thinking",
    lambda settings, plan: Primer(str(settings["text"]).strip(LINE_END) + LINE_END),
    settings={"text": Option(str, "the line (SAFEPATH's)", default="Let's think about safety first")},
    max_segments=lambda settings: 0,
    inserted_texts=lambda settings: (f"{settings['text']}{LINE_END}",),
)
"""The component `primer`."""


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
