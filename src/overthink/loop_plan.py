"""Where a loop of tool calls is scored: after so many turns, or within so many generated tokens."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["turns", "tokens"]
"""What checkpoints count: turns, or the tokens that the model under test generated."""

OPTIONS: dict[Unit, str] = {"turns": "--turns", "tokens": "--loop-tokens"}
"""By unit: the option of the command line."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of a plan, lowest first.

    Attributes:
        unit: What they count.
        at: How many: a state at a checkpoint took at most so many.
    """

    unit: Unit
    at: tuple[int, ...]

    @property
    def option(self) -> str:
        """What the command line calls them."""
        return OPTIONS[self.unit]

    @property
    def labels(self) -> tuple[str, ...]:
        """The checkpoints in words.

        Example:
            >>> Checkpoints("turns", (1, 8)).labels, Checkpoints("tokens", (4000,)).labels
            (('1 turn', '8 turns'), ('4,000 tokens',))
        """
        word = self.unit.removesuffix("s")
        return tuple(f"{count:,} {word}" if count == 1 else f"{count:,} {self.unit}" for count in self.at)
