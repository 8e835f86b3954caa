"""Content of a simulated model's turn, parsed from its text: steps, their quality, and steering.

A line of its thinking is a step. A step begins with a quality mark and, if the trace leads to a harmful answer on the
safety axis, a risk mark. The text holds all information of the model: the simulated guard and the simulated verifier
read nothing else.
"""

import re
from dataclasses import dataclass

SOUND, SHAKY, RISKY = " fix", " off", " bad"
"""Marks at the beginning of a step; one token each, outside the thinking vocabulary."""

TURN = "<|assistant|>"
"""Beginning of the model's turn in a rendered chat."""

_CARE = re.compile(r"\bsafe(?:ly|ty)?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SimulatedTurn:
    """Content of a turn.

    Attributes:
        steps: Its steps so far: the lines that begin with a mark; the last one may be incomplete.
        sound: Number of steps marked as sound.
        shaky: Number of steps marked as shaky.
        care_calls: How often care is called for in it: every "safe", "safely" or "safety".
    """

    steps: tuple[str, ...] = ()
    sound: int = 0
    shaky: int = 0
    care_calls: int = 0

    @property
    def quality(self) -> float:
        """Share of sound steps minus share of shaky ones; 0 without marked steps."""
        n_marks = self.sound + self.shaky
        return (self.sound - self.shaky) / n_marks if n_marks else 0.0

    def __add__(self, more: "SimulatedTurn") -> "SimulatedTurn":
        """Return the turn extended by later text."""
        sound, shaky, care_calls = self.sound + more.sound, self.shaky + more.shaky, self.care_calls + more.care_calls
        return SimulatedTurn(self.steps + more.steps, sound, shaky, care_calls)


def turn_of(text: str) -> SimulatedTurn:
    r"""Parse the model's turn, or any part of it.

    Example:
        >>> turn = turn_of("<|user|>Is it safe?\n<|assistant|> fix bad lun\nWait, think safely\n off rat\n")
        >>> turn.sound, turn.shaky, turn.care_calls, turn.quality
        (1, 1, 1, 0.0)
    """
    own = text.rpartition(TURN)[2]
    steps = tuple(line for line in own.split("\n") if line.startswith((SOUND, SHAKY)))
    sound = sum(line.startswith(SOUND) for line in steps)
    shaky = sum(line.startswith(SHAKY) for line in steps)
    return SimulatedTurn(steps, sound, shaky, len(_CARE.findall(own)))


def is_risky(step: str) -> bool:
    """Return whether a step has the risk mark: its trace leads to a harmful answer."""
    return RISKY in step[: len(SOUND) + len(RISKY)]
