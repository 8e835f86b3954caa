"""Bounds of the entropy of the next token from the probabilities of the most likely tokens."""

import math
from collections.abc import Sequence
from typing import NamedTuple

VOCABULARY = 1 << 19
"""Upper bound of the vocabulary size of models in use; the largest have about 262,000 tokens."""

PROBABILITY_ROUNDING = 1e-3
"""Maximum excess over 1 of the sum of probabilities that a server rounds."""


class EntropyBounds(NamedTuple):
    """Bounds of an entropy, in nats."""

    low: float
    high: float


def entropy_bounds(log_probabilities: Sequence[float], *, vocabulary: int = VOCABULARY) -> EntropyBounds:
    """The entropy of the next token from the probabilities of the most likely ones.

    The remaining probability belongs to tokens that are each no more likely than the last one given. The
    entropy is minimal where as few of them as possible share it, and maximal where all of the vocabulary shares it
    evenly.

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
    probabilities = [math.exp(logarithm) for logarithm in log_probabilities]
    if not probabilities or any(math.isnan(p) for p in probabilities) or sum(probabilities) > 1 + PROBABILITY_ROUNDING:
        raise ValueError(
            f"{len(probabilities)} log-probabilities with probabilities that add up to {sum(probabilities):g}; "
            "needed: 1"
        )
    known_entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    remainder, least_probable = max(0.0, 1.0 - math.fsum(probabilities)), min(probabilities)
    if remainder == 0 or least_probable == 0:
        return EntropyBounds(known_entropy, known_entropy)
    n_full = math.floor(remainder / least_probable)
    low = -n_full * least_probable * math.log(least_probable) + _entropy_term(remainder - n_full * least_probable)
    return EntropyBounds(
        known_entropy + low, known_entropy + remainder * math.log(max(vocabulary - len(probabilities), 1) / remainder)
    )


def _entropy_term(probability: float) -> float:
    return -probability * math.log(probability) if probability > 0 else 0.0
