"""Sampling of one token: temperature, top-k, nucleus. Each draw is a function of the seed and of its position."""

from collections.abc import Callable
from dataclasses import dataclass, field

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
