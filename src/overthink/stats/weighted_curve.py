"""The curve of a majority vote weighted by verifier scores."""

import numpy as np

from overthink.stats.curve import Curve, can_vote, k_grid
from overthink.stats.bootstrap import mean_intervals
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis
from overthink.stats.weighted_vote import weighted_majority_at_k

VOTE_PERMUTATIONS = 400
"""Number of random orders of the draws of each question and rung."""

SELECTOR = "weighted_majority"


def weighted_majority_curve(
    outcomes: Outcomes, weights: np.ndarray, *, level: float, rng: np.random.Generator
) -> tuple[Curve, float] | None:
    """Return the value of a weighted vote of k tries at each rung.

    Right answers are one class whatever their wording, others one class each; no answer abstains. A draw without a
    score is left out. It needs values of 0 or 1, known answers, and scores that are not negative.

    Args:
        outcomes: The table.
        weights: (resample, question) from :func:`~overthink.stats.bootstrap.question_weights`.
        level: Confidence level.
        rng: Source of randomness; the vote has no closed form.

    Returns:
        The curve, and the largest Monte Carlo standard error of its values; None where there is no such vote.
    """
    score = outcomes.verifier_score
    is_scored = ~np.isnan(score) & ~np.isnan(outcomes.values)
    draws = int(is_scored.sum(axis=1).max(initial=0))
    if outcomes.axis is not Axis.CAPABILITY or draws < 2 or not can_vote(outcomes) or (score[is_scored] < 0).any():
        return None
    k = k_grid(draws)
    questions, _, rungs = score.shape
    cells = np.full((questions, rungs, len(k)), np.nan)
    variance = np.zeros((rungs, len(k)))
    for q, r in np.ndindex(questions, rungs):
        here = is_scored[q, :, r]
        value, answer = outcomes.values[q, here, r], outcomes.answers[q, here, r]
        possible = k <= here.sum()
        if not possible.any():
            continue
        right = int(outcomes.answers.max(initial=0)) + 1
        vote = weighted_majority_at_k(
            np.where(value == 1, right, answer),
            score[q, here, r],
            k[possible],
            correct=right,
            rng=rng,
            permutations=VOTE_PERMUTATIONS,
        )
        cells[q, r, possible] = vote.estimate
        variance[r, possible] += vote.error**2
    curve = Curve(selector=SELECTOR, k=k, cells=cells, intervals=mean_intervals(cells, weights, level=level))
    n_questions = np.maximum(curve.intervals.n_questions, 1)
    return curve, float((np.sqrt(variance) / n_questions).max(initial=0.0))
