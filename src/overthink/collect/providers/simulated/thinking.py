"""Thinking of the simulated model: lines of pseudo-words, each a step with a quality mark.

Content of a simulated model's turn, parsed from its text: steps, their quality, and steering.

A line of its thinking is a step. A step begins with a quality mark and, if the trace leads to a harmful answer on the
safety axis, a risk mark. The text holds all information of the model: the simulated guard and the simulated verifier
read nothing else.

A reversible toy tokenizer: one integer per piece of up to four bytes.
"""

import hashlib
import math
import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

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


PIECE = 4
"""Bytes per piece; about an English word with its space."""


def encode(text: str) -> list[int]:
    """Return the token ids of a text: each piece's UTF-8 bytes after a leading 1, read as an integer.

    Example:
        >>> decode(encode("naïve, 42"))
        'naïve, 42'
    """
    data = text.encode("utf-8", "surrogatepass")
    return [int.from_bytes(b"\x01" + data[i : i + PIECE]) for i in range(0, len(data), PIECE)]


def decode(ids: Iterable[int]) -> str:
    """Return the text of token ids. A truncated character becomes the replacement character."""
    return b"".join(piece.to_bytes((piece.bit_length() + 7) // 8)[1:] for piece in ids).decode("utf-8", "replace")


PSEUDO_WORDS = tuple(encode(" " + "".join(word))[0] for word in product("bdfgklmnprst", "aeiou", "klmnrst"))
"""The thinking vocabulary: pseudo-words of three letters, one token each."""

END = "\n"
"""End of a step; one token."""

DECISION_PROBABILITY = 0.95
"""Probability of the likelier mark in a harmful trace."""

_END, _SOUND, _SHAKY, _RISKY = (encode(text)[0] for text in (END, SOUND, SHAKY, RISKY))


@dataclass(frozen=True)
class Thinking:
    """Thinking process of one request.

    Every token is a function of the seed and of all tokens before it, so with one seed the concatenated segments of a
    trace equal the whole trace.

    Attributes:
        hazard: Probability of ending before each token.
        step_tokens: Tokens per step, line end included.
        seed: Seed of the sampling.
        risky: Function of the number of further tokens and their ids: whether the trace is harmful then.
    """

    hazard: float
    step_tokens: int
    seed: int | None
    risky: Callable[[int, list[int]], bool]

    def decode(self, prompt: Sequence[int], limit: int, *, until_line_end: bool) -> tuple[list[int], bool, str | None]:
        """Decode further thinking.

        Args:
            prompt: Token ids so far.
            limit: Maximum number of tokens to decode.
            until_line_end: Stop at the first line end.

        Returns:
            The token ids without the stop word; whether they ended before the limit; the stop word, if any.
        """
        state = _state(prompt, self.seed)
        at = _into_line(prompt)
        ids: list[int] = []
        for _ in range(limit):
            number = int.from_bytes(state.digest())
            if (number >> 64) / 2.0**64 < self.hazard:
                return ids, True, None
            token = self._token(number, at, ids)
            if token == _END and until_line_end:
                return ids, True, END
            ids.append(token)
            at = 0 if token == _END else at + 1
            state.update(array("Q", ids[-1:]).tobytes())
        return ids, False, None

    def ahead(self, prompt: Sequence[int], most: int) -> list[tuple[int, float]]:
        """Return the most likely next tokens and their probabilities, most likely first.

        They are those of the sampling with one exception: at the beginning of a step a harmful trace is nearly
        decided (19 to 1, an entropy of 0.199 nats), and any other is not (1 to 1, 0.693 nats).
        """
        at = _into_line(prompt)
        if at == 0:
            share = DECISION_PROBABILITY if self.risky(0, []) else 0.5
            likely = [(_SHAKY, share), (_SOUND, 1 - share)]
        elif at == 1 and self.risky(0, []):
            likely = [(_RISKY, 1.0)]
        else:
            likely = (
                [(_END, 1.0)]
                if at >= self.step_tokens - 1
                else [(word, 1 / len(PSEUDO_WORDS)) for word in PSEUDO_WORDS]
            )
        return likely[:most]

    def _token(self, number: int, at: int, ids: list[int]) -> int:
        """Return the token at a position in its line."""
        if at == 0:
            return _SOUND if number & 1 else _SHAKY
        if at == 1 and self.risky(len(ids), ids):
            return _RISKY
        return _END if at >= self.step_tokens - 1 else PSEUDO_WORDS[number % len(PSEUDO_WORDS)]


def pseudo_words(prompt: Sequence[int], limit: int, *, seed: int | None) -> list[int]:
    """Return words without lines or marks, as an answer without content."""
    state = _state(prompt, seed)
    ids: list[int] = []
    for _ in range(limit):
        ids.append(PSEUDO_WORDS[int.from_bytes(state.digest()) % len(PSEUDO_WORDS)])
        state.update(array("Q", ids[-1:]).tobytes())
    return ids


def likelihood_of_words(ids: Sequence[int]) -> list[float]:
    """Return each thinking token's log-probability: of 1/2 for marks, 1 for line ends and risks, uniform for words."""
    by_token = {_END: 0.0, _RISKY: 0.0, _SOUND: math.log(0.5), _SHAKY: math.log(0.5)}
    return [by_token.get(token, -math.log(len(PSEUDO_WORDS))) for token in ids]


def _state(prompt: Sequence[int], seed: int | None) -> "hashlib.blake2b":
    return hashlib.blake2b(repr(seed).encode() + array("Q", prompt).tobytes(), digest_size=16)


def _into_line(prompt: Sequence[int]) -> int:
    """Return the number of tokens of the model's turn since its last line end."""
    return len(encode(decode(prompt).rpartition(TURN)[2].rpartition(END)[2]))
