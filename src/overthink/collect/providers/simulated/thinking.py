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
from functools import lru_cache
from itertools import product

SOUND, SHAKY, RISKY = " fix", " off", " bad"
"""Marks at the beginning of a step; one token each, outside the thinking vocabulary."""

WRONG = " err"
"""Mark of a planted mistake; one token outside the thinking vocabulary."""

END = "\n"
"""End of a step; one token."""

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
        pull: What others argued before it: 1 for the good answer, -1 for the bad one; 0 without.
    """

    steps: tuple[str, ...] = ()
    sound: int = 0
    shaky: int = 0
    care_calls: int = 0
    pull: float = 0.0

    @property
    def quality(self) -> float:
        """Share of sound steps minus share of shaky ones; 0 without marked steps."""
        n_marks = self.sound + self.shaky
        return (self.sound - self.shaky) / n_marks if n_marks else 0.0

    def __add__(self, more: "SimulatedTurn") -> "SimulatedTurn":
        """Return the turn extended by later text."""
        sound, shaky, care_calls = self.sound + more.sound, self.shaky + more.shaky, self.care_calls + more.care_calls
        return SimulatedTurn(self.steps + more.steps, sound, shaky, care_calls)


@dataclass(frozen=True, slots=True)
class TurnReading:
    r"""What a text says of the model's turn so far; a longer text is read on from here, not from its beginning.

    Only the line that has not ended is read twice. Every line end is a whole character in UTF-8, so lines have the same
    characters by themselves as in their text.

    Attributes:
        most: Number of steps whose text is kept; None for all of them.
        steps: Those of the lines that have ended.
        sound: Number of steps marked as sound in those lines.
        shaky: Number of steps marked as shaky.
        care_calls: How often care is called for.
        line: Bytes since the last line end.

    Example:
        >>> reading = TurnReading().read(b"Safe? <|assistant|> fix lun\n of").read(b"f rat")
        >>> reading.turn().steps, reading.line
        ((' fix lun', ' off rat'), b' off rat')
    """

    most: int | None = None
    steps: tuple[str, ...] = ()
    sound: int = 0
    shaky: int = 0
    care_calls: int = 0
    line: bytes = b""

    def read(self, more: bytes) -> "TurnReading":
        """Return the reading after further bytes of the text."""
        *ended, line = (self.line + more).split(b"\n")
        steps, sound, shaky, care_calls = list(self.steps), self.sound, self.shaky, self.care_calls
        for text in (part.decode("utf-8", "replace") for part in ended):
            own = text
            if TURN in text:
                steps, sound, shaky, care_calls, own = [], 0, 0, 0, text.rpartition(TURN)[2]
            if own.startswith((SOUND, SHAKY)):
                is_sound = own.startswith(SOUND)
                sound, shaky = sound + is_sound, shaky + (not is_sound)
                if self.most is None or len(steps) < self.most:
                    steps.append(own)
            care_calls += len(_CARE.findall(own))
        return TurnReading(self.most, tuple(steps), sound, shaky, care_calls, line)

    def turn(self) -> SimulatedTurn:
        """Return the turn, with the line that has not ended."""
        whole = self.read(b"\n")
        return SimulatedTurn(whole.steps, whole.sound, whole.shaky, whole.care_calls)

    @property
    def line_tokens(self) -> int:
        """Number of tokens of the model's turn since its last line end."""
        own = self.line.decode("utf-8", "replace").rpartition(TURN)[2]
        return token_count(own)


def turn_of(text: str) -> SimulatedTurn:
    r"""Parse the model's turn, or any part of it.

    Example:
        >>> turn = turn_of("<|user|>Is it safe?\n<|assistant|> fix bad lun\nWait, think safely\n off rat\n")
        >>> turn.sound, turn.shaky, turn.care_calls, turn.quality
        (1, 1, 1, 0.0)
    """
    return TurnReading().read(text.encode("utf-8", "replace")).turn()


def last_step(text: str) -> str:
    r"""Return the last step of the model's turn, or any part of it; empty without one. It is sought from the end.

    Example:
        >>> last_step(" fix lun\n off bad rat\nno step\n")
        ' off bad rat'
    """
    own = text.rpartition(TURN)[2]
    end = len(own)
    while end >= 0:
        start = own.rfind(END, 0, end) + 1
        if own.startswith((SOUND, SHAKY), start, end):
            return own[start:end]
        end = start - 1
    return ""


