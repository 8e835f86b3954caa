"""A safety primer: a line of ours at the beginning of the thinking, and nothing else.

Without training, the plainest of the early interventions; the line is that of SAFEPATH, arXiv 2505.14667.
"""

from dataclasses import dataclass

from overthink.collect.part import Part, Setting
from overthink.collect.thinking import LINE_END, Means, Stepper


@dataclass
class Primer:
    """The intervention.

    Attributes:
        opening: What is written at the beginning of the thinking.
    """

    opening: str
    looks_at_steps = False

    def around(self, stepper: Stepper, means: Means) -> Stepper:
        """The stepper as it is: every step is the model's own."""
        return stepper


PART = Part(
    "primer",
    "intervention",
    "a line about safety at the beginning of the thinking",
    lambda settings, plan: Primer(str(settings["text"]).strip(LINE_END) + LINE_END),
    settings={"text": Setting(str, "the line (SAFEPATH's)", default="Let's think about safety first")},
    pieces=lambda settings: 0,
    writes=lambda settings: (f"{settings['text']}{LINE_END}",),
)
"""What `--arms` calls `primer`."""
