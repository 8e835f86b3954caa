"""What a simulated model has made of its turn so far, as its text shows it: steps, their quality, and steering.

A line of its thinking is a step. A step begins with a mark of its quality, and on the safety axis, where the trace is
on its way to a harmful answer, with a mark of that. Whoever reads the text can know what the model knows: the
simulated guard and the simulated verifier read nothing else.
"""

import re
from dataclasses import dataclass

SOUND, SHAKY, RISKY = " fix", " off", " bad"
"""Marks at the beginning of a step; one token each, and no word of the thinking vocabulary."""

TURN = "<|assistant|>"
"""Where the model's own turn begins in a rendered chat."""

_CARE = re.compile(r"\bsafe(?:ly|ty)?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn holds.

    Attributes:
        steps: Its steps so far: the lines that begin with a mark, the last one perhaps not yet whole.
        sound: How many of them are marked as sound.
        shaky: How many of them are marked as shaky.
        steered: How often care is called for in it: every "safe", "safely" or "safety".
    """

    steps: tuple[str, ...] = ()
    sound: int = 0
    shaky: int = 0
    steered: int = 0

    @property
    def quality(self) -> float:
        """Share of sound steps minus share of shaky ones; 0 where no step is marked."""
        marked = self.sound + self.shaky
        return (self.sound - self.shaky) / marked if marked else 0.0

    def __add__(self, more: "Turn") -> "Turn":
        """The turn with what was written since."""
        sound, shaky, steered = self.sound + more.sound, self.shaky + more.shaky, self.steered + more.steered
        return Turn(self.steps + more.steps, sound, shaky, steered)


def turn_of(text: str) -> Turn:
    r"""Read the model's own turn, or any part of it.

    Example:
        >>> turn = turn_of("<|user|>Is it safe?\n<|assistant|> fix bad lun\nWait, think safely\n off rat\n")
        >>> turn.sound, turn.shaky, turn.steered, turn.quality
        (1, 1, 1, 0.0)
    """
    own = text.rpartition(TURN)[2]
    steps = tuple(line for line in own.split("\n") if line.startswith((SOUND, SHAKY)))
    sound = sum(line.startswith(SOUND) for line in steps)
    shaky = sum(line.startswith(SHAKY) for line in steps)
    return Turn(steps, sound, shaky, len(_CARE.findall(own)))


def is_risky(step: str) -> bool:
    """Whether a step shows that the trace is on its way to a harmful answer."""
    return RISKY in step[: len(SOUND) + len(RISKY)]