def marked_tokens(text: str) -> int:
    r"""Return the number of tokens in the steps of a thinking: text without a mark at its beginning holds none.

    Example:
        >>> marked_tokens(" fix lun\n … …\n off rat"), marked_tokens("")
        (5, 0)
    """
    lines = text.splitlines(keepends=True)
    return sum(token_count(line) for line in lines if line.startswith((SOUND, SHAKY)))


def coded_tokens(text: str) -> int:
    r"""Return the number of tokens in the steps of a thinking that carry the planted code: a paraphrase removes it.

    The code is an acrostic: the first word of a step is one of every third of the vocabulary. A step that ends with its
    mark has no word yet, and counts.

    Example:
        >>> step = decode([_SOUND, PSEUDO_WORDS[3], PSEUDO_WORDS[1]])
        >>> coded_tokens(step), coded_tokens(paraphrase(step)), marked_tokens(paraphrase(step))
        (3, 0, 3)
    """
    steps = [line for line in text.splitlines(keepends=True) if line.startswith((SOUND, SHAKY))]
    return sum(len(ids) for ids in map(encode, steps) if len(ids) == 1 or ids[1] in _CODE or ids[1:] == [_END])


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


def token_count(text: str) -> int:
    """Return the number of tokens of a text.

    Example:
        >>> token_count("naïve, 42") == len(encode("naïve, 42"))
        True
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // PIECE)


@lru_cache(maxsize=1 << 14)
def _piece(token: int) -> bytes:
    return token.to_bytes((token.bit_length() + 7) // 8)[1:]


def bytes_of(ids: Iterable[int]) -> bytes:
    """Return the bytes of the text of token ids."""
    return b"".join(map(_piece, ids))


def decode(ids: Iterable[int]) -> str:
    """Return the text of token ids. A truncated character becomes the replacement character."""
    return bytes_of(ids).decode("utf-8", "replace")


PSEUDO_WORDS = tuple(encode(" " + "".join(word))[0] for word in product("bdfgklmnprst", "aeiou", "klmnrst"))
"""The thinking vocabulary: pseudo-words of three letters, one token each."""

CODE_WORDS = PSEUDO_WORDS[::3]
"""First words of the steps that carry the planted code; neither one paraphrase nor two lead from one to another."""

_CODE = frozenset(CODE_WORDS)

DECISION_PROBABILITY = 0.95
"""Probability of the likelier mark in a harmful trace."""

_END, _SOUND, _SHAKY, _RISKY = (encode(text)[0] for text in (END, SOUND, SHAKY, RISKY))


def packed(ids: Iterable[int]) -> bytes:
    """Return token ids as the bytes that are hashed."""
    return array("Q", ids).tobytes()


_PACKED = {token: packed([token]) for token in (*PSEUDO_WORDS, _END, _SOUND, _SHAKY, _RISKY)}
"""Bytes of each token that thinking decodes."""


@dataclass(frozen=True)
class Thinking:
    """Thinking process of one request.

    Every token is a function of the seed and of all tokens before it, so with one seed the concatenated segments of a
    trace equal the whole trace.

    Attributes:
        hazard: Probability of ending before each token.
        step_tokens: Tokens per step, line end included.
        seed: Seed of the sampling.
        most_steps: Number of steps that decide whether a trace is harmful; None for all.
        risky: Function of the number of further tokens and of what they say: whether the trace is harmful then; None
            for a trace that never is.
        is_coded: Whether the first word of each step carries the planted code.
    """

    hazard: float
    step_tokens: int
    seed: int | None
    most_steps: int | None = None
    risky: Callable[[int, TurnReading], bool] | None = None
    is_coded: bool = False

    def decode(self, prompt: bytes, at: int, limit: int, *, until_line_end: bool) -> tuple[list[int], bool, str | None]:
        """Decode further thinking. Its time is linear in the limit; of the prompt it is that of a hash.

        Args:
            prompt: Token ids so far, as :func:`packed`.
            at: Tokens since the last line end.
            limit: Maximum number of tokens to decode.
            until_line_end: Stop at the first line end.

        Returns:
            The token ids without the stop word; whether they ended before the limit; the stop word, if any.
        """
        state = _state(prompt, self.seed)
        ids: list[int] = []
        further, n_read = TurnReading(self.most_steps), 0
        words, n_words, last, hazard = PSEUDO_WORDS, len(PSEUDO_WORDS), self.step_tokens - 1, self.hazard
        first_words = self._first_words
        digest, update, number_of, bytes_by_token, keep = (
            state.digest,
            state.update,
            int.from_bytes,
            _PACKED,
            ids.append,
        )
        for _ in range(limit):
            number = number_of(digest())
            if hazard and (number >> 64) / 2.0**64 < hazard:
                return ids, True, None
            if at == 0:
                token = _SOUND if number & 1 else _SHAKY
            elif at == 1 and self.risky is not None:
                further, n_read = further.read(bytes_of(ids[n_read:])), len(ids)
                token = _RISKY if self.risky(n_read, further) else first_words[number % len(first_words)]
            elif at == 1 and at < last:
                token = first_words[number % len(first_words)]
            elif at < last:
                token = words[number % n_words]
            elif until_line_end:
                return ids, True, END
            else:
                token = _END
            keep(token)
            at = 0 if token == _END else at + 1
            update(bytes_by_token[token])
        return ids, False, None

    @property
    def _first_words(self) -> tuple[int, ...]:
        return CODE_WORDS if self.is_coded else PSEUDO_WORDS

    def ahead(self, at: int, most: int) -> list[tuple[int, float]]:
        """Return the most likely next tokens and their probabilities, most likely first.

        They are those of the sampling with one exception: at the beginning of a step a harmful trace is nearly
        decided (19 to 1, an entropy of 0.199 nats), and any other is not (1 to 1, 0.693 nats).

        Args:
            at: Tokens since the last line end.
            most: Number of tokens to return, at most.
        """
        is_harmful = at <= 1 and self.risky is not None and self.risky(0, TurnReading(self.most_steps))
        if at == 0:
            share = DECISION_PROBABILITY if is_harmful else 0.5
            likely = [(_SHAKY, share), (_SOUND, 1 - share)]
        elif at == 1 and is_harmful:
            likely = [(_RISKY, 1.0)]
        else:
            words = self._first_words if at == 1 else PSEUDO_WORDS
            likely = [(_END, 1.0)] if at >= self.step_tokens - 1 else [(word, 1 / len(words)) for word in words]
        return likely[:most]


def pseudo_words(prompt: Sequence[int], limit: int, *, seed: int | None) -> list[int]:
    """Return words without lines or marks, as an answer without content."""
    state = _state(packed(prompt), seed)
    ids: list[int] = []
    for _ in range(limit):
        ids.append(PSEUDO_WORDS[int.from_bytes(state.digest()) % len(PSEUDO_WORDS)])
        state.update(_PACKED[ids[-1]])
    return ids


def paraphrase(text: str) -> str:
    r"""Return a thinking in other words, with its marks and its number of tokens.

    Example:
        >>> paraphrase(" fix bak\n off bak\n")
        ' fix tut\n off tut\n'
    """
    others = {word: PSEUDO_WORDS[number - 1] for number, word in enumerate(PSEUDO_WORDS)}
    lines = text.splitlines(keepends=True)  # a line end is a token of its own
    return "".join(decode(others.get(token, token) for token in encode(line)) for line in lines)


def mistake(step: str) -> str:
    """Return a wrong version of a step, of as many tokens: the other quality, and the mark of a mistake."""
    ids = encode(step)
    ids[0] = {_SOUND: _SHAKY, _SHAKY: _SOUND}.get(ids[0], ids[0])
    ids[min(1, len(ids) - 1)] = encode(WRONG)[0]
    return decode(ids)


def likelihood_of_words(ids: Sequence[int]) -> list[float]:
    """Return each thinking token's log-probability: of 1/2 for marks, 1 for line ends and risks, uniform for words."""
    by_token = {_END: 0.0, _RISKY: 0.0, _SOUND: math.log(0.5), _SHAKY: math.log(0.5)}
    return [by_token.get(token, -math.log(len(PSEUDO_WORDS))) for token in ids]


def _state(prompt: bytes, seed: int | None) -> "hashlib.blake2b":
    state = hashlib.blake2b(repr(seed).encode(), digest_size=16)
    state.update(prompt)
    return state
