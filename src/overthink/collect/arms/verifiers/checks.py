"""Validation of a verifier's scores: their number and range."""

import math
from collections.abc import Sequence

from overthink.collect.arms.verifiers.base import UnreadableScoreError
from overthink.errors import InputError

SCORE_ROUNDING = 1e-6
"""Tolerance beyond 0 and 1 of a softmax in half precision."""


def checked_scores(
    numbers: Sequence[float | None], n_scores: int, *, verifier: str, sigmoid: bool | None, tokens: int | None
) -> tuple[float, ...]:
    """Return the numbers as scores in [0, 1].

    Args:
        numbers: The verifier's numbers; None for a missing one.
        n_scores: Number of requested scores.
        verifier: Its name, for messages.
        sigmoid: Convert logits into probabilities first; None if the verifier has no such setting.
        tokens: Tokens of the verifier.

    Raises:
        InputError: A number is not a probability, and not stated to be a logit.
        UnreadableScoreError: There are more or fewer numbers than requested, or one is NaN or infinite.

    Example:
        >>> checked_scores([0.0, 4.0], 2, verifier="v", sigmoid=True, tokens=9)
        (0.5, 0.9820137900379085)
    """
    if len(numbers) != n_scores:
        raise UnreadableScoreError(f"{len(numbers)} scores for {n_scores} steps", tokens)
    if not all(number is not None and math.isfinite(number) for number in numbers):
        raise UnreadableScoreError("a score is NaN, infinite or missing", tokens)
    values = [number for number in numbers if number is not None]
    if sigmoid:
        values = [1 / (1 + math.exp(-min(max(logit, -700.0), 700.0))) for logit in values]
    outside = [number for number in values if not -SCORE_ROUNDING <= number <= 1 + SCORE_ROUNDING]
    if outside:
        advice = "" if sigmoid is None else " If it gives logits, as reward models do, add the setting sigmoid=true."
        raise InputError(f"verifier {verifier} gave {outside[0]:g}; needed: probabilities, from 0 to 1.{advice}")
    return tuple(min(max(number, 0.0), 1.0) for number in values)
