"""How uncertain a model is of its next token, where only the most likely ones are told."""

import math
from collections.abc import Sequence
from typing import NamedTuple

VOCABULARY = 1 << 19
"""More tokens than any vocabulary in use has; the largest hold about 262,000."""

ROUNDING = 1e-3
"""How far probabilities that a server rounds may add up beyond 1."""


class EntropyBounds(NamedTuple):
    """Between what an entropy lies, in nats."""

    low: float
    high: float


def entropy_bounds(log_probabilities: Sequence[float], *, vocabulary: int = VOCABULARY) -> EntropyBounds:
    """The entropy of the next token from the probabilities of the most likely ones.

    What they leave of the probability belongs to tokens that are each no more likely than the last one told. The
    entropy is least where as few of them as possible share it, and most where all of the vocabulary shares it alike.

    Args:
        log_probabilities: Of the most likely tokens, natural logarithms, the most likely first; at least one.
        vocabulary: Tokens that the model knows, or more.

    Returns:
        The bounds, in nats.

    Raises:
        ValueError: These are no log-probabilities of different tokens.

    Example:
        >>> half = math.log(0.5)
        >>> [round(bound, 4) for bound in entropy_bounds([half, half])]
        [0.6931, 0.6931]
        >>> [round(bound, 2) for bound in entropy_bounds([math.log(0.9)], vocabulary=1001)]
        [0.33, 1.02]
    """
    told = [math.exp(logarithm) for logarithm in log_probabilities]
    if not told or any(math.isnan(p) for p in told) or sum(told) > 1 + ROUNDING:
        raise ValueError(f"{len(told)} log-probabilities with probabilities that add up to {sum(told):g}; needed: 1")
    known = -sum(p * math.log(p) for p in told if p > 0)
    left, last = max(0.0, 1.0 - math.fsum(told)), min(told)
    if left == 0 or last == 0:
        return EntropyBounds(known, known)
    full = math.floor(left / last)
    low = -full * last * math.log(last) + _part(left - full * last)
    return EntropyBounds(known + low, known + left * math.log(max(vocabulary - len(told), 1) / left))


def _part(probability: float) -> float:
    return -probability * math.log(probability) if probability > 0 else 0.0
