"""How hard a question is, read from draws that are kept for it and paid for."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.outcomes import Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Difficulty:
    """What was learned of each question before a budget was spent on it.

    Attributes:
        bins: (question,) bin, from 0 for the hardest; -1 where nothing is known.
        cost: (question,) what it cost to learn, in the unit of the menu.
        predicted: Read from a verifier's scores. If not, from right answers, which nobody has in use: an oracle.
    """

    bins: NDArray[np.int64]
    cost: NDArray[np.float64]
    predicted: bool

    @property
    def n_bins(self) -> int:
        """Bins that hold a question."""
        return int(self.bins.max(initial=-1)) + 1


def set_aside(
    outcomes: Outcomes, attempt: NDArray[np.float64], *, draws: int, rung: int, bins: int
) -> tuple[Outcomes, Difficulty]:
    """Split the draws: the first ones tell how hard each question is, the others are what budgets are spent on.

    The score of a question is its mean over the draws set aside, of the verifier's scores where there are any, else of
    the values; its bin is by quantiles of the scores (Snell et al. 2024, arXiv:2408.03314, who use 2048 draws, reuse
    them, and do not charge them). Draws set aside are paid at the full cost of an attempt.

    Args:
        outcomes: The table.
        attempt: (question, rung) mean cost of one attempt.
        draws: Draws to set aside.
        rung: Position on the ladder at which they are read.
        bins: Bins at most; fewer where scores are alike.

    Returns:
        The table of the other draws, and the difficulty.

    Raises:
        ValueError: No draw would be set aside, or none left; or there is no such rung.
    """
    total = len(outcomes.draws)
    if not 0 < draws < total:
        raise ValueError(f"{draws} of {total} draws are to be set aside; needed: at least one, and one left")
    if not 0 <= rung < len(outcomes.rungs):
        raise ValueError(f"rung is {rung}; needed: from 0 to {len(outcomes.rungs) - 1}")
    if bins < 1:
        raise ValueError(f"bins is {bins}; needed: 1 or more")
    seen = outcomes.verifier_score[:, :draws, rung]
    predicted = bool((~np.isnan(seen)).any())
    score = _row_means(seen if predicted else outcomes.values[:, :draws, rung])
    known = ~np.isnan(score) & ~np.isnan(attempt[:, rung])
    binned = np.full(len(score), -1, dtype=np.int64)
    if known.any():
        edges = np.unique(np.quantile(score[known], np.arange(1, bins) / bins)) if bins > 1 else np.array([])
        binned[known] = np.unique(np.searchsorted(edges, score[known], side="left"), return_inverse=True)[1]
    left = without_first(outcomes, draws)
    return left, Difficulty(bins=binned, cost=draws * attempt[:, rung], predicted=predicted)


def without_first(outcomes: Outcomes, draws: int) -> Outcomes:
    """The table of the draws that are not set aside.

    The same draws of other arms go with them: they may share a beginning with those that were looked at.
    """
    rest = {
        field.name: getattr(outcomes, field.name)[:, draws:].copy()
        for field in fields(outcomes)
        if isinstance(getattr(outcomes, field.name), np.ndarray)
    }
    return replace(outcomes, draws=outcomes.draws[draws:], **rest)


def _row_means(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(cells)
    count = known.sum(axis=1)
    return np.asarray(np.where(count > 0, np.where(known, cells, 0).sum(axis=1) / np.maximum(count, 1), np.nan))
