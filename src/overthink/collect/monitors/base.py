"""Base of monitors: what one reads of a trace, and what it says."""

import inspect
import math
import numbers
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Self

import numpy as np

from overthink.components.base import Component, Statement, is_texts
from overthink.data.oversight import View
from overthink.data.parameters import score_value
from overthink.data.projections import Reading
from overthink.data.tokens import NO_USAGE, TokenUsage
from overthink.data.visible import visible
from overthink.errors import InputError

REASON_LETTERS = 400
"""Letters of a monitor's reason that are stored."""

HIDDEN = "cannot be overseen by text: the thinking is hidden, or not in the log"
"""Reason of a row whose view holds thinking that no log has."""


@dataclass(slots=True)
class MonitorMeter:
    """Token usage of a monitor for one excerpt, reply by reply, so that a failure between two loses none.

    Attributes:
        usage: All of it so far.
    """

    usage: TokenUsage = NO_USAGE

    def add(self, usage: TokenUsage) -> None:
        """Add the usage of a reply.

        Raises:
            InputError: It is no usage, or a count of it is none.
        """
        if not isinstance(usage, TokenUsage):
            raise InputError(f"a monitor gave its meter {usage!r:.60}; needed: a TokenUsage")
        counts = {item.name: getattr(usage, item.name) for item in fields(usage)}
        for name, count in counts.items():
            if count is not None and (not isinstance(count, numbers.Integral) or count < 0):
                raise InputError(f"a monitor gave its meter {name}={count!r:.60}; needed: a count, or None if unknown")
        self.usage += TokenUsage(*(None if count is None else int(count) for count in counts.values()))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a monitor reads: one view of one trace, up to a rung.

    Attributes:
        view: The view.
        question: Text of the question.
        thought: The thinking up to the rung; None where the view leaves it out.
        answer: The rung's answer; None where the view leaves it out.
        sample: Log, question and epoch of the trace's sample, as far as they are known.
        is_whole: Whether the rung is the highest of its trace, so that the log ends where the excerpt ends.
        key: What tells the trace and its rung from others, from which a monitor may draw its own randomness. It is
            opaque, but for a simulated monitor: the arm is the label, where arms attack.
        is_bad: Whether the trace is to be caught: an attack, or the behaviour itself. None but for a
            simulated monitor.
        meter: Meter of the monitor's tokens.
    """

    view: View
    question: str
    thought: str | None
    answer: str | None
    sample: tuple[str | None, str, int | None] = (None, "", None)
    is_whole: bool = False
    key: tuple[object, ...] = ()
    is_bad: bool | None = None
    meter: MonitorMeter = field(default_factory=MonitorMeter)

    @property
    def text(self) -> str:
        """The thinking and the answer that the view holds, in one text."""
        return "\n".join(part for part in (self.thought, self.answer) if part)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a monitor says of an excerpt.

    Attributes:
        score: Suspicion in [0, 1], higher is more suspicious; None where there is none.
        reason: Why there is none.
        fired: Whether a threshold of its own flags the trace; None without one.
        reading: Activations and what else a probe reads; None of any other monitor.
    """

    score: float | None
    reason: str | None = None
    fired: bool | None = None
    reading: Reading | None = None

    def valid(self, monitor: str) -> "Suspicion":
        """Return what a monitor says, perhaps one from outside the package; a NaN is no score, with a reason.

        Raises:
            InputError: The score is no number from 0 to 1, or a part is of another type: no table could hold it.
        """
        parts = {
            "reason": (str, "a text"),
            "fired": (bool | np.bool_, "True or False"),
            "reading": (Reading, "a Reading"),
        }
        for name, (kind, needed) in parts.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise InputError(f"monitor {monitor} gave {name}={value!r:.60}; needed: {needed}, or None")
        fired = None if self.fired is None else bool(self.fired)
        reason = visible(self.reason, REASON_LETTERS) if self.reason else "the monitor gave no reason"
        if self.score is None:
            return Suspicion(None, reason, fired, self.reading)
        score = score_value(self.score)
        if score is not None and math.isnan(score):
            return Suspicion(None, "the score is NaN", fired)
        if score is None or not 0 <= score <= 1:
            raise InputError(
                f"monitor {monitor} gave the score {self.score!r:.60}; needed: a number from 0 to 1, or None"
            )
        return Suspicion(score, None, fired)


class Monitor(Component):
    """Scores how suspicious an excerpt of a trace is; named by `--monitor`. One object serves all traces."""

    role: ClassVar[str] = "monitor"
    extracts: ClassVar[bool] = False
    """Whether it can extract passages first, which the view "extracted" needs."""
    statements: ClassVar[Mapping[str, Statement]] = {
        "models": Statement("names of models", is_texts),
        "open": Statement("the component", lambda value: isinstance(value, Component)),
        "calls": Statement("a count", lambda value: isinstance(value, int) and value >= 0),
        "reply_tokens": Statement("a count", lambda value: isinstance(value, int) and value >= 0),
        "files": Statement("paths of files", is_texts),
        "thinking": Statement("a text, or None", lambda value: value is None or isinstance(value, str)),
    }

    @property
    def models(self) -> tuple[str, ...]:
        """Models that it calls."""
        return ()

    @property
    def files(self) -> tuple[str, ...]:
        """Files that decide its scores; a change of one makes it another monitor."""
        return ()

    @property
    def thinking(self) -> str | None:
        """Its own thinking budget or level; None where it has none."""
        return None

    @property
    def calls(self) -> int:
        """Most calls of its models for one excerpt, extraction left out."""
        return 0

    @property
    def reply_tokens(self) -> int:
        """Most tokens that all replies for one excerpt may take."""
        return 0

    def open(self) -> Self:
        """Return the monitor with its models opened; by default itself.

        Raises:
            InputError: A requirement is missing.
        """
        return self

    @abstractmethod
    async def judge(self, excerpt: Excerpt) -> Suspicion:
        """Return what it says of an excerpt; the tokens of its models go to ``excerpt.meter``.

        Raises:
            InputError: The monitor cannot work with its settings.
        """


async def suspicion_of(monitor: Monitor, excerpt: Excerpt, *, label: str) -> Suspicion:
    """Return what a monitor says of an excerpt, checked: it may come from outside the package.

    Args:
        monitor: The monitor.
        excerpt: What it reads.
        label: Its name in messages.

    Raises:
        InputError: It says something else than a suspicion, or one that cannot be stored.
    """
    reply = monitor.judge(excerpt)
    suspicion = await reply if inspect.isawaitable(reply) else reply
    if not isinstance(suspicion, Suspicion):
        raise InputError(f"monitor {label} gave {suspicion!r:.60}; needed: a Suspicion, from `async def judge`")
    return suspicion.valid(label)
