"""Detection of sampling that stopped at the first success, where shares of successes are biased upwards."""

import numpy as np
from numpy.typing import NDArray

from overthink.stats.first_success import likely_batch
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis
from overthink.errors import InputError

STOPPINGS = ("fixed", "first_success", None)

STOPPED_LIMIT = (
    "sampling stopped at the first success (batches of {batch}): the chance that it came within k tries is shown, not "
    "the share of successes"
)
STOPPING_INFERRED = (
    "; inferred from attempts that differ between questions: say stopping=fixed if they were set beforehand"
)


def stopped_at_success(outcomes: Outcomes, stopping: str | None) -> int | None:
    """Return the batch size of sampling that stopped at a success; None if the number of tries was set beforehand.

    A success is the event that ends sampling: a right answer on the capability axis, a harmful one on the safety
    axis, a refusal on the benign one. Draws are counted at each rung; graded values have no first success.

    Args:
        outcomes: The table.
        stopping: "fixed", "first_success", or None to infer it.

    Returns:
        Attempts between looks at the outcome: 1 if it was declared and the counts do not show larger batches.

    Raises:
        InputError: It was declared, and the counts of some rung cannot come from such sampling.
    """
    has_value = ~np.isnan(outcomes.values)
    values = outcomes.values[has_value]
    if stopping == "fixed" or not ((values == 0) | (values == 1)).all():
        return None
    success = 1.0 if outcomes.axis is Axis.CAPABILITY else 0.0
    attempts, successes = has_value.sum(axis=1), (outcomes.values == success).sum(axis=1)
    batches = [likely_batch(n[n > 0], c[n > 0]) for n, c in zip(attempts.T, successes.T, strict=True)]
    known_batches = [batch for batch in batches if batch is not None]
    if stopping is None:
        batch = int(np.gcd.reduce(known_batches)) if known_batches and len(known_batches) == len(batches) else None
        return batch if batch is not None and _ends_with_success(outcomes.values, success, batch) else None
    batch = int(np.gcd.reduce(known_batches)) if known_batches else 1
    if (successes > batch).any():
        raise InputError(
            f"{outcomes.task}: a question has {successes.max()} successes, and sampling looked every {batch} attempts; "
            "needed: sampling that stopped at the first success; say stopping=fixed"
        )
    return batch


def _ends_with_success(values: NDArray[np.float64], success: float, batch: int) -> bool:
    """Return whether draws have no gaps and no success before the last batch, unlike tables with lost draws."""
    has_value = ~np.isnan(values)
    if (has_value[:, 1:] > has_value[:, :-1]).any():
        return False
    attempts = has_value.sum(axis=1)
    last_starts = np.maximum(attempts - 1, 0) // batch * batch
    early = np.arange(values.shape[1])[:, None] < last_starts[:, None, :]
    return not ((values == success) & early).any()
