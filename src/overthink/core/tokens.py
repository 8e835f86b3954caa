"""What an attempt decodes, and what the whole pool cost, in tokens."""

import numpy as np
from numpy.typing import NDArray

from overthink.core.on_the_way import COLUMNS, DECODED, both_told, grown
from overthink.core.outcomes import Outcomes
from overthink.core.record import Estimand

SPENT = {
    "spent_generated": "generated_tokens",
    "spent_prompt": "prompt_tokens",
    "spent_cached": "cached_tokens",
    "spent_judge": "judge_tokens",
    "spent_verifier": "verifier_tokens",
    "spent_guard": "guard_tokens",
}
"""By metric: the column of :class:`Outcomes` that it sums, each token once."""


def attempt_tokens(outcomes: Outcomes) -> NDArray[np.float64]:
    """Tokens that one attempt at a rung decodes: thinking, answer and what was thrown away on the way to it.

    What was reused from lower rungs counts in full. Rows that say nothing of what was thrown away come from where
    nothing is.

    Where either is unknown, generated tokens stand in if they cover the whole attempt: at a provider's own
    effort, at a natural end, and summed up to the rung for checkpoints on the way of one agent. A forced rung
    decodes only what is new, so there the attempt stays unknown. A trace that failed at the rung made no attempt at it.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung); NaN where unknown.
    """
    both = outcomes.thinking_tokens + outcomes.answer_tokens + thrown_away(outcomes)
    if outcomes.estimand in (Estimand.EFFORT, Estimand.NATURAL):
        both = np.where(np.isnan(both), outcomes.generated_tokens, both)
    elif outcomes.estimand is Estimand.CHECKPOINT:
        both = np.where(np.isnan(both), outcomes.generated_tokens.cumsum(axis=2), both)
    return np.where(outcomes.failed, np.nan, both)


def thrown_away(outcomes: Outcomes) -> NDArray[np.float64]:
    """Tokens decoded on the way to a rung that are neither its thinking nor its answer, (question, draw, rung)."""
    columns = [getattr(outcomes, COLUMNS[category]) for category in DECODED]
    return np.asarray(sum(np.where(np.isnan(column), 0.0, column) for column in columns))


def output_excludes_reasoning(outcomes: Outcomes) -> bool:
    """Whether the provider leaves reasoning out of its output tokens.

    It does where on average more was reasoned than output. Only told of attempts made whole at a rung; a
    forced rung decodes less than it thought, by design.
    """
    if outcomes.estimand not in (Estimand.EFFORT, Estimand.NATURAL):
        return False
    thinking, generated = outcomes.thinking_tokens, outcomes.generated_tokens
    known = ~np.isnan(thinking) & ~np.isnan(generated)
    return bool(known.any()) and bool(thinking[known].mean() > generated[known].mean())


def spent(outcomes: Outcomes, metric: str) -> tuple[float, int]:
    """Sum over the pool of one of ``SPENT``, and how many rows did not say.

    Returns:
        The sum over the rows that say, NaN if none does; and the number of rows that do not.
    """
    paid = getattr(outcomes, SPENT[metric])
    if metric == "spent_verifier":
        paid = both_told(paid, grown(outcomes.step_verifier_tokens))
    elif metric == "spent_guard":
        paid = grown(paid)
    column = paid[outcomes.observed]
    known = column[~np.isnan(column)]
    return (float(known.sum()) if known.size else float("nan")), int(column.size - known.size)
