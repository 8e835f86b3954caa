"""Value of k tries where sampling stopped at the first success.

Jailbreaks are sampled in batches until one succeeds or a cap is reached. The number of attempts then depends on the
outcome: a success raises the share of successes by ending the sampling, and pass@k is biased upwards (on one published
set 17 % instead of 7.5 % at k = 60). What such data do show without bias is T, the attempt of the first success, up to
the cap. Within the batch that ended the sampling every order is equally likely, so with c successes among its L
attempts T is later than the r-th of them with chance C(L-c, r)/C(L, r).

Detection of sampling that stopped at the first success, where shares of successes are biased upwards.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.outcomes import Outcomes
from overthink.data.parameters import whole
from overthink.data.phrases import Limit, one_of
from overthink.data.record import Axis
from overthink.errors import InputError
from overthink.stats.subsets import Counts, log_chance_of_all, tries


def first_success_at_k(attempts: ArrayLike, successes: ArrayLike, k: ArrayLike, *, batch: int) -> NDArray[np.float64]:
    """Share of questions with a success within k tries, for sampling that stopped at the first success.

    The product-limit estimator of Kaplan and Meier (1958) over attempts, the first success placed evenly over the
    orders of its batch. Where every question had the same cap this is the mean over questions of the chance
    that T ≤ k, and unbiased; with different caps, set beforehand, a question counts for as long as it was sampled.

    Args:
        attempts: (question,) tries made until sampling stopped.
        successes: (question,) how many succeeded, all in the last batch; 0 if the cap came first.
        k: (k,) numbers of tries; a single number is allowed.
        batch: Attempts made between looks at the outcome; 1 if sampling stopped at the very success.

    Returns:
        (k,).

    Raises:
        ValueError: k is larger than every question's attempts; a count is not a whole number; ``batch`` is
            less than 1; or a question has more successes than its last batch has attempts, so that
            sampling cannot have stopped at the first.

    Example:
        >>> first_success_at_k([2, 4, 4], [1, 2, 0], [1, 2, 4], batch=2).round(3).tolist()
        [0.167, 0.333, 0.667]
    """
    n, c, sizes = tries(attempts, successes, k)
    if n.max(initial=0) > MOST_ATTEMPTS:
        raise ValueError(f"attempts holds {n.max():,}; needed: at most {MOST_ATTEMPTS:,}, each of which is looked at")
    start = _last_batch(n, c, whole(batch, "batch", least=1))
    if (size := len(n) * int((n - start).max(initial=0))) > MOST_ATTEMPTS:
        raise ValueError(
            f"attempts of {len(n):,} last batches are {size:,}; needed: at most {MOST_ATTEMPTS:,}, in parts"
        )
    # Chance of no success before each attempt of the last batch, (question, attempt), and after it.
    attempt = np.arange(int((n - start).max(initial=0)) + 1)
    no_success = np.exp(log_chance_of_all((n - start)[:, None], (n - start - c)[:, None], attempt))
    is_made = attempt[:-1] < (n - start)[:, None]
    position = (start[:, None] + attempt[:-1])[is_made]

    most = int(n.max(initial=0))
    at_risk = len(n) - np.bincount(start, minlength=most + 1).cumsum()[:most].astype(np.float64)
    at_risk += np.bincount(position, weights=no_success[:, :-1][is_made], minlength=most)
    n_first = np.bincount(position, weights=(no_success[:, :-1] - no_success[:, 1:])[is_made], minlength=most)
    # The risk set is empty once all have succeeded.
    hazard = np.divide(n_first, at_risk, out=np.zeros_like(n_first), where=at_risk > 0)
    return np.asarray(1.0 - np.maximum(1.0 - hazard, 0.0).cumprod()[sizes - 1])


def question_first_success(attempts: Counts, successes: Counts, k: Counts, *, batch: int) -> NDArray[np.float64]:
    """Chance that the first success came within k tries, question by question.

    Its expectation is 1 - (1-p)^k up to the cap.

    Args:
        attempts: (question,) tries made.
        successes: (question,) of them, all in the last batch.
        k: (k,) tries allowed.
        batch: Attempts made between looks at the outcome.

    Returns:
        (question, k); 1 from the question's attempts on if it succeeded, NaN beyond them if it did not.

    Raises:
        ValueError: As for :func:`first_success_at_k`.
    """
    start = _last_batch(attempts, successes, batch)
    length = attempts - start
    within = np.clip(k - start[:, None], 0, length[:, None])
    chance = 0.0 - np.expm1(log_chance_of_all(length[:, None], (length - successes)[:, None], within))
    unknown = (successes == 0)[:, None] & (k > attempts[:, None])
    return np.asarray(np.where(unknown, np.nan, chance))


def likely_batch(attempts: Counts, successes: Counts) -> int | None:
    """The batch size with which sampling apparently stopped at a success, or None if the counts contradict it.

    They do if attempts differ, a question with a success has fewer attempts than another, and no question has more
    successes than fit in its last batch. The batch is the largest that divides all attempts.

    Example:
        >>> likely_batch(np.array([60, 180, 600]), np.array([2, 1, 0]))
        60
        >>> likely_batch(np.array([60, 180, 600]), np.array([2, 90, 0])) is None
        True
    """
    ended_early = (successes > 0) & (attempts < attempts.max(initial=0))
    batch = int(np.gcd.reduce(attempts)) if attempts.size else 0
    return batch if ended_early.any() and (successes <= batch).all() else None


def _last_batch(attempts: Counts, successes: Counts, batch: int) -> Counts:
    """Attempts made before the last batch, (question,)."""
    start = np.maximum(attempts - 1, 0) // batch * batch
    over = successes > attempts - start
    if over.any():
        i = int(np.argmax(over))
        raise ValueError(
            f"question {i} has {successes[i]} successes, and its last batch only {attempts[i] - start[i]} attempts; "
            f"needed: sampling that stopped at the first batch of {batch} with a success; otherwise use pass_at_k"
        )
    return np.asarray(start, dtype=np.int64)


MOST_ATTEMPTS = 10**7
"""Most attempts of a question, and of all last batches together, each of which is looked at."""

STOPPINGS = ("fixed", "first_success", None)

STOPPING_INFERRED = (
    "; inferred from attempts that differ between questions: say stopping=fixed if they were set beforehand"
)
STOPPED = Limit(
    "sampling stopped at the first success (batches of {batch:d}): the chance that it came within k tries is shown, "
    "not the share of successes{inferred}",
    inferred=one_of("", STOPPING_INFERRED),
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


def is_uneven(outcomes: Outcomes, stopping: str | None, batch: int | None) -> bool:
    """Return whether questions have unlike numbers of draws by design, so that no row of theirs is missing.

    Args:
        outcomes: The table, later waves included.
        stopping: "fixed" where the draws of each question were set beforehand; else "first_success" or None.
        batch: What :func:`stopped_at_success` returns for the table.
    """
    return batch is not None or stopping == "fixed" or outcomes.waves is not None
