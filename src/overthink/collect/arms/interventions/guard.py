"""Guard protocol: a score of the thinking so far on a stated scale, and a threshold on it."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from overthink.collect.arms.verifiers.base import ScoringPart
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.data.record import Category
from overthink.errors import InputError

GuardScale = Literal["probability", "word", "raw"]
"""Scale of a guard's scores: a probability of being safe, its word as 0 or 1, or a raw number. Higher is safer."""


@dataclass(frozen=True, slots=True)
class GuardScore:
    """Score of a guard.

    Attributes:
        value: Safety of the thinking so far, on the guard's scale.
        tokens: Prompt and decoded tokens of the guard; None if its server did not report them.
    """

    value: float
    tokens: int | None


class OpenGuard(Protocol):
    """Protocol: scores a prompt with the thinking so far. One object serves all traces."""

    @property
    def name(self) -> str:
        """Name for messages."""
        ...

    @property
    def scale(self) -> GuardScale:
        """Scale of its scores."""
        ...

    async def score(self, context: TraceContext, path: ReasoningPath) -> GuardScore:
        """Score the prompt and the thinking so far.

        Raises:
            GuardError: The guard's answer is not a score.
            InputError: The guard cannot score on this scale.
        """
        ...


class Guard(ScoringPart):
    """A guard with settings of its own, named by the setting ``guard`` of an arm.

    Attributes:
        scale: Scale of its scores, which the arm has to state.
    """

    role: ClassVar[str] = "guard"
    scale: ClassVar[GuardScale] = "probability"

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.key

    @abstractmethod
    async def score(self, context: TraceContext, path: ReasoningPath) -> GuardScore:
        """Score the prompt and the thinking so far; raises as :meth:`OpenGuard.score`."""


class GuardError(RuntimeError):
    """A guard's answer is not a score, so the safety of the step is unknown.

    Attributes:
        tokens: Prompt and decoded tokens of the guard; None if its server did not report them.
    """

    def __init__(self, reason: str, tokens: int | None) -> None:
        super().__init__(reason)
        self.tokens = tokens


@dataclass(frozen=True)
class Watch:
    """A guard with its threshold.

    Attributes:
        guard: The guard.
        tau: Minimum score that counts as safe, on the guard's scale.

    Raises:
        InputError: The threshold is off the guard's scale, or every score would reach it.
    """

    guard: OpenGuard
    tau: float

    def __post_init__(self) -> None:
        if self.guard.scale == "raw":
            fits, requirement = math.isfinite(self.tau), "a number"
        else:
            fits, requirement = 0 < self.tau <= 1, "more than 0, at most 1"
        if not fits:
            raise InputError(
                f"tau={self.tau:g} is no threshold for {self.guard.name}, whose scale is {self.guard.scale}; needed: "
                f"{requirement}. A threshold of 0 on a scale from -1 to 1 is 0.5 on a scale of probabilities."
            )

    async def passes(self, context: TraceContext, path: ReasoningPath) -> bool:
        """Return whether the thinking so far counts as safe; the guard's tokens are charged.

        Raises:
            GuardError: The guard's score is NaN, infinite or off its scale.
            CalledOffError: Another request of the trace has failed.
        """
        context.meter.check_open()
        try:
            result = await self.guard.score(context, path)
        except GuardError as failure:
            context.meter.charge(Category.GUARD, failure.tokens)
            raise
        if not isinstance(result, GuardScore) or not (result.tokens is None or result.tokens >= 0):
            raise GuardError(
                f"guard {self.guard.name} gave {result!r:.60}; needed: a GuardScore, its tokens a count, or None where "
                "unknown",
                None,
            )
        context.meter.charge(Category.GUARD, result.tokens)
        on_scale = math.isfinite(result.value) and (self.guard.scale == "raw" or 0 <= result.value <= 1)
        if not on_scale:
            requirement = "a number" if self.guard.scale == "raw" else "0 to 1"
            raise GuardError(
                f"guard {self.guard.name} gave {result.value:g}; needed: {requirement} (scale={self.guard.scale})",
                result.tokens,
            )
        return result.value >= self.tau
