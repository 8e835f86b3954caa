"""What a trace spends on its way to a rung beside the thinking that it keeps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.category import Category

COLUMNS = {
    Category.PROBE: "probe_tokens",
    Category.REJECTED: "rejected_tokens",
    Category.PRUNED: "pruned_tokens",
    Category.CANCELLED: "cancelled_tokens",
    Category.GUARD: "guard_tokens",
    Category.VERIFIER: "step_verifier_tokens",
}
"""By category: the column of the pool that counts it, cumulative up to the rung."""

DECODED = (Category.PROBE, Category.REJECTED, Category.PRUNED, Category.CANCELLED)
"""Those that the model under test decoded itself; they are part of a rung's generated tokens."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Tokens spent since the trace began; None where a server did not count. The fields are columns of the pool.

    Attributes:
        probe_tokens: Decoded to look at the trace, or ahead of it.
        rejected_tokens: Decoded, and thrown away by a guard or a monitor.
        pruned_tokens: Decoded in branches that the answer does not come from.
        cancelled_tokens: Decoded for an answer that never came.
        guard_tokens: Prompt and decoded tokens of guards.
        step_verifier_tokens: Prompt and decoded tokens of verifiers that scored steps.
    """

    probe_tokens: int | None = 0
    rejected_tokens: int | None = 0
    pruned_tokens: int | None = 0
    cancelled_tokens: int | None = 0
    guard_tokens: int | None = 0
    step_verifier_tokens: int | None = 0


NOTHING = OnTheWay()
"""What the plain ladder spends beside its thinking."""


def grown(cumulative: Array) -> Array:
    """What a cumulative column gained at each rung since the last rung that says.

    Args:
        cumulative: Tokens up to each rung, (question, draw, rung); NaN where unknown.

    Example:
        >>> grown(np.array([[[3.0, np.nan, 5.0]]])).tolist()
        [[[3.0, nan, 2.0]]]
    """
    so_far = cumulative.copy()
    for rung in range(1, so_far.shape[2]):
        so_far[:, :, rung] = np.where(np.isnan(so_far[:, :, rung]), so_far[:, :, rung - 1], so_far[:, :, rung])
    below = np.concatenate([np.zeros_like(so_far[:, :, :1]), so_far[:, :, :-1]], axis=2)
    return np.asarray(cumulative - np.where(np.isnan(below), 0.0, below))


def both_told(answers: Array, steps: Array) -> Array:
    """Verifier tokens of answers and of steps together; a source that tells of one kind only has none of the other.

    Example:
        >>> both_told(np.array([4.0, np.nan, np.nan]), np.array([1.0, 2.0, np.nan])).tolist()
        [5.0, 2.0, nan]
    """
    told = np.where(np.isnan(answers), 0.0, answers) + np.where(np.isnan(steps), 0.0, steps)
    return np.where(np.isnan(answers) & np.isnan(steps), np.nan, told)
