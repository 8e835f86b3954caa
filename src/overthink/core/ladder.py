"""The budgets of a ladder as numbers that a test can use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.curve import question_means
from overthink.core.outcomes import Outcomes

ASKED, REALISED, POSITION = "thinking tokens asked for", "mean tokens realised", "position on the ladder"


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The rungs as increasing numbers.

    Attributes:
        budgets: (rung,) increasing.
        unit: What they are: ``ASKED``, ``REALISED`` or ``POSITION``.
    """

    budgets: NDArray[np.float64]
    unit: str

    @property
    def in_tokens(self) -> bool:
        """Whether the numbers are tokens."""
        return self.unit != POSITION


def ladder_of(outcomes: Outcomes) -> Ladder:
    """The budgets asked for; where a provider has no such numbers the tokens that were realised; else positions.

    Realised tokens are mean thinking tokens, or decoded tokens where thinking is not counted. They are used only where
    they increase from rung to rung.
    """
    asked = [rung.requested_tokens for rung in outcomes.rungs]
    if None not in asked:
        budgets = np.array(asked, dtype=np.float64)
        if (np.diff(budgets) > 0).all():
            return Ladder(budgets, ASKED)
    for tokens in (outcomes.thinking_tokens, outcomes.generated_tokens):
        cells = question_means(tokens)
        known = ~np.isnan(cells)
        if known.any(axis=0).all():
            means = np.where(known, cells, 0.0).sum(axis=0) / known.sum(axis=0)
            if (np.diff(means) > 0).all():
                return Ladder(means, REALISED)
    return Ladder(np.arange(len(outcomes.rungs), dtype=np.float64), POSITION)
