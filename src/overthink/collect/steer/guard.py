"""What every guard promises: a score of the thinking so far, on a scale that it names, against a threshold on it."""

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from overthink.collect.thinking import Means, Path
from overthink.core.category import Category
from overthink.errors import InputError

Scale = Literal["probability", "word", "raw"]
"""What a score is: a probability of being safe, the guard's word as 0 or 1, or whatever number the guard gives.

On all of them higher is safer."""


@dataclass(frozen=True, slots=True)
class GuardScore:
    """What a guard says.

    Attributes:
        value: How safe the thinking so far is, on the guard's scale.
        tokens: Prompt and decoded tokens that the guard took; None if its server did not count them.
    """

    value: float
    tokens: int | None


class Guard(Protocol):
    """Scores a prompt with the thinking so far. One object serves all traces."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def scale(self) -> Scale:
        """What its scores are."""
        ...

    async def score(self, means: Means, path: Path) -> GuardScore:
        """Score what the model was asked and has thought.

        Raises:
            GuardError: The guard said nothing that is a score.
            InputError: The guard cannot give scores on this scale at all.
        """
        ...


class GuardError(RuntimeError):
    """A guard answered, and what it said is no score: nobody knows whether the step may stay.

    Attributes:
        tokens: Prompt and decoded tokens that it took; None if its server did not count them.
    """

    def __init__(self, reason: str, tokens: int | None) -> None:
        super().__init__(reason)
        self.tokens = tokens


@dataclass(frozen=True)
class Watch:
    """A guard with its threshold.

    Attributes:
        guard: Who scores.
        tau: The least score that counts as safe, on the guard's scale.

    Raises:
        InputError: The threshold is not on the guard's scale, or every score would reach it.
    """

    guard: Guard
    tau: float

    def __post_init__(self) -> None:
        if self.guard.scale == "raw":
            fits, needed = math.isfinite(self.tau), "a number"
        else:
            fits, needed = 0 < self.tau <= 1, "more than 0, at most 1"
        if not fits:
            raise InputError(
                f"tau={self.tau:g} is no threshold for {self.guard.name}, whose scale is {self.guard.scale}; needed: "
                f"{needed}. A threshold of 0 on a scale from -1 to 1 is 0.5 on a scale of probabilities."
            )

    async def passes(self, means: Means, path: Path) -> bool:
        """Whether the thinking so far counts as safe; what the guard takes is charged.

        Raises:
            GuardError: The guard's score is NaN, infinite or not on its scale.
            CalledOffError: Another request of the trace has failed.
        """
        means.till.check_open()
        try:
            said = await self.guard.score(means, path)
        except GuardError as nothing:
            means.till.charge(Category.GUARD, nothing.tokens)
            raise
        means.till.charge(Category.GUARD, said.tokens)
        on_scale = math.isfinite(said.value) and (self.guard.scale == "raw" or 0 <= said.value <= 1)
        if not on_scale:
            needed = "a number" if self.guard.scale == "raw" else "0 to 1"
            raise GuardError(
                f"guard {self.guard.name} gave {said.value:g}; needed: {needed} (scale={self.guard.scale})", said.tokens
            )
        return said.value >= self.tau
