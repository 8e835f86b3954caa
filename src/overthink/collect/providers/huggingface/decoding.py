"""Decoding: a token sampled by temperature, top-k and nucleus, and the text of tokens, which joins over segments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEAD = 1024
"""Number of most likely tokens that are sorted at first; where their mass is too small, all tokens are."""


@dataclass(frozen=True, slots=True)
class Likely:
    """The most likely tokens at one position.

    Attributes:
        logits: Their logits, in descending order, (token,).
        ids: Their ids, (token,).
        all_logits: Returns the logits of the whole vocabulary, (id,).
    """

    logits: NDArray[np.float64]
    ids: NDArray[np.int64]
    all_logits: Callable[[], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws tokens with a random generator of its own.

    Other samplers (repetition penalties, minimum probabilities) are not used, whatever the model's own settings say.

    Args:
        temperature: 0 for the most likely token.
        top_p: Nucleus mass, after top-k.
        top_k: Number of most likely tokens; 0 for all.
        seed: Seed of the generator; None for a new one.
    """

    temperature: float
    top_p: float
    top_k: int = 0
    seed: int | None = None
    _rng: np.random.Generator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rng", np.random.default_rng(self.seed))

    def draw(self, likely: Likely, log_mass: float) -> int:
        """Return the id of the next token.

        Args:
            likely: The most likely tokens.
            log_mass: Logarithm of the sum of ``exp(logit / temperature)`` over the vocabulary; not used at
                temperature 0.

        Example:
            >>> logits = np.array([2.0, 1.0, 0.0])
            >>> likely = Likely(logits, np.array([7, 3, 5]), lambda: logits)
            >>> Sampler(temperature=0, top_p=1.0).draw(likely, 0.0)
            7
        """
        if self.temperature == 0:
            return int(likely.ids[0])
        uniform = self._rng.random()
        ids, shares = likely.ids, np.exp(likely.logits / self.temperature - log_mass)
        if not self._suffices(shares):
            logits = likely.all_logits()
            ids = np.argsort(-logits, kind="stable")
            shares = np.exp(logits[ids] / self.temperature - log_mass)
        if self.top_k:
            ids, shares = ids[: self.top_k], shares[: self.top_k]
            shares = shares / shares.sum()
        if self.top_p < 1:
            n_kept = 1 + int(np.searchsorted(np.cumsum(shares)[:-1], self.top_p))
            ids, shares = ids[:n_kept], shares[:n_kept]
        cumulative = np.cumsum(shares)
        return int(ids[np.searchsorted(cumulative[:-1], uniform * cumulative[-1], side="right")])

    def _suffices(self, shares: NDArray[np.float64]) -> bool:
        """Return whether the most likely tokens hold every token that can be drawn."""
        if self.top_k:
            return self.top_k <= shares.size
        return self.top_p < 1 and bool(shares.sum() >= self.top_p)


CONTEXT = 8
"""Number of tokens before a segment that decide how its first token is written: a leading space, a split character."""

INCOMPLETE = "\ufffd"
"""Character that a tokenizer writes for the bytes of a character that is not complete."""

SPARE = 16
"""Tokens searched for a stop text beyond one per byte of it: special tokens have no text."""


class Detokenizer:
    """Writes token ids as text, without special tokens.

    Args:
        tokenizer: A Transformers tokenizer, or anything with its ``decode``.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def text(self, ids: Sequence[int], *, after: Sequence[int]) -> str:
        """Return the text of tokens behind others.

        A character that is not complete at the end is left to the segment that completes it.

        Args:
            ids: The tokens.
            after: The tokens before them; the last few are read.
        """
        context = list(after[-CONTEXT:])
        before = self._decode(context).rstrip(INCOMPLETE)
        whole = self._decode([*context, *ids]).rstrip(INCOMPLETE)
        return whole[len(before) :] if whole.startswith(before) else self._decode(list(ids)).rstrip(INCOMPLETE)

    def token(self, token: int) -> str:
        """Return the text of one token, special ones included."""
        text: str = self._tokenizer.decode([token], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def ends_with_stop(self, ids: Sequence[int], *, after: Sequence[int], stops: Sequence[str]) -> bool:
        """Return whether the last tokens hold a stop text; only as many are read as it may have."""
        if not stops:
            return False
        tail = max(len(stop.encode()) for stop in stops) + SPARE
        text = self.text(ids[-tail:], after=[*after[-CONTEXT:], *ids[-tail - CONTEXT : -tail]])
        return any(stop in text for stop in stops)

    def before_stop(self, ids: list[int], *, after: Sequence[int], stops: Sequence[str]) -> tuple[list[int], str, str]:
        """Return the tokens and the text before the first stop text, and that stop text.

        The tokens are the longest prefix of the ids whose text is a prefix of that text: where a token holds the end of
        the text and the beginning of the stop, it is left out.
        """
        text = self.text(ids, after=after)
        place, stop = min((text.index(stop), stop) for stop in stops if stop in text)
        content = text[:place]
        while ids and not content.startswith(self.text(ids, after=after)):
            ids = ids[:-1]
        return ids, content, stop

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text
