"""Validated counts of attempts and successes, with the stopping rule of the sampling."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.finding import At
from overthink.data.parameters import instance, real
from overthink.data.record import Axis
from overthink.stats.first_success import first_success_at_k, likely_batch
from overthink.stats.pass_at_k import pass_at_k
from overthink.stats.subsets import Counts, one_or_more, whole_numbers

MOST_TRIES = 10**9
"""Largest k that is forecast."""
MOST_ATTEMPTS = 10**7
"""Maximum number of attempts of one question."""

LEFT_OUT = "{count} of {all} questions have no attempts; they are left out"
ONE_QUESTION = "there is one question: how chances differ between questions rests on the prior alone"
NO_SUCCESSES = "nothing succeeded: only the bound that needs no model is given, and nothing is extrapolated"
INFERRED_STOPPING = (
    "attempts differ between questions ({low} to {high}) and successes fit in a last batch of {batch}, the mark of "
    "sampling that stopped at the first success; it is read so: pass stopping='fixed' if attempts were set beforehand"
)
UNEQUAL_ATTEMPTS = (
    "attempts differ between questions ({low} to {high}) and do not look like sampling that stopped at the first "
    "success; they are read as set beforehand: pass stopping='fixed' if they were"
)
ADAPTIVE_SAMPLING = (
    "how often a question was tried depended on what its earlier tries showed: no k is estimated without the model"
)
DOUBTFUL_STOPPING = (
    "stopping is 'fixed', but questions with a success have fewer attempts than the {cap} of those without, and their "
    "successes fit in a last batch of {batch}: the mark of sampling that stopped at the first success. The share of "
    "successes would then be too high; pass stopping='first_success'"
)


@dataclass(frozen=True, slots=True, eq=False)
class CurveBank:
    """Attempts and successes of one curve at one rung, with their identity.

    Attributes:
        axis: Meaning of a success: a right answer, a harmful one, a refusal.
        task: Task, or family of questions.
        arm: Model or arm.
        scorer: Name of the scorer; None if unknown.
        estimand: Effect of a budget on the trace.
        at: Position on the ladder.
        questions: (question,) ids.
        attempts: (question,) number of attempts.
        successes: (question,) number of successes.
        stopping: Stopping rule of the sampling; None if unknown.
    """

    axis: Axis
    task: str
    arm: str
    scorer: str | None
    estimand: str
    at: At
    questions: tuple[str, ...]
    attempts: NDArray[np.int64]
    successes: NDArray[np.int64]
    stopping: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Attempts and successes of the questions that have attempts.

    Attributes:
        attempts: (question,) number of attempts, 1 or more.
        successes: (question,) number of successes.
        batch: Attempts between looks at the outcome, where sampling stopped at the first success; else None.
        notes: Notes for the reader on how the counts were interpreted.
        adaptive: Whether the number of attempts of a question depended on its earlier outcomes. The likelihood of the
            counts, given the questions' chances, is the same; shares of successes are biased.
    """

    attempts: Counts
    successes: Counts
    batch: int | None
    notes: tuple[str, ...]
    adaptive: bool = False

    @property
    def exact_to(self) -> int:
        """Largest k that is estimated without a model; 0 for none."""
        if self.adaptive:
            return 0
        return int(self.attempts.min() if self.batch is None else self.attempts.max())

    @property
    def typical_attempts(self) -> int:
        """Median number of attempts of the questions without a success; the maximum if all questions have one."""
        without = self.attempts[self.successes == 0]
        return int(np.median(without)) if without.size else int(self.attempts.max())

    def exact(self, k: Counts) -> NDArray[np.float64]:
        """Return the unbiased estimate of the mean over questions of 1 - (1-p)^k, (k,), for k up to ``exact_to``."""
        if self.batch is None:
            return np.asarray(pass_at_k(self.attempts, self.successes, k, stopping="fixed").mean(axis=0))
        return first_success_at_k(self.attempts, self.successes, k, batch=self.batch)

    def distinct(self) -> tuple[Counts, Counts, Counts, Counts]:
        """Return attempts, successes and frequency of the distinct pairs, and each question's pair index."""
        pairs, which, times = np.unique(
            np.stack([self.attempts, self.successes], axis=1), axis=0, return_inverse=True, return_counts=True
        )
        return pairs[:, 0], pairs[:, 1], times, which.ravel()


