"""Decisions of an arm in one trace, and the label of a placebo arm.

A placebo arm acts as another arm acts, and takes its decisions from that arm's traces on other questions. Its label
names its arm, so that tables and pools say what it is.
"""

import re
from dataclasses import dataclass

from overthink.data.missing_rungs import TraceKey

PLACEBO = "placebo"
"""Name of placebo arms in `--arms`."""

PLACEBO_PREFIX = f"{PLACEBO}:of="

Decision = tuple[str, int, str, tuple[bool, ...]]
"""Component, step, branch, and whether it acted at each look at that step."""


@dataclass(frozen=True, slots=True)
class TraceDecisions:
    """Decisions of one trace.

    Attributes:
        task: Its task.
        arm: Its arm.
        question: Its question.
        draw: Its draw.
        decisions: All decisions at steps; none where the arm only chooses among candidates.
        donor: Task, question and draw of the trace that it took them from; None where they are its own.
    """

    task: str
    arm: str
    question: str
    draw: int
    decisions: tuple[Decision, ...]
    donor: tuple[str, str, int] | None = None

    @property
    def key(self) -> TraceKey:
        """Key of the trace."""
        return self.task, self.arm, self.question, self.draw


def placebo_label(arm: str) -> str:
    """Return the label of an arm's placebo.

    Example:
        >>> placebo_label("safethink")
        'placebo:of=safethink'
    """
    return PLACEBO_PREFIX + arm


def placebo_of(arm: str) -> str | None:
    """Return the arm that a placebo is of; None for any other arm.

    Example:
        >>> placebo_of("placebo:of=safethink"), placebo_of("base")
        ('safethink', None)
    """
    return arm.removeprefix(PLACEBO_PREFIX) if arm.startswith(PLACEBO_PREFIX) else None


def gives_room(arm: str) -> bool:
    """Return whether an arm only gives room before the answer: filler in the prompt, or repeats of the question.

    Example:
        >>> [gives_room(arm) for arm in ("filler:count=300", "filler+repeats:times=5", "repeats+safethink:m=3", "base")]
        [True, True, False, False]
    """
    return re.fullmatch(r"(?:filler|repeats)(?:\+(?:filler|repeats))?(?::.*)?", arm) is not None
