"""Thinking of the simulated model: lines of pseudo-words, each a step with a quality mark."""

import hashlib
import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from overthink.collect.providers.simulated.pieces import decode, encode
from overthink.collect.providers.simulated.simulated_turn import RISKY, SHAKY, SOUND, TURN

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
