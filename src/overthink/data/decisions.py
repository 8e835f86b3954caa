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


CONTROL_PROTOCOLS = (
    "trusted_monitoring",
    "untrusted_monitoring",
    "trusted_editing",
    "defer_to_trusted",
    "defer_to_resample",
)
"""Parts of an arm that review every answer before it is delivered."""

WITHHELD = "[This answer was withheld: a monitor found it suspicious.]"
"""What is delivered instead of an answer that goes to an audit."""


def control_of(arm: str) -> str | None:
    """Return the protocol of control in an arm's label, of a placebo that of its arm; None without one.

    Such arms are called after their protocol: each of their rungs is reviewed by itself, which their costs count.

    Example:
        >>> control_of("attack+trusted_monitoring"), control_of("placebo:of=untrusted_monitoring-2"), control_of("base")
        ('trusted_monitoring', 'untrusted_monitoring', None)
    """
    words = set(re.split(r"[^a-z_]+", arm.casefold()))
    return next((name for name in CONTROL_PROTOCOLS if name in words), None)


def gives_room(arm: str) -> bool:
    """Return whether an arm only gives room before the answer: filler in the prompt, or repeats of the question.

    Example:
        >>> [gives_room(arm) for arm in ("filler:count=300", "filler+repeats:times=5", "repeats+safethink:m=3", "base")]
        [True, True, False, False]
    """
    return re.fullmatch(r"(?:filler|repeats)(?:\+(?:filler|repeats))?(?::.*)?", arm) is not None
