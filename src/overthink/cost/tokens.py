"""Tokens decoded by an attempt, and token totals of the whole pool."""

import numpy as np
from numpy.typing import NDArray

from overthink.data.tokens import DECODED, OVERHEAD_COLUMNS, increments, sum_verifier_tokens
from overthink.data.outcomes import Outcomes
from overthink.data.record import Estimand

POOL_TOTALS = {
    "spent_generated": "generated_tokens",
    "spent_prompt": "prompt_tokens",
    "spent_cached": "cached_tokens",
    "spent_judge": "judge_tokens",
    "spent_verifier": "verifier_tokens",
    "spent_guard": "guard_tokens",
}
"""Column of :class:`Outcomes` summed by each metric, which counts each token once."""


def attempt_tokens(outcomes: Outcomes) -> NDArray[np.float64]:
    """Return the tokens that one attempt at a rung decodes: thinking, answer and decoded overhead.

    Tokens reused from lower rungs count in full. Unknown overhead counts as none.

    Where thinking or answer is unknown, generated tokens replace them if they cover the whole attempt: at a
    provider's own effort, at a natural end, and summed up to the rung for checkpoints of one agent. A forced rung
    decodes only new tokens, so there the attempt stays unknown. A trace that failed at the rung has no attempt there.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung); NaN where unknown.
    """
    both = outcomes.thinking_tokens + outcomes.answer_tokens + overhead_tokens(outcomes)
    if outcomes.estimand in (Estimand.EFFORT, Estimand.NATURAL):
        both = np.where(np.isnan(both), outcomes.generated_tokens, both)
    elif outcomes.estimand is Estimand.CHECKPOINT:
        both = np.where(np.isnan(both), outcomes.generated_tokens.cumsum(axis=2), both)
    return np.where(outcomes.failed, np.nan, both)


def overhead_tokens(outcomes: Outcomes) -> NDArray[np.float64]:
    """Return (question, draw, rung) the decoded tokens up to a rung other than its thinking and its answer."""
    columns = [getattr(outcomes, OVERHEAD_COLUMNS[category]) for category in DECODED]
    return np.asarray(sum(np.where(np.isnan(column), 0.0, column) for column in columns))


def output_excludes_reasoning(outcomes: Outcomes) -> bool:
    """Return whether the provider excludes reasoning from its output tokens.

    It does where mean reasoning tokens exceed mean output tokens. Always False for forced rungs, which decode less
    than their thinking by design.
    """
    if outcomes.estimand not in (Estimand.EFFORT, Estimand.NATURAL):
        return False
    thinking, output = outcomes.thinking_tokens, outcomes.generated_tokens
    is_known = ~np.isnan(thinking) & ~np.isnan(output)
    return bool(is_known.any()) and bool(thinking[is_known].mean() > output[is_known].mean())


def pool_total(outcomes: Outcomes, metric: str) -> tuple[float, int]:
    """Return the sum over the pool of one of ``POOL_TOTALS``, and the number of rows without a count.

    Returns:
        The sum over the rows with a count, NaN if there is none; and the number of rows without one.
    """
    tokens = getattr(outcomes, POOL_TOTALS[metric])
    if metric == "spent_verifier":
        tokens = sum_verifier_tokens(tokens, increments(outcomes.step_verifier_tokens))
    elif metric == "spent_guard":
        tokens = increments(tokens)
    column = tokens[outcomes.observed]
    counts = column[~np.isnan(column)]
    return (float(counts.sum()) if counts.size else float("nan")), int(column.size - counts.size)
