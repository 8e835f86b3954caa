"""Difficulty of a question, estimated from draws that are reserved for it and charged."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from overthink.data.outcomes import Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Difficulty:
    """Estimated difficulty of each question before a budget is spent on it.

    Attributes:
        bins: (question,) bin, from 0 for the hardest; -1 where unknown.
        cost: (question,) cost of the estimate, in the unit of the allocations.
        from_verifier: Whether it is from a verifier's scores; else from right answers, an oracle.
    """

    bins: NDArray[np.int64]
    cost: NDArray[np.float64]
    from_verifier: bool

    @property
    def n_bins(self) -> int:
        """Bins that hold a question."""
        return int(self.bins.max(initial=-1)) + 1


def set_aside(
    outcomes: Outcomes, attempt: NDArray[np.float64], *, draws: int, rung: int, bins: int
) -> tuple[Outcomes, Difficulty]:
    """Split the draws: the first ones estimate each question's difficulty, budgets are spent on the others.

    The score of a question is its mean over the draws set aside, of the verifier's scores where there are any, else of
    the values; its bin is by quantiles of the scores (Snell et al. 2024, arXiv:2408.03314, who use 2048 draws, reuse
    them, and do not charge them). Draws set aside are charged at the full cost of an attempt.

    Args:
        outcomes: The table.
        attempt: (question, rung) mean cost of one attempt.
        draws: Draws to set aside.
        rung: Position on the ladder of these draws.
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
    scores = outcomes.verifier_score[:, :draws, rung]
    from_verifier = bool((~np.isnan(scores)).any())
    score = _row_means(scores if from_verifier else outcomes.values[:, :draws, rung])
    is_known = ~np.isnan(score) & ~np.isnan(attempt[:, rung])
    bin_of_question = np.full(len(score), -1, dtype=np.int64)
    if is_known.any():
        edges = np.unique(np.quantile(score[is_known], np.arange(1, bins) / bins)) if bins > 1 else np.array([])
        bin_of_question[is_known] = np.unique(
            np.searchsorted(edges, score[is_known], side="left"), return_inverse=True
        )[1]
    other_draws = without_first(outcomes, draws)
    return other_draws, Difficulty(bins=bin_of_question, cost=draws * attempt[:, rung], from_verifier=from_verifier)


def without_first(outcomes: Outcomes, draws: int) -> Outcomes:
    """The table of the draws that are not set aside.

    The same draws of other arms are excluded with them: they may share a prefix with the draws set aside.
    """
    rest = {
        field.name: getattr(outcomes, field.name)[:, draws:].copy()
        for field in fields(outcomes)
        if isinstance(getattr(outcomes, field.name), np.ndarray)
    }
    return replace(outcomes, draws=outcomes.draws[draws:], **rest)


def _row_means(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    is_known = ~np.isnan(cells)
    count = is_known.sum(axis=1)
    return np.asarray(np.where(count > 0, np.where(is_known, cells, 0).sum(axis=1) / np.maximum(count, 1), np.nan))
