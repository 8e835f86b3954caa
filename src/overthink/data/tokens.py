"""Overhead tokens: tokens of a trace up to a rung other than the thinking that it keeps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.category import Category

OVERHEAD_COLUMNS = {
    Category.PROBE: "probe_tokens",
    Category.REJECTED: "rejected_tokens",
    Category.PRUNED: "pruned_tokens",
    Category.CANCELLED: "cancelled_tokens",
    Category.GUARD: "guard_tokens",
    Category.VERIFIER: "step_verifier_tokens",
}
"""Column of the pool by category, cumulative up to the rung."""

DECODED = (Category.PROBE, Category.REJECTED, Category.PRUNED, Category.CANCELLED)
"""Categories decoded by the model under test itself; they are part of a rung's generated tokens."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Overhead tokens since the start of the trace; None where a server did not count. Fields are pool columns.

    Attributes:
        probe_tokens: Decoded to probe the trace, or to look ahead.
        rejected_tokens: Decoded, and discarded by a guard or a monitor.
        pruned_tokens: Decoded in branches without a part in the answer.
        cancelled_tokens: Decoded by requests without an answer.
        guard_tokens: Prompt and decoded tokens of guards.
        step_verifier_tokens: Prompt and decoded tokens of verifiers that scored steps.
    """

    probe_tokens: int | None = 0
    rejected_tokens: int | None = 0
    pruned_tokens: int | None = 0
    cancelled_tokens: int | None = 0
    guard_tokens: int | None = 0
    step_verifier_tokens: int | None = 0


NO_OVERHEAD = OnTheWay()
"""Overhead of the plain ladder: none."""


def increments(cumulative: Array) -> Array:
    """Return the increase of a cumulative column at each rung since the last rung with a count.

    Args:
        cumulative: Tokens up to each rung, (question, draw, rung); NaN where unknown.

    Example:
        >>> increments(np.array([[[3.0, np.nan, 5.0]]])).tolist()
        [[[3.0, nan, 2.0]]]
    """
    filled_up = cumulative.copy()
    for rung in range(1, filled_up.shape[2]):
        filled_up[:, :, rung] = np.where(
            np.isnan(filled_up[:, :, rung]), filled_up[:, :, rung - 1], filled_up[:, :, rung]
        )
    below = np.concatenate([np.zeros_like(filled_up[:, :, :1]), filled_up[:, :, :-1]], axis=2)
    return np.asarray(cumulative - np.where(np.isnan(below), 0.0, below))


def sum_verifier_tokens(answers: Array, steps: Array) -> Array:
    """Return verifier tokens of answers plus those of steps; NaN where both are NaN, else NaN counts as 0.

    Example:
        >>> sum_verifier_tokens(np.array([4.0, np.nan, np.nan]), np.array([1.0, 2.0, np.nan])).tolist()
        [5.0, 2.0, nan]
    """
    total = np.where(np.isnan(answers), 0.0, answers) + np.where(np.isnan(steps), 0.0, steps)
    return np.where(np.isnan(answers) & np.isnan(steps), np.nan, total)
