"""Whether a verifier's numbers are scores: as many as were asked for, and probabilities."""

import math
from collections.abc import Sequence

from overthink.collect.verify.verifier import UnreadableScoreError
from overthink.errors import InputError

ROUNDING = 1e-6
"""How far a softmax in half precision may end beyond 0 or 1."""


def checked_scores(
    numbers: Sequence[float | None], wanted: int, *, verifier: str, sigmoid: bool | None, tokens: int | None
) -> tuple[float, ...]:
    """The numbers as scores in [0, 1].

    Args:
        numbers: What the verifier said; None for a number that it left out.
        wanted: How many scores were asked for.
        verifier: Its name, for messages.
        sigmoid: Turn logits into probabilities first; None where the verifier has no such setting.
        tokens: What it took.

    Raises:
        InputError: A number is no probability, and nobody said that it is a logit.
        UnreadableScoreError: There are more or fewer numbers than asked for, or one is NaN or infinite.

    Example:
        >>> checked_scores([0.0, 4.0], 2, verifier="v", sigmoid=True, tokens=9)
        (0.5, 0.9820137900379085)
    """
    if len(numbers) != wanted:
        raise UnreadableScoreError(f"{len(numbers)} scores for {wanted} steps", tokens)
    if not all(number is not None and math.isfinite(number) for number in numbers):
        raise UnreadableScoreError("a score is NaN, infinite or missing", tokens)
    known = [number for number in numbers if number is not None]
    if sigmoid:
        known = [1 / (1 + math.exp(-min(max(logit, -700.0), 700.0))) for logit in known]
    outside = [number for number in known if not -ROUNDING <= number <= 1 + ROUNDING]
    if outside:
        advice = "" if sigmoid is None else " If it gives logits, as reward models do, add the setting sigmoid=true."
        raise InputError(f"verifier {verifier} gave {outside[0]:g}; needed: probabilities, from 0 to 1.{advice}")
    return tuple(min(max(number, 0.0), 1.0) for number in known)
