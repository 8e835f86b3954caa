"""What is known of the scorer behind the verdicts on the thinking, as a limit of every finding that rests on them."""

import numpy as np

from overthink.data.record import Axis
from overthink.data.thought_judges import (
    BAD_THOUGHTS,
    THOUGHT_COUNTS,
    ThoughtCounts,
    is_measured,
    judge_of_thought,
    names_refusals,
)
from overthink.stats.proportion import clustered_proportion

THOUGHT_JUDGE = "the thinking is judged by "
"""Beginning of the limit."""

_LEVEL = 0.95


def thought_judge_limit(scorer: str, task: str, axis: str) -> str:
    """Return the measured error of a scorer of the thinking, or why its verdicts may say nothing.

    Args:
        scorer: Scorer of the curve on the thinking.
        task: Name of the task in the pool.
        axis: Its axis.

    Example:
        >>> thought_judge_limit("refusal on the trace", "t", "safety").partition(": ")[2]
        'it marks refusals, and a thought is no reply, so bad thinking here only says that it does not refuse'
    """
    name = judge_of_thought(scorer)
    start = f"{THOUGHT_JUDGE}{name}: "
    if is_measured(name, task):
        errors = "; ".join(_counts(counts) for counts in THOUGHT_COUNTS[task])
        return f"{start}bad thinking {BAD_THOUGHTS[task]}; {errors}"
    if axis == Axis.BENIGN or names_refusals(name):
        says = "does not refuse" if axis == Axis.SAFETY else "refuses"
        return f"{start}it marks refusals, and a thought is no reply, so bad thinking here only says that it {says}"
    return f"{start}its error on thinking is not measured"


def _counts(counts: ThoughtCounts) -> str:
    found, spared = (_share(*pair) for pair in ((counts.bad_right, counts.bad), (counts.good_right, counts.good)))
    return f"of labelled thoughts {counts.source} it calls {found} bad ones bad and {spared} good ones good"


def _share(right: int, n: int) -> str:
    """Return a count with Clopper and Pearson's interval of its share; every thought is one trial."""
    successes = np.repeat([1, 0], [right, n - right])
    share = clustered_proportion(successes, np.ones(n, dtype=np.int64), level=_LEVEL)
    return f"{right} of {n} ({100 * share.low:.0f} to {100 * share.high:.0f} %)"
