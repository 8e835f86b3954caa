"""The budgets of a ladder as increasing numbers for tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.outcomes import Outcomes
from overthink.stats.curve import question_means

REQUESTED_TOKENS, REALISED_TOKENS, POSITION = (
    "thinking tokens asked for",
    "mean tokens realised",
    "position on the ladder",
)


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The rungs as increasing numbers.

    Attributes:
        budgets: (rung,) increasing.
        unit: Their unit: ``REQUESTED_TOKENS``, ``REALISED_TOKENS`` or ``POSITION``.
    """

    budgets: NDArray[np.float64]
    unit: str

    @property
    def in_tokens(self) -> bool:
        """Whether the numbers are tokens."""
        return self.unit != POSITION


def ladder_of(outcomes: Outcomes) -> Ladder:
    """The requested budgets; where a provider has no such numbers the realised tokens; else positions.

    Realised tokens are mean thinking tokens, or decoded tokens where thinking is not counted. They are used only where
    they increase from rung to rung.
    """
    requested_tokens = [rung.requested_tokens for rung in outcomes.rungs]
    if None not in requested_tokens:
        budgets = np.array(requested_tokens, dtype=np.float64)
        if (np.diff(budgets) > 0).all():
            return Ladder(budgets, REQUESTED_TOKENS)
    for tokens in (outcomes.thinking_tokens, outcomes.generated_tokens):
        cells = question_means(tokens)
        is_known = ~np.isnan(cells)
        if is_known.any(axis=0).all():
            means = np.where(is_known, cells, 0.0).sum(axis=0) / is_known.sum(axis=0)
            if (np.diff(means) > 0).all():
                return Ladder(means, REALISED_TOKENS)
    return Ladder(np.arange(len(outcomes.rungs), dtype=np.float64), POSITION)