def read_bank(attempts: ArrayLike, successes: ArrayLike, stopping: str | None) -> Bank:
    """Validate the counts and determine the stopping rule; warns about what was inferred or looks wrong.

    Args:
        attempts: (question,) number of attempts.
        successes: (question,) number of successes.
        stopping: "fixed", "first_success", "adaptive", or None to infer it.

    Raises:
        ValueError: The counts are no counts, there are none, or ``stopping`` is unknown or does not fit them.
    """
    n, c = whole_numbers(attempts, "attempts"), whole_numbers(successes, "successes")
    if n.shape != c.shape:
        raise ValueError(f"attempts has shape {n.shape}, successes {c.shape}; needed: one of each per question")
    if (c > n).any():
        i = int(np.argmax(c > n))
        raise ValueError(f"question {i} has {c[i]} successes in {n[i]} attempts; needed: at most as many")
    if n.max(initial=0) > MOST_ATTEMPTS:
        raise ValueError(f"a question has {n.max():,} attempts; at most {MOST_ATTEMPTS:,} are read")
    instance(stopping, "stopping", str | None)
    if stopping not in ("fixed", "first_success", "adaptive", None):
        raise ValueError(f"stopping is {str(stopping)[:40]!r}; needed: 'fixed', 'first_success', 'adaptive' or None")
    has_attempts = n > 0
    if not has_attempts.any():
        raise ValueError(f"there are {n.size} questions and none has an attempt; needed: at least one attempt")
    notes = [] if has_attempts.all() else [LEFT_OUT.format(count=int((~has_attempts).sum()), all=n.size)]
    n, c = n[has_attempts], c[has_attempts]
    adaptive = stopping == "adaptive"
    batch, note_on_stopping = (None, None) if adaptive else _stopping_batch(n, c, stopping)
    notes += [note_on_stopping] if note_on_stopping else []
    for note in notes:
        warnings.warn(note, UserWarning, stacklevel=3)
    notes += [ADAPTIVE_SAMPLING] if adaptive else []
    notes += [ONE_QUESTION] if n.size == 1 else []
    return Bank(n, c, batch, (*notes, NO_SUCCESSES) if not c.any() else tuple(notes), adaptive)


def _stopping_batch(n: Counts, c: Counts, stopping: str | None) -> tuple[int | None, str | None]:
    """Return the batch size if sampling stopped at the first success, and the note on it."""
    batch = likely_batch(n, c)
    if stopping == "first_success":
        size = 1 if batch is None else batch
        if (c > size).any() and n.min() < n.max():
            raise ValueError(
                f"a question has {c.max()} successes, and sampling looked every {size} attempts; needed: sampling that "
                "stopped at the first success; say stopping='fixed'"
            )
        return (int(n.max()) if (c > size).any() else size), None
    if n.min() == n.max():
        return None, None
    facts = {"low": int(n.min()), "high": int(n.max()), "batch": batch}
    if stopping is None:
        return batch, (UNEQUAL_ATTEMPTS if batch is None else INFERRED_STOPPING).format(**facts)
    without = n[c == 0]
    cap = int(without.min()) if without.size else int(n.max())
    suspicious = batch is not None and n.size > 2 and (n[c > 0] <= cap).all() and (n[c > 0] < cap).mean() >= 0.5
    return None, DOUBTFUL_STOPPING.format(cap=cap, batch=batch) if suspicious else None


def forecast_sizes(k: ArrayLike) -> Counts:
    """Return the validated values of k, (k,).

    Raises:
        ValueError: ``k`` is empty, or a value is not a whole number from 1 to ``MOST_TRIES``.
    """
    sizes = whole_numbers(one_or_more(k), "k")
    if not sizes.size:
        raise ValueError("k is empty; needed: one or more numbers of tries")
    if (sizes < 1).any() or (sizes > MOST_TRIES).any():
        extreme = int(sizes.max() if (sizes > MOST_TRIES).any() else sizes.min())
        raise ValueError(f"k is {extreme}; needed: from 1 to {MOST_TRIES:,} tries")
    return sizes


_LEAST_SHARE = 1e-9
"""Distance of a level from 0 and 1 below which its quantiles are no numbers."""


def check_share(share: float, name: str) -> float:
    """Return the share if it is strictly between 0 and 1.

    Raises:
        ValueError: The share is out of range.
    """
    if not _LEAST_SHARE <= real(share, name) <= 1 - _LEAST_SHARE:
        raise ValueError(f"{name} is {share}; needed: between 0 and 1, both excluded")
    return float(share)
