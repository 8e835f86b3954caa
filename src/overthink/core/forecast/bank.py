"""The counts behind a forecast, checked; and what is known of how the sampling stopped."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.core.counts import Counts, whole_numbers
from overthink.core.first_success import first_success_at_k, likely_batch
from overthink.core.parallel import pass_at_k

MOST_TRIES = 10**9
"""Largest k that is forecast."""
MOST_ATTEMPTS = 10**7
"""Most attempts of one question that are read."""

LEFT_OUT = "{count} of {all} questions have no attempts; they are left out"
ONE = "there is one question: how chances differ between questions rests on the prior alone"
NOTHING = "nothing succeeded: only the bound that needs no model is given, and nothing is extrapolated"
INFERRED = (
    "attempts differ between questions ({low} to {high}) and successes fit in a last batch of {batch}, the mark of "
    "sampling that stopped at the first success; it is read so: pass stopping='fixed' if attempts were set beforehand"
)
RAGGED = (
    "attempts differ between questions ({low} to {high}) and do not look like sampling that stopped at the first "
    "success; they are read as set beforehand: pass stopping='fixed' if they were"
)
ADAPTIVE = (
    "how often a question was tried depended on what its earlier tries showed: no k is estimated without the model"
)
CLAIMED = (
    "stopping is 'fixed', but questions with a success have fewer attempts than the {cap} of those without, and their "
    "successes fit in a last batch of {batch}: the mark of sampling that stopped at the first success. The share of "
    "successes would then be too high; pass stopping='first_success'"
)


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Attempts and successes of the questions that were tried.

    Attributes:
        attempts: (question,) tries made, 1 or more.
        successes: (question,) of them.
        batch: Attempts between looks at the outcome, where sampling stopped at the first success; else None.
        notes: What a reader must know of how the counts were read.
        adaptive: How often a question was tried depended on what its earlier tries showed. The chance of the counts,
            given the questions' chances, is the same; shares of successes are biased.
    """

    attempts: Counts
    successes: Counts
    batch: int | None
    notes: tuple[str, ...]
    adaptive: bool = False

    @property
    def exact_to(self) -> int:
        """The largest k that is estimated without a model; 0 for none."""
        if self.adaptive:
            return 0
        return int(self.attempts.min() if self.batch is None else self.attempts.max())

    @property
    def seen(self) -> int:
        """Attempts that a typical question without a success had; the most that any had if all succeeded."""
        without = self.attempts[self.successes == 0]
        return int(np.median(without)) if without.size else int(self.attempts.max())

    def exact(self, k: Counts) -> NDArray[np.float64]:
        """Unbiased estimate of the mean over questions of 1 - (1-p)^k, (k,), all at most ``exact_to``."""
        if self.batch is None:
            return np.asarray(pass_at_k(self.attempts, self.successes, k, stopping="fixed").mean(axis=0))
        return first_success_at_k(self.attempts, self.successes, k, batch=self.batch)

    def distinct(self) -> tuple[Counts, Counts, Counts, Counts]:
        """Attempts, successes and times of each distinct pair, (distinct,), and each question's pair, (question,)."""
        pairs, which, times = np.unique(
            np.stack([self.attempts, self.successes], axis=1), axis=0, return_inverse=True, return_counts=True
        )
        return pairs[:, 0], pairs[:, 1], times, which.ravel()


def read_bank(attempts: ArrayLike, successes: ArrayLike, stopping: str | None) -> Bank:
    """Check the counts and decide how sampling stopped; a warning says what was inferred or looks wrong.

    Args:
        attempts: (question,) tries made.
        successes: (question,) of them.
        stopping: "fixed", "first_success", or None to infer it.

    Raises:
        ValueError: The counts are no counts, there are none, or ``stopping`` is unknown or cannot be.
    """
    n, c = whole_numbers(attempts, "attempts"), whole_numbers(successes, "successes")
    if n.shape != c.shape:
        raise ValueError(f"attempts has shape {n.shape}, successes {c.shape}; needed: one of each per question")
    if (c > n).any():
        i = int(np.argmax(c > n))
        raise ValueError(f"question {i} has {c[i]} successes in {n[i]} attempts; needed: at most as many")
    if n.max(initial=0) > MOST_ATTEMPTS:
        raise ValueError(f"a question has {n.max():,} attempts; at most {MOST_ATTEMPTS:,} are read")
    if stopping not in ("fixed", "first_success", "adaptive", None):
        raise ValueError(f"stopping is {stopping!r}; needed: 'fixed', 'first_success', 'adaptive' or None")
    tried = n > 0
    if not tried.any():
        raise ValueError(f"there are {n.size} questions and none has an attempt; needed: at least one attempt")
    notes = [] if tried.all() else [LEFT_OUT.format(count=int((~tried).sum()), all=n.size)]
    n, c = n[tried], c[tried]
    adaptive = stopping == "adaptive"
    batch, told = (None, None) if adaptive else _stopped(n, c, stopping)
    notes += [told] if told else []
    for note in notes:
        warnings.warn(note, UserWarning, stacklevel=3)
    notes += [ADAPTIVE] if adaptive else []
    notes += [ONE] if n.size == 1 else []
    return Bank(n, c, batch, (*notes, NOTHING) if not c.any() else tuple(notes), adaptive)


def _stopped(n: Counts, c: Counts, stopping: str | None) -> tuple[int | None, str | None]:
    """The batch, if sampling stopped at the first success, and what is to be told of it."""
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
    told = {"low": int(n.min()), "high": int(n.max()), "batch": batch}
    if stopping is None:
        return batch, (RAGGED if batch is None else INFERRED).format(**told)
    without = n[c == 0]
    cap = int(without.min()) if without.size else int(n.max())
    stopped = batch is not None and n.size > 2 and (n[c > 0] <= cap).all() and (n[c > 0] < cap).mean() >= 0.5
    return None, CLAIMED.format(cap=cap, batch=batch) if stopped else None


def forecast_sizes(k: ArrayLike) -> Counts:
    """The tries to forecast, (k,).

    Raises:
        ValueError: There is none, or one is not a whole number from 1 to ``MOST_TRIES``.
    """
    sizes = whole_numbers(np.atleast_1d(np.asarray(k)), "k")
    if not sizes.size:
        raise ValueError("k is empty; needed: one or more numbers of tries")
    if (sizes < 1).any() or (sizes > MOST_TRIES).any():
        seen = int(sizes.max() if (sizes > MOST_TRIES).any() else sizes.min())
        raise ValueError(f"k is {seen}; needed: from 1 to {MOST_TRIES:,} tries")
    return sizes


def check_share(share: float, name: str) -> float:
    """A share strictly between 0 and 1.

    Raises:
        ValueError: It is not.
    """
    if not 0 < share < 1:
        raise ValueError(f"{name} is {share}; needed: between 0 and 1, both excluded")
    return float(share)
